import { setTimeout } from 'node:timers/promises'
import { ndjson, resource, sse } from '../../../lib/index.js'

/** A POST that is answered by a stream, as a language model's API does: a text in, its words out. */
export const echo = (pace: number) =>
  resource({
    init: () => ({ text: '' }),
    allowedMethods: ['POST', 'OPTIONS'],
    contentTypesProvided: [sse(), ndjson()],
    contentTypesAccepted: {
      'text/plain': async (context) => {
        context.state.text = await context.text()
        return context.negotiated.format
      },
    },
    subscribe: ({ state, signal }) => speak(state.text, pace, signal),
  })

async function* speak(text: string, pace: number, signal: AbortSignal) {
  for (const word of text.match(/\S+/g) ?? []) {
    await setTimeout(pace, undefined, { signal })
    yield word
  }
}
