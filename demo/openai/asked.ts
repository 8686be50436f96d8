// What clients ask of both APIs, what they are told where it fails, and who answers.
import { complete } from '../llm/model.js'

export const models = ['rope-1', 'frayed-rope-1', 'busy-rope-1']

export interface Asked {
  model: string
  prompt: string
  /** The most tokens of an answer, if there is such a limit. */
  limit: number
  stream: boolean
  includeUsage: boolean
}

/** A failure that the client is told of. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly param: string | null = null,
    readonly code: string | null = null,
  ) {
    super(message)
  }
}

/** How a failure is told, before the head and in mid-stream. What one is that nobody foresaw, the console says. */
export function told(error: unknown) {
  // a client that leaves aborts the model
  if (!(error instanceof Failure) && Object(error).name !== 'AbortError') console.error(error)
  const known = error instanceof Failure ? error : new Failure(500, 'The server had an error.')
  const { status, message, param, code } = known
  return { error: { message, type: status < 500 ? 'invalid_request_error' : 'server_error', param, code } }
}

/** Reads a body, whose prompt is its `messages` or its `input`. */
export function askedBy(body: unknown, name: 'messages' | 'input'): Asked {
  const { model, stream, stream_options, [name]: said, ...rest } = Object(body) as Record<string, unknown>
  if (typeof model !== 'string') throw new Failure(400, 'You must provide a model.', 'model')
  if (!models.includes(model)) {
    throw new Failure(404, `The model ${model} does not exist.`, 'model', 'model_not_found')
  }
  const prompt = textOf(Array.isArray(said) ? said.at(-1)?.content : said)
  if (!prompt) throw new Failure(400, `${name}: expected a text.`, name, 'invalid_value')
  const limit = rest.max_completion_tokens ?? rest.max_tokens ?? rest.max_output_tokens ?? Infinity
  if (typeof limit !== 'number' || limit < 1) {
    throw new Failure(400, 'The limit of tokens: expected 1 or more.', 'max_tokens', 'invalid_value')
  }
  const includeUsage = Object(stream_options).include_usage === true
  return { model, prompt, limit, stream: stream === true, includeUsage }
}

/** Content is a string, or a list of parts. */
function textOf(content: unknown): string {
  if (!Array.isArray(content)) return typeof content === 'string' ? content : ''
  return content.map((part) => textOf(Object(part).text)).join('')
}

/** The models: one speaks, one breaks after three tokens, and one has no time. */
export async function* speak({ model, prompt, limit }: Asked, signal: AbortSignal): AsyncGenerator<string> {
  if (model === 'busy-rope-1') throw new Failure(503, 'All ropes are in use.', null, 'overloaded')
  let count = 0
  for await (const token of complete(prompt, limit === Infinity ? 16 : limit, signal)) {
    if (model === 'frayed-rope-1' && count++ === 3) throw new Failure(500, 'The rope broke.', null, 'broken')
    yield token
  }
}

/** How many tokens a prompt has. */
export const sizeOf = ({ prompt }: Asked): number => prompt.split(/\s+/).length
