import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { event } from '../../lib/index.js' // elsewhere: 'express-lariat'

/** The most that is read at once, in bytes. */
const most = 65_536

/** Jobs in a folder, as job.sh leaves them there: `42.log`, the process that writes it, and the exit code when it is over. */
export class Jobs {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  #fileOf(id: string, kind: 'log' | 'pid' | 'exit'): string {
    return join(this.#folder, `${id}.${kind}`)
  }

  /** The bytes of a job's log so far; undefined if there is no such job. */
  sizeOf(id: string): number | undefined {
    // nor is one that would lead out of the folder
    return /^[\w-]+$/.test(id)
      ? statSync(this.#fileOf(id, 'log'), { throwIfNoEntry: false })?.size
      : undefined
  }

  stateOf(id: string): 'running' | 'finished' | 'died' {
    // whether the writer lives is asked first: it may finish in between
    const lives = isAlive(Number(readFileSync(this.#fileOf(id, 'pid'), 'utf8')))
    return existsSync(this.#fileOf(id, 'exit')) ? 'finished' : lives ? 'running' : 'died'
  }

  /** The whole lines of a log from a byte on, as many as there are. Their id is the place behind them, where the next begin. */
  async *follow(id: string, from: number, signal: AbortSignal) {
    const watcher = watch(this.#folder, { signal })
    const file = await open(this.#fileOf(id, 'log'))
    try {
      for (let at = from, rest = Buffer.alloc(0); ; ) {
        // listens before the reading, so that no change is missed; a timer, since no watcher tells that a writer has died
        const changed = once(watcher, 'change', {
          signal: AbortSignal.any([signal, AbortSignal.timeout(1000)]),
        })
        changed.catch(() => {})
        const state = this.stateOf(id)
        for (;;) {
          const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, at + rest.length)
          if (bytesRead === 0) break
          rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
          // a line that is longer than what is read at once comes in parts
          const length = rest.lastIndexOf('\n') + 1 || (rest.length < most ? 0 : rest.length)
          if (length === 0) continue
          at += length
          yield event(rest.subarray(0, length), { id: `${at}` })
          rest = rest.subarray(length)
        }
        if (state !== 'running' && rest.length > 0) yield event(rest, { id: `${at + rest.length}` })
        if (state === 'finished') return
        if (state === 'died') throw new Error(`The writer of job ${id} has died`)
        await changed.catch(() => signal.throwIfAborted())
      }
    } finally {
      watcher.close()
      await file.close()
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // it is there, and another user's
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
