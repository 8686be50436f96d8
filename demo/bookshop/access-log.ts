import { appendFile } from 'node:fs/promises'
import type { RequestHandler } from 'express'

/** Writes a line for each request into a file, once it is over: a stream's line comes with its end. */
export class AccessLog {
  readonly #path: string
  #written = Promise.resolve()

  constructor(path: string) {
    this.#path = path
    // a page may follow it before there is a line
    this.#write('')
  }

  readonly handler: RequestHandler = (req, res, next) => {
    const start = performance.now()
    res.on('close', () => {
      const took = Math.round(performance.now() - start)
      this.#write(
        `${new Date().toISOString()} ${req.method} ${req.originalUrl} ${res.statusCode} ${took} ms\n`,
      )
    })
    next()
  }

  /** Resolves when every line is in the file. */
  close(): Promise<void> {
    return this.#written
  }

  /** One line after the other; the file is opened for each, so that it can be rotated at any time. */
  #write(line: string): void {
    this.#written = this.#written.then(() => appendFile(this.#path, line)).catch(console.error)
  }
}
