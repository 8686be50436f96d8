import { serve } from '../fanout/remote.js'
import { type Name, peers } from './peers.js'

export interface Reading {
  readonly port: number
  readonly events: number
  /** How many come in one chunk. */
  readonly inChunk: number
}

export interface Took {
  /** Microseconds of this process's CPU for each event. */
  readonly cpu: number
  /** A second. */
  readonly rate: number
}

const { path, read } = peers[process.argv[2] as Name]

/** Reads all events of a stream, each of which has to be the next. */
async function reading({ port, events, inChunk }: Reading): Promise<Took> {
  globalThis.gc?.()
  const before = process.cpuUsage()
  const began = performance.now()
  await new Promise<void>((resolve, reject) => {
    let last = 0
    const stop = read(`http://127.0.0.1:${port}${path}?events=${events}&chunk=${inChunk}`, ({ n }) => {
      if (n !== last + 1) reject(new Error(`${n} came after ${last}`))
      last = n
      if (n < events) return
      resolve()
      setImmediate(() => stop())
    })
  })
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / events, rate: (1000 * events) / (performance.now() - began) }
}

const handlers = { reading }
export type Reader = typeof handlers
serve(handlers)
