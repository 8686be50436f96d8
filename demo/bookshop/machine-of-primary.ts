import cluster, { type Worker } from 'node:cluster'
import { EventEmitter, once } from 'node:events'
import type { Machine, Sampled } from './machine.js'
import type { Sample } from './sampler.js'

/** What the primary says to a worker: who samples, or a sample. */
type Told = { sampler: Sampler } | { sample: Sample }

interface Sampler {
  pid: number | undefined
  isAlive: boolean
  restartAfter: number
}

/** What a worker asks of the primary. */
type Asked = 'sampler?' | 'kill the sampler'

/** The primary has one machine for all workers: whatever is done by one of them is seen by all. */
export function shareMachine(machine: Machine): void {
  // one that was killed may still count as connected: that it is told nothing is no error of the primary
  const tell = (worker: Worker | undefined, told: Told) =>
    worker?.isConnected() && worker.send(told, () => {})
  const all = (told: Told) => {
    for (const worker of Object.values(cluster.workers ?? {})) tell(worker, told)
  }
  const sampler = (): Told => {
    const { sampler, isAlive, restartAfter } = machine
    return { sampler: { pid: sampler.pid, isAlive, restartAfter } }
  }
  machine
    .on('sample', (sample) => all({ sample }))
    .on('born', () => all(sampler()))
    .on('died', () => all(sampler()))
  cluster.on('message', (worker, asked: Asked) => {
    if (asked === 'sampler?') tell(worker, sampler())
    if (asked === 'kill the sampler') void machine.kill()
  })
}

/** The machine of the primary, as a worker sees it. */
export class MachineOfPrimary extends EventEmitter<{ sample: [Sample]; told: [] }> implements Sampled {
  sampler = new Life(undefined)
  restartAfter = 0

  private constructor() {
    super()
    this.setMaxListeners(0)
    process.on('message', (told: Told) => this.#take(told))
  }

  /** Resolves when the primary has said who samples. */
  static async join(): Promise<MachineOfPrimary> {
    const machine = new MachineOfPrimary()
    const told = once(machine, 'told')
    ask('sampler?')
    await told
    return machine
  }

  get isAlive(): boolean {
    return this.sampler.isAlive
  }

  async kill(): Promise<true> {
    if (!this.isAlive) return true
    const died = once(this, 'told')
    ask('kill the sampler')
    await died
    return true
  }

  #take(told: Told): void {
    if ('sample' in told) return void this.emit('sample', told.sample)
    const { pid, isAlive, restartAfter } = told.sampler
    this.restartAfter = restartAfter
    if (pid !== this.sampler.pid) this.sampler = new Life(pid)
    if (!isAlive) this.sampler.end()
    this.emit('told')
  }
}

/** The life of a process that only the primary knows as its child. It ends by being killed, and so as a failure. */
class Life {
  readonly pid: number | undefined
  isAlive = true
  readonly #listeners = new Set<(error: Error) => void>()

  constructor(pid: number | undefined) {
    this.pid = pid
  }

  /** What `monitor` watches. */
  onDown(listener: (error: Error) => void): () => void {
    if (this.isAlive) this.#listeners.add(listener)
    else listener(this.#error)
    return () => this.#listeners.delete(listener)
  }

  end(): void {
    this.isAlive = false
    for (const listener of this.#listeners) listener(this.#error)
    this.#listeners.clear()
  }

  get #error() {
    return new Error(`The sampler ${this.pid} was killed`)
  }
}

function ask(asked: Asked): void {
  // a primary that was killed takes its workers with it
  process.send?.(asked, () => {})
}
