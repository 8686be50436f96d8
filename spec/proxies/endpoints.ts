import { ndjson, resource, sse } from '../../lib/index.js'

/** A loop whose source breaks when it is told to. */
export const failing = {
  info: (message: unknown, { write }: { write(data: unknown): unknown }) => {
    if (message === 'fail') throw new Error('The source broke')
    write(message)
  },
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
