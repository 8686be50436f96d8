// A POST answered token by token, like a language model's API. When the client leaves, the model really stops.
// The model is small: it has read the lines below, and knows which word may follow which.
//
//   npx tsx demo/llm.ts
//   curl -N -H 'Content-Type: application/json' -d '{"prompt":"Throw the"}' localhost:3000/completions
//   curl -N --json '{"prompt":"Hold on to"}' localhost:3000/completions                 # --json also asks for JSON
//   curl -N --json '{"prompt":"A rope","maxTokens":500}' localhost:3000/completions     # Ctrl-C: look at both
//   curl -i --json '{"maxTokens":500}' localhost:3000/completions                       # 400, and what is wrong
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { jsonArray, ndjson, resource, sse, stop } from '../lib/index.js' // elsewhere: 'express-lariat'

const words =
  `A lariat is a rope with a loop. Throw the loop and hold on to the rope. The rope is long and the loop
is a part of the rope. Hold on to a loop and the rope is yours. Throw a rope with a hold and hold a lariat with a
rope. A hold is a loop that is yours and a loop is a hold on a rope that is long.`.split(/\s+/)

/** One token after the other: a Markov chain. */
async function* complete(prompt: string, maxTokens: number, signal: AbortSignal) {
  let word = prompt.split(/\s+/).at(-1)
  let count = 0
  try {
    for (; count < maxTokens; count++) {
      await sleep(40, undefined, { signal }) // a model elsewhere: fetch(url, { signal })
      const followers = words.filter((_, index) => words[index - 1] === word)
      const candidates = followers.length > 0 ? followers : words
      word = candidates[Math.floor(Math.random() * candidates.length)]
      yield { token: ` ${word}` }
    }
  } finally {
    console.log(`${signal.aborted ? 'Stopped' : 'Finished'} after ${count} of ${maxTokens} tokens`)
  }
}

const endpoint = resource({
  allowedMethods: ['POST', 'OPTIONS'],
  contentTypesProvided: [sse(), ndjson(), jsonArray()],
  contentTypesAccepted: { 'application/json': ({ negotiated }) => negotiated.format },
  subscribe: async ({ json, signal }) => {
    const { prompt, maxTokens = 20 } = Object(await json()) as { prompt?: unknown; maxTokens?: unknown }
    if (typeof prompt !== 'string') return stop(400, { detail: 'prompt: expected a string' })
    if (typeof maxTokens !== 'number') return stop(400, { detail: 'maxTokens: expected a number' })
    return complete(prompt, Math.min(maxTokens, 1000), signal)
  },
  stream: { endEvent: true },
})

const app = express().use('/completions', endpoint)
const server = app.listen(Number(process.env.PORT || 3000))
server.on('listening', () => {
  console.log(`The model is at http://localhost:${(server.address() as AddressInfo).port}/completions`)
})

const shutDown = () => Promise.all([server.close(), endpoint.close()])
process.once('SIGINT', shutDown).once('SIGTERM', shutDown)
