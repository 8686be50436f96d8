import { jsonArray, ndjson, resource, sse, stop, text } from '../../../lib/index.js'
import { answerTo } from '../answer.js'
import type { Books } from '../books.js'
import { type Speakers, wordsOf } from '../speak.js'

/** A question about the books, answered word by word: the question in a POST, the answer a stream. */
export const ask = (books: Books, speakers: Speakers, pace: number) =>
  resource({
    init: () => ({ answer: '' }),
    serviceAvailable: () => books.isAvailable || 1,
    allowedMethods: ['POST', 'OPTIONS'],
    contentTypesProvided: [sse(), ndjson(), jsonArray(), text()],
    contentTypesAccepted: {
      'text/plain': async (context) => {
        const question = await context.text()
        if (question.trim() === '') return stop(400, { detail: 'What is the question?' })
        context.state.answer = answerTo(question, await books.all())
        return context.negotiated.format
      },
    },
    subscribe: ({ state, signal }) =>
      speakers.speak(
        wordsOf(state.answer).map((word) => `${word} `),
        pace,
        signal,
      ),
    stream: { endEvent: true },
  })

/** How many answers are being spoken: none that nobody listens to. */
export const answers = (speakers: Speakers) =>
  resource({
    contentTypesProvided: { 'application/json': () => ({ speaking: speakers.count }) },
  })
