import { jsonArray, ndjson, resource, sse, stop, text } from '../../../lib/index.js'
import { answerTo } from '../answer.js'
import type { Books } from '../books.js'
import { type Speakers, wordsOf } from '../speak.js'

/** A question about the books, its answer streamed word by word: the question in a POST, the answer a stream. */
export const ask = (books: Books, speakers: Speakers, pace: number) =>
  resource({
    init: () => ({ id: crypto.randomUUID() as string, answer: '' }),
    serviceAvailable: () => books.isAvailable || 1,
    allowedMethods: ['POST', 'OPTIONS'],
    contentTypesProvided: [sse(), ndjson(), jsonArray(), text()],
    contentTypesAccepted: {
      'text/plain': async (context) => {
        const question = await context.text()
        if (question.trim() === '') return stop(400, { detail: 'What is the question?' })
        // where one can look whether it is still spoken
        context.res.setHeader('Content-Location', `/api/ask/answers/${context.state.id}`)
        context.state.answer = answerTo(question, await books.all())
        return context.negotiated.format
      },
    },
    subscribe: ({ state: { id, answer }, signal }) =>
      speakers.speak(
        wordsOf(answer).map((word) => `${word} `),
        { id, pace, signal },
      ),
    stream: { endEvent: true },
  })

/** How many answers are being spoken: none that nobody listens to. */
export const answers = (speakers: Speakers) =>
  resource({
    contentTypesProvided: { 'application/json': async () => ({ speaking: await speakers.count() }) },
  })

/** Whether one answer is still being spoken. */
export const oneAnswer = (speakers: Speakers) =>
  resource({
    contentTypesProvided: {
      'application/json': async ({ req }) => ({ isSpeaking: await speakers.isSpeaking(req.params.id!) }),
    },
  })
