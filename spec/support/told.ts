import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticsMessages } from '../../lib/index.js'

type Full = keyof DiagnosticsMessages
type Short = Full extends `express-lariat:${infer Name}` ? Name : never
type Of<Name extends Short> = DiagnosticsMessages[`express-lariat:${Name}`]

/** What the diagnostics channels tell. */
export class Told {
  /** In order. */
  readonly all: { readonly name: Short; readonly message: DiagnosticsMessages[Full] }[] = []
  readonly #listeners: { readonly name: Short; readonly listener: (message: unknown) => void }[] = []

  /** @param does what a listener does besides */
  on<Name extends Short>(name: Name, does: (message: Of<Name>) => void = () => {}): this {
    const listener = (message: unknown) => {
      this.all.push({ name, message: message as Of<Name> })
      does(message as Of<Name>)
    }
    this.#listeners.push({ name, listener })
    subscribe(`express-lariat:${name}`, listener)
    return this
  }

  of<Name extends Short>(name: Name): Of<Name>[] {
    return this.all.filter((each) => each.name === name).map(({ message }) => message as Of<Name>)
  }

  get names(): Short[] {
    return this.all.map(({ name }) => name)
  }

  off(): void {
    for (const { name, listener } of this.#listeners.splice(0))
      unsubscribe(`express-lariat:${name}`, listener)
  }
}

/** Said in a suite: each of its tests may listen, and stops with its end. */
export function listening(): { readonly now: Told } {
  let told: Told
  beforeEach(() => {
    told = new Told()
  })
  afterEach(() => told.off())
  return {
    get now() {
      return told
    },
  }
}
