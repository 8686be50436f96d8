import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { atEnd } from '../support/at-end.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a page has, and Node has not: addresses without an origin, and an EventSource. */
const asOn = (origin: string) => `
  import { EventSource as Package } from 'eventsource'
  const { fetch: fetchFrom } = globalThis
  globalThis.fetch = (path, init) => fetchFrom(new URL(path, '${origin}'), init)
  globalThis.EventSource = class extends Package {
    constructor(path) {
      super(new URL(path, '${origin}'))
    }
  }
`

/** The script of a page, in a process of its own; one that fails unhandled ends it. */
export class Page {
  /** The exit code. */
  readonly ended: Promise<number>
  readonly #child
  readonly #waiting = new Set<() => void>()
  #printed = ''
  #errors = ''

  constructor(code: string, origin: string) {
    const given = ['--input-type=module', '--eval', asOn(origin) + code]
    this.#child = spawn(process.execPath, given, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const undo = atEnd(() => this.close())
    this.#child.stdout.on('data', (text) => {
      this.#printed += text
      this.#look()
    })
    this.#child.stderr.on('data', (text) => {
      this.#errors += text
    })
    this.ended = once(this.#child, 'close').then(([code]) => {
      undo()
      this.#look()
      return code as number
    })
  }

  /** Waits until it prints a text, after all that was waited for before. */
  prints(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const at = this.#printed.indexOf(text)
        const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null
        if (at < 0 && !hasEnded) return
        this.#waiting.delete(look)
        if (at < 0) return reject(new Error(`ended without ${text}: ${this.#printed} ${this.#errors}`))
        this.#printed = this.#printed.slice(at + text.length)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}
