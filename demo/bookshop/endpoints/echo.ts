import { ndjson, resource, sse } from '../../../lib/index.js'
import { type Speakers, wordsOf } from '../speak.js'

/** A POST that is answered by a stream, as a language model's API does: a text in, its words out. */
export const echo = (speakers: Speakers, pace: number) =>
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
    subscribe: ({ state, signal }) => speakers.speak(wordsOf(state.text), { pace, signal }),
  })
