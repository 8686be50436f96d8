import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { pathOf } from './installed.js'

/** curl at work: what it has printed so far, and its exit code once it is over. */
export class Curl {
  /** 0: the answer was whole; 18: the connection was lost before its end. */
  readonly code: Promise<number | null>
  text = ''
  readonly #process: ChildProcess
  readonly #more = new EventEmitter()

  constructor(url: string, ...given: readonly string[]) {
    this.#process = spawn(pathOf('curl')!, ['-sN', ...given, url], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process.stdout!.setEncoding('utf8').on('data', (piece) => {
      this.text += piece
      this.#more.emit('more')
    })
    this.code = once(this.#process, 'close').then(([code]) => {
      this.#more.emit('more')
      return code as number | null
    })
  }

  /** Waits until what it has printed has such a place. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text)
      if (found) return found
      if (this.#process.exitCode !== null) throw new Error(`It printed no ${pattern}: ${this.text}`)
      await once(this.#more, 'more')
    }
  }

  /** All that it prints, once it is over. */
  async all(): Promise<string> {
    await this.code
    return this.text
  }

  /** Ends it, as Ctrl-C does. */
  async stop(): Promise<void> {
    this.#process.kill('SIGINT')
    await this.code
  }
}
