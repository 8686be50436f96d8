import { Readers, type Watched, type Watching } from './readers.js'
import { serve } from './remote.js'

export interface Opening {
  readonly port: number
  readonly count: number
  /** Of these, how many never read. */
  readonly stalled: number
}

const inOneGo = 20
const samples = 20
const readers = new Readers()
const stalled = new Readers()

const handlers = {
  open: async ({ port, count, stalled: still }: Opening) => {
    const targets = (many: number, isStalled: boolean) =>
      Array.from({ length: many }, () => ({ port, isStalled }))
    await stalled.open(targets(still, true), inOneGo)
    await readers.open(targets(count - still, false), inOneGo)
  },
  watch: (asked: Watching) => readers.watch(asked, samples),
  watched: async (_: null): Promise<Watched> => {
    const watched = await readers.watched()
    return { ...watched, closed: watched.closed + stalled.streams.filter(({ closed }) => closed).length }
  },
  close: (_: null) => {
    for (const stream of [...readers.streams, ...stalled.streams]) stream.close()
    readers.streams = []
    stalled.streams = []
  },
}

export type Client = typeof handlers
serve(handlers)
