// Makes the request of an attempt.
import type { Reader } from '../readers/reader.js'
import { type Answer, FollowError } from './failure.js'
import type { FollowOptions } from './options.js'

/**
 * Makes a request. A FollowError says that it cannot be made, whenever it is tried; another error is that of a function asked.
 *
 * @param options those of the attempt: with its method, id and signal
 */
export async function request(
  url: string,
  { accept, method, lastEventId, credentials, fetch = globalThis.fetch, ...options }: FollowOptions,
  readers: readonly Reader[],
  signal: AbortSignal,
): Promise<Answer> {
  const [headers, query, body] = await Promise.all([options.headers, options.query, options.body].map(asked))
  // while these were asked
  signal.throwIfAborted()
  // what fetch takes as a body has a name of its own, but for a stream of Node's
  const isJson = /t (?:Array|Object)]/.test({}.toString.call(body)) && !(Symbol.asyncIterator in Object(body))
  let fields: Headers
  let target: URL
  let content: string
  try {
    content = (isJson ? JSON.stringify(body) : body) as string
    fields = new Headers(headers as Record<string, string>)
    // fields are bytes, which fetch takes as characters; an id is UTF-8 there (WHATWG HTML 9.2.3)
    if (lastEventId)
      fields.set('last-event-id', String.fromCharCode(...new TextEncoder().encode(lastEventId)))
    // a request knows what a relative URL is relative to
    target = new URL(new Request(url, { method: method as string, body: content && '' }).url)
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
    method: method as string,
    headers: fields,
    signal,
    body: content,
    ...({ cache: 'no-store', credentials, duplex: 'half' } as object),
  })
  if (!response) throw new FollowError('fetch gave nothing')
  const reader = response.body?.getReader()
  // for a fetch that ignores its signal
  const cancel = () => reader?.cancel().catch(() => {})
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  return { response, body: reader }
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
