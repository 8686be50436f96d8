// Decides which values labels have: few, whatever clients ask for.
import { report } from '../errors.js'
import { safely } from '../guard.js'

/** The channels that have a label of their own: their names, or a function that gives the label for a name. */
export type ChannelLabels = readonly string[] | ((name: string) => string | undefined)

/** What all the others are called. */
export const other = 'other'

/** Values of a label beyond those that are known from the start. */
const most = 100

/** Lets the first hundred values pass that come up, and those that are known; calls all others `other`. */
export class Bounded {
  readonly #what: string
  readonly #known = new Set<string>()
  #room = most

  constructor(what: string) {
    this.#what = what
  }

  know(value: string): void {
    this.#known.add(value)
  }

  of(value: string): string {
    if (this.#known.has(value)) return value
    if (this.#room === 0) return other
    this.#room -= 1
    if (this.#room === 0) {
      const more = `Metrics: more than ${most} values of the label ${this.#what} have come up: all further ones are \`${other}\``
      process.emitWarning(more, { type: 'LariatWarning' })
    }
    this.#known.add(value)
    return value
  }
}

/** The labels of channels: of the names that are listed, of those that functions give, and `other`. */
export class Channels {
  readonly #listed = new Set<string>()
  readonly #functions = new Set<(name: string) => string | undefined>()
  readonly #failed = new Set<unknown>()
  readonly #given = new Bounded('channel')

  add(labels: ChannelLabels): void {
    if (typeof labels === 'function') this.#functions.add(labels)
    else for (const name of labels) this.#listed.add(name)
  }

  /** Those that are known from the start. */
  get known(): readonly string[] {
    return [...this.#listed, other]
  }

  of(name: string): string {
    if (this.#listed.has(name)) return name
    for (const each of this.#functions) {
      const label = this.#labelBy(each, name)
      if (label !== undefined) return this.#given.of(label)
    }
    return other
  }

  /** It is called while an event is published: no failure of it may reach the publisher. One is told of, not each. */
  #labelBy(give: (name: string) => string | undefined, name: string): string | undefined {
    let label: unknown
    safely(
      () => {
        label = give(name)
      },
      (error) => {
        if (!this.#failed.has(give)) report(`Metrics: channels('${name}') failed`, error)
        this.#failed.add(give)
      },
    )
    return typeof label === 'string' && label !== '' ? label : undefined
  }
}
