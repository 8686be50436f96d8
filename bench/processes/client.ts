import { Readers, type Watching } from '../fanout/readers.js'
import { serve } from '../fanout/remote.js'
import type { Entry } from './peers.js'
import { socketIo } from './websocket.js'

export interface Opening {
  /** Of the processes that the streams are spread over. */
  readonly ports: readonly number[]
  readonly count: number
  readonly protocol: Entry['protocol']
}

const inOneGo = 20
const readers = new Readers()

const handlers = {
  open: ({ ports, count, protocol }: Opening) => {
    const targets = Array.from({ length: count }, (_, at) => ({ port: ports[at % ports.length]! }))
    return readers.open(targets, inOneGo, protocol === 'socket.io' ? socketIo : undefined)
  },
  /** `each`: every stream looks at every event, which tells when the last one has it. */
  watch: ({ each, ...asked }: Watching & { each: boolean }) =>
    readers.watch(asked, each ? readers.streams.length : 1),
  watched: (_: null) => readers.watched(),
  close: (_: null) => {
    for (const stream of readers.streams) stream.close()
    readers.streams = []
  },
}

export type Client = typeof handlers
serve(handlers)
