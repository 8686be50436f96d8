import { once } from 'node:events'
import { event, ndjson, resource, type StreamOptions, sse } from '../../lib/index.js'
import { Held } from './origin.js'

/** A loop whose source breaks when it is told to. */
export const failing = {
  info: (message: unknown, { write }: { write(data: unknown): unknown }) => {
    if (message === 'fail') throw new Error('The source broke')
    write(message)
  },
}

/** Three events after the last that a client has seen, and no end. */
export function counting(stream: StreamOptions = {}): Held {
  return new Held({
    stream,
    async *subscribe({ lastEventId, signal }) {
      const seen = Number(lastEventId ?? 0)
      for (let id = seen + 1; id <= seen + 3; id++) yield event('', { id: String(id) })
      await once(signal, 'abort')
    },
  })
}

/** JSON, events, and a POST that is answered by a stream. */
export function snapshotAndStream() {
  return resource({
    allowedMethods: ['GET', 'HEAD', 'POST'],
    contentTypesProvided: { 'application/json': () => ({ price: 3 }), 'text/event-stream': sse() },
    generateEtag: () => '"1"',
    init: () => ({ words: undefined as string[] | undefined }),
    contentTypesAccepted: {
      'text/plain': async (context) => {
        context.state.words = (await context.text()).split(' ')
        return ndjson()
      },
    },
    subscribe: ({ lastEventId, state }) => state.words ?? [`after ${lastEventId}`],
  })
}
