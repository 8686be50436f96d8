// Makes the request of an attempt.
import type { Reader } from '../readers/reader.js'
import { discard, FollowError } from './failure.js'
import type { FollowOptions } from './options.js'

/** Makes a request. A FollowError says that it cannot be made, whenever it is tried; another error is that of a function asked. */
export async function request(
  url: string,
  options: FollowOptions,
  readers: readonly Reader[],
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const { accept, credentials, fetch = globalThis.fetch } = options
  const [headers, query, body] = await Promise.all([options.headers, options.query, options.body].map(asked))
  // while these were asked
  signal.throwIfAborted()
  const method = methodOf(options)
  const isJson = isPlain(body)
  let fields: Headers
  let target: URL
  let content: string
  try {
    content = (isJson ? JSON.stringify(body) : body) as string
    fields = new Headers(headers as Record<string, string>)
    if (lastEventId) fields.set('last-event-id', inUtf8(lastEventId))
    // a request knows what a relative URL is relative to
    target = new URL(new Request(url, { method, body: content && '' }).url)
    // `localhost:3000/prices`, of which `localhost:` is the scheme
    if (!target.host) throw new TypeError('no http://')
    new URLSearchParams(query as Record<string, string>).forEach((value, name) => {
      target.searchParams.append(name, value)
    })
  } catch (cause) {
    // fetch could not be told from a lost connection by what it says of these
    throw new FollowError(`No request can be made to ${url}: ${(cause as Error).message}`, { cause })
  }
  const types = [accept ?? fewOf(readers.map(({ mediaTypes }) => mediaTypes[0] as string))].flat()
  if (!fields.has('accept')) fields.set('accept', types.map(preferred).join(', '))
  if (isJson && !fields.has('content-type')) fields.set('content-type', 'application/json')
  const response = await fetch(target.href, {
    method,
    headers: fields,
    signal,
    body: content,
    ...({ cache: 'no-store', credentials, duplex: 'half' } as object),
  })
  if (!response) throw new FollowError('fetch has given no response')
  // from a fetch that ignores its signal
  if (signal.aborted) discard(response)
  return response
}

export function methodOf({ method, body }: FollowOptions): string {
  return method ?? (body === undefined ? 'GET' : 'POST')
}

/** Fields are bytes, which fetch takes as characters; an id is UTF-8 there (WHATWG HTML 9.2.3). */
function inUtf8(id: string): string {
  return String.fromCharCode(...new TextEncoder().encode(id))
}

/** Not what fetch takes as a body: of those, only a stream of Node's has no name of its own. */
function isPlain(body: unknown): boolean {
  return /t (?:Array|Object)]/.test({}.toString.call(body)) && !(Symbol.asyncIterator in Object(body))
}

/** What is asked for each attempt. */
async function asked(each: unknown): Promise<object | null | undefined> {
  return typeof each === 'function' ? each() : (each as object)
}

/** 128 characters at most: with more, a browser would have to ask another origin first (Fetch 2.2.2). */
const fewOf = (types: string[]) => (types.length > 5 ? [...types.slice(0, 4), '*/*'] : types)

/** In order of preference (RFC 9110 12.5.1). */
function preferred(type: string, at: number): string {
  return at ? `${type};q=0.${Math.max(1, 10 - at)}` : type
}
