import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import type { Watched } from '../../lib/index.js'
import type { Sample } from './sampler.js'

/** A machine that is sampled, by a process which may be killed. */
export interface Sampled {
  readonly sampler: Watched & { readonly pid?: number | undefined }
  readonly isAlive: boolean
  /** Milliseconds until a dead process is replaced. */
  readonly restartAfter: number
  on(name: 'sample', listener: (sample: Sample) => void): unknown
  off(name: 'sample', listener: (sample: Sample) => void): unknown
  /** Kills the process that samples; resolves when it is dead. */
  kill(): Promise<true>
}

/** Samples of this machine, from one process for all who listen; when it dies, another takes its place. */
export class Machine extends EventEmitter<{ sample: [Sample]; born: []; died: [] }> implements Sampled {
  sampler: ChildProcess = this.#start()
  readonly #closing = new AbortController()
  readonly restartAfter: number

  constructor(restartAfter: number) {
    super()
    this.setMaxListeners(0)
    this.restartAfter = restartAfter
    this.#supervise().catch(() => {}) // ended by close(), or where no process can be started
  }

  get isAlive(): boolean {
    return this.sampler.exitCode === null && this.sampler.signalCode === null
  }

  async kill(): Promise<true> {
    if (this.isAlive) {
      const exited = once(this.sampler, 'exit')
      this.sampler.kill('SIGKILL')
      await exited
    }
    return true
  }

  close(): void {
    this.#closing.abort()
    this.sampler.kill()
  }

  #start(): ChildProcess {
    return fork(new URL('sampler.ts', import.meta.url)).on('message', (sample: Sample) => {
      this.emit('sample', sample)
    })
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#closing
    for (;;) {
      await once(this.sampler, 'exit', { signal })
      this.emit('died')
      await setTimeout(this.restartAfter, undefined, { signal })
      this.sampler = this.#start()
      this.emit('born')
    }
  }
}
