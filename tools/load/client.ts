import { Readers, type Watched, type Watching } from '../../bench/fanout/readers.js'
import { serve } from '../../bench/fanout/remote.js'
import { type Churning, churn } from './churn.js'
import { type Kind, kinds } from './kinds.js'
import { sourceOf } from './sources.js'

export interface Opening {
  readonly port: number
  readonly kinds: readonly Kind[]
  /** How many are opened before the first of them has answered. */
  readonly inOneGo: number
}

export interface Left {
  /** Whose end the client has seen: a last chunk. */
  readonly complete: number
  /** Who were left without an answer to their leaving. */
  readonly open: number
}

const readers = new Readers()

const handlers = {
  open: ({ port, kinds: asked, inOneGo }: Opening) =>
    readers.open(
      asked.map((kind, at) => ({ port, ...kinds[kind], from: sourceOf(at) })),
      inOneGo,
    ),
  /** Every stream looks at every event. */
  watch: (asked: Watching) => readers.watch(asked, readers.streams.length),
  watched: (_: null): Promise<Watched> => readers.watched(),
  /** Leaves with all streams at once; `await`: waits for the end that the server makes, complete or cut, and leaves then. */
  leave: async ({ how, within }: { how: 'fin' | 'reset' | 'await'; within: number }): Promise<Left> => {
    const { streams } = readers
    if (how === 'await')
      await until(() => streams.every(({ isComplete, closed }) => isComplete || closed), within)
    const complete = streams.filter(({ isComplete }) => isComplete).length
    for (const stream of streams) {
      if (how === 'reset') stream.close()
      else stream.end()
    }
    await until(() => streams.every(({ closed }) => closed), within)
    const open = streams.filter(({ closed }) => !closed).length
    for (const stream of streams) if (!stream.closed) stream.close()
    readers.streams = []
    return { complete, open }
  },
  churn: (asked: Churning) => churn(asked),
}

async function until(isSo: () => boolean, within: number): Promise<void> {
  const end = performance.now() + within
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
}

export type Client = typeof handlers
serve(handlers)
