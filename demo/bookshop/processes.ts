import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Machine } from './machine.js'
import { shareMachine } from './machine-of-primary.js'
import { shown } from './shown.js'

/** Milliseconds that a process has to end, and until one is replaced that could not even begin. */
const [patience, pause] = [10_000, 1000]

/** Runs so many processes behind one port, and another for each that ends, until it is told to end all. */
export async function run(count: number): Promise<void> {
  // Each process takes connections from the port by itself. By default the primary hands them out, and Node forgets one
  // that it has handed to a process which is killed before it took it: its client would wait for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE

  const closing = new AbortController()
  const { signal } = closing
  const end = () => closing.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  const machine = new Machine(5000)
  shareMachine(machine)
  await runAll().finally(() => machine.close())

  async function runAll(): Promise<void> {
    // whether any can begin
    const first = start()
    const port = await portOf(first)
    if (port === undefined) {
      process.exitCode = first.process.exitCode ?? 0
      return
    }
    const others = Array.from({ length: count - 1 }, start)
    const kept = [first, ...others].map(keep)
    await Promise.all(others.map(portOf))
    if (!signal.aborted) {
      const pids = Object.values(cluster.workers ?? {}).map((worker) => worker!.process.pid)
      console.log(`The books are in Redis at ${shown(process.env.REDIS_URL!)}`)
      console.log(`The demo is at http://localhost:${port}, by the processes ${pids.join(', ')}`)
    }
    await Promise.all(kept)
  }

  /** Starts a process, which is ended with the rest. */
  function start(): Worker {
    const worker = cluster.fork()
    const end = () => {
      worker.process.kill('SIGTERM')
      const ending = setTimeout(() => worker.process.kill('SIGKILL'), patience)
      worker.once('exit', () => clearTimeout(ending))
    }
    if (signal.aborted) end()
    signal.addEventListener('abort', end)
    worker.once('exit', () => signal.removeEventListener('abort', end))
    return worker
  }

  /** Puts another in its place whenever it ends. */
  async function keep(worker: Worker): Promise<void> {
    for (let kept: Worker | undefined = worker; kept; ) {
      const [code, by] = await once(kept, 'exit')
      if (signal.aborted) return
      console.log(`Process ${kept.process.pid} has ended (${by ?? code})`)
      kept = await another()
      if (kept) console.log(`Process ${kept.process.pid} takes its place`)
    }
  }

  /** One that has begun; tried again and again, while Redis is away for example. */
  async function another(): Promise<Worker | undefined> {
    while (!signal.aborted) {
      const worker = start()
      if ((await portOf(worker)) !== undefined) return worker
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
    return undefined
  }
}

/** The port that it listens at; undefined if it ends without having listened. */
function portOf(worker: Worker): Promise<number | undefined> {
  return new Promise((resolve) => {
    worker.once('listening', ({ port }: AddressInfo) => resolve(port))
    worker.once('exit', () => resolve(undefined))
  })
}
