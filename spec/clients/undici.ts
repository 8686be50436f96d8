import { Agent, fetch, request } from 'undici'
import { Answer, type Ask, type Reader } from './reader.js'

/** On connections of its own, which nobody has to close. */
const dispatcher = new Agent({ keepAliveTimeout: 1 })

type Read = (answer: Answer, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array> | null>

function read(begin: Read): Answer {
  const controller = new AbortController()
  const answer = new Answer(() => controller.abort())
  const follow = async () => {
    const body = await begin(answer, controller.signal)
    const decoder = new TextDecoder()
    for await (const bytes of body ?? []) answer.take(decoder.decode(bytes, { stream: true }))
  }
  follow().then(
    () => answer.end('whole'),
    (error: Error & { code?: string; cause?: { code?: string } }) =>
      answer.end({
        error: `${error.name}: ${error.message} ${error.code ?? error.cause?.code ?? ''}`.trim(),
      }),
  )
  return answer
}

const optional = ({ body, headers }: Ask) => ({
  ...(body !== undefined && { body }),
  ...(headers && { headers }),
})

export const undici: readonly Reader[] = [
  {
    name: "undici's fetch",
    follows: true,
    accept: '*/*',
    sees: { cut: /^TypeError: terminated UND_ERR_SOCKET$/, reset: /^TypeError: terminated ECONNRESET$/ },
    read: (url, ask = {}) =>
      read(async (answer, signal) => {
        const { method = 'GET' } = ask
        const response = await fetch(url, { method, ...optional(ask), signal, dispatcher })
        answer.begin({ status: response.status, headers: Object.fromEntries(response.headers) })
        return response.body
      }),
  },
  {
    name: "undici's request",
    follows: false,
    accept: undefined,
    sees: { cut: /^SocketError: other side closed UND_ERR_SOCKET$/, reset: /ECONNRESET$/ },
    read: (url, ask = {}) =>
      read(async (answer, signal) => {
        const { method = 'GET' } = ask
        const response = await request(url, { method: method as 'GET', ...optional(ask), signal, dispatcher })
        const fields = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        answer.begin({ status: response.statusCode, headers: Object.fromEntries(fields) })
        return response.body
      }),
  },
]
