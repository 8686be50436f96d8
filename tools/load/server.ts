import { readdirSync } from 'node:fs'
import { plainExpress } from '../../bench/fanout/peers/express.js'
import { serve } from '../../bench/fanout/remote.js'
import { serving } from '../../bench/fanout/serving.js'
import { clock } from '../../lib/clock.js'
import type { OpenStream } from '../../lib/index.js'
import { Held, type Tally } from './held.js'

/** What there is in the process, of what streams take. */
export interface Census {
  readonly listening: number
  readonly streams: number
  readonly connections: number
  /** Open files, sockets among them. */
  readonly files: number
  readonly deadlines: number
  /** By emitter and event. */
  readonly listeners: Readonly<Record<string, number>>
  /** What keeps the process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>
  readonly tally: Tally
  /** Warnings, rejections and exceptions that nobody has caught. */
  readonly faults: readonly string[]
}

const faults: string[] = []
for (const event of ['warning', 'unhandledRejection', 'uncaughtException']) {
  process.on(event, (what) => faults.push(`${event}: ${what}`))
}

const held = process.argv[2] === 'plain' ? undefined : new Held()
const { server, handlers: usual } = await serving(held ?? plainExpress())
/** Planted by a spec, to see that it is found. */
const leaked: OpenStream[] = []

const handlers = {
  ...usual,
  memory: async (asked: { collect: boolean }) => {
    // what a finalizer lets go of is free the next time
    for (let times = 0; asked.collect && times < 4; times++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return usual.memory(asked)
  },
  /** Whether all that is asked for is so: it is waited for, and not for ever. */
  until: async ({ listening, streams, within }: { listening: number; streams: number; within: number }) => {
    const isSo = async () =>
      held?.listening === listening &&
      countOf(held.endpoint.streams) === streams &&
      (await usual.connections(null)) === streams
    const end = performance.now() + within
    while (!(await isSo())) {
      if (performance.now() > end) return false
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return true
  },
  census: async (_: null): Promise<Census> => ({
    listening: held?.listening ?? 0,
    streams: held ? countOf(held.endpoint.streams) : 0,
    connections: await usual.connections(null),
    files: readdirSync('/proc/self/fd').length,
    deadlines: clock.size,
    listeners: { ...listenersOf('process', process), ...listenersOf('server', server) },
    resources: countsOf(process.getActiveResourcesInfo()),
    tally: structuredClone(held!.tally),
    faults,
  }),
  /** Ends the streams from here: each by itself, or half of them so, and the rest with their endpoint. */
  end: async ({ closes }: { closes: boolean }) => {
    const streams = [...held!.endpoint.streams]
    for (const stream of closes ? streams.slice(streams.length / 2) : streams) stream.close()
    if (closes) await held!.endpoint.close()
  },
  /** Keeps a reference to each stream that begins from now on, as a mistake would. */
  leak: (_: null) => {
    held!.channel.on('join', (stream) => leaked.push(stream))
  },
}

function countOf(streams: Iterable<unknown>): number {
  let count = 0
  for (const _ of streams) count += 1
  return count
}

function listenersOf(name: string, emitter: NodeJS.EventEmitter): Record<string, number> {
  return Object.fromEntries(
    emitter.eventNames().map((event) => [`${name} ${String(event)}`, emitter.listenerCount(event)]),
  )
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

export type Server = typeof handlers
serve(handlers)
