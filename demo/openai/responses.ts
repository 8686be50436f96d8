// How the Responses API writes an answer: as a whole, and in events.
import { randomUUID } from 'node:crypto'
import { type Event, event } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { type Asked, sizeOf, told } from './asked.js'

/** An answer as far as it has come, and its parts. */
class Answer {
  readonly #asked: Asked
  readonly #head = {
    id: `resp_${randomUUID()}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
  }
  readonly id = `msg_${randomUUID()}`
  text = ''
  count = 0
  isOver = false

  constructor(asked: Asked) {
    this.#asked = asked
  }

  add(token: string): void {
    this.text += token
    this.count += 1
  }

  get status() {
    if (!this.isOver) return 'in_progress'
    return this.count < this.#asked.limit ? 'completed' : 'incomplete'
  }

  get part() {
    return { type: 'output_text', text: this.text, annotations: [], logprobs: [] }
  }

  get item() {
    const content = this.text === '' ? [] : [this.part]
    return { id: this.id, type: 'message', role: 'assistant', status: this.status, content }
  }

  get response() {
    const { model } = this.#asked
    const [input_tokens, output_tokens] = [sizeOf(this.#asked), this.count]
    const usage = {
      ...{ input_tokens, input_tokens_details: { cached_tokens: 0 } },
      ...{ output_tokens, output_tokens_details: { reasoning_tokens: 0 } },
      total_tokens: input_tokens + output_tokens,
    }
    return {
      ...{ ...this.#head, model, status: this.status, error: null },
      incomplete_details: this.status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      output: this.isOver ? [this.item] : [],
      usage: this.isOver ? usage : null,
      ...{ instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, top_p: 1 },
      ...{ tools: [], tool_choice: 'auto' },
    }
  }
}

export async function whole(asked: Asked, tokens: AsyncIterable<string>) {
  const answer = new Answer(asked)
  for await (const token of tokens) answer.add(token)
  answer.isOver = true
  return answer.response
}

export async function* events(asked: Asked, tokens: AsyncIterable<string>): AsyncGenerator<Event> {
  const answer = new Answer(asked)
  let count = 0
  const say = (type: string, more: object) => event({ type, sequence_number: count++, ...more }, { type })
  const place = { item_id: answer.id, output_index: 0, content_index: 0 }
  try {
    for await (const token of tokens) {
      if (count === 0) {
        yield say('response.created', { response: answer.response })
        yield say('response.in_progress', { response: answer.response })
        yield say('response.output_item.added', { output_index: 0, item: answer.item })
        yield say('response.content_part.added', { ...place, part: answer.part })
      }
      answer.add(token)
      yield say('response.output_text.delta', { ...place, delta: token, logprobs: [] })
    }
    answer.isOver = true
    yield say('response.output_text.done', { ...place, text: answer.text, logprobs: [] })
    yield say('response.content_part.done', { ...place, part: answer.part })
    yield say('response.output_item.done', { output_index: 0, item: answer.item })
    yield say(`response.${answer.status}`, { response: answer.response })
  } catch (error) {
    // before the first event it is an answer with a status of its own
    if (count === 0) throw error
    yield say('error', told(error))
  }
}
