// How the Chat Completions API writes an answer: as a whole, and in chunks.
import { randomUUID } from 'node:crypto'
import { type Asked, sizeOf } from './asked.js'

const named = ({ model }: Asked, object: string) => ({
  id: `chatcmpl-${randomUUID()}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model,
})

const finish = ({ limit }: Asked, count: number) => (count < limit ? 'stop' : 'length')

function usageOf(asked: Asked, count: number) {
  const size = sizeOf(asked)
  return { prompt_tokens: size, completion_tokens: count, total_tokens: size + count }
}

export async function whole(asked: Asked, tokens: AsyncIterable<string>) {
  const said: string[] = []
  for await (const token of tokens) said.push(token)
  const message = { role: 'assistant', content: said.join(''), refusal: null }
  return {
    ...named(asked, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish(asked, said.length) }],
    usage: usageOf(asked, said.length),
  }
}

export async function* chunks(asked: Asked, tokens: AsyncIterable<string>) {
  const head = { ...named(asked, 'chat.completion.chunk'), ...(asked.includeUsage && { usage: null }) }
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  })
  let count = 0
  for await (const content of tokens)
    yield chunk(count++ === 0 ? { role: 'assistant', content } : { content })
  yield chunk({}, finish(asked, count))
  if (asked.includeUsage) yield { ...head, choices: [], usage: usageOf(asked, count) }
}
