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
  let whole = url
  const fields = made(url, () => new Headers(headers as Record<string, string>))
  made(url, () => {
    // a request knows what a relative URL is relative to
    const target = new URL(new Request(url).url)
    new URLSearchParams(query as Record<string, string>).forEach((value, name) => {
      target.searchParams.append(name, value)
    })
    whole = target.href
  })
  const types = accept === undefined ? shortened(readers.map(typeOf)) : [accept].flat().map(preferred)
  if (!fields.has('accept')) fields.set('accept', types.join(', '))
  if (lastEventId !== undefined) fields.set('last-event-id', inUtf8(lastEventId))
  const isJson = Array.isArray(body) || body?.constructor === Object
  if (isJson && !fields.has('content-type')) fields.set('content-type', 'application/json')
  const response = await fetch(whole, {
    method: methodOf(options),
    headers: fields,
    signal,
    ...{ cache: 'no-store', credentials: credentials ?? 'same-origin' },
    ...(body != null && { body: (isJson ? JSON.stringify(body) : body) as string, duplex: 'half' }),
  })
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

/** What is asked for each attempt. */
async function asked(each: unknown): Promise<object | null | undefined> {
  return typeof each === 'function' ? each() : (each as object)
}

/** fetch could not be told from a lost connection by what it says of a URL or a field that is none. */
function made<T>(url: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new FollowError(`No request can be made to ${url}: ${(cause as Error).message}`, cause)
  }
}

const typeOf = ({ mediaTypes }: Reader, at: number) => preferred(mediaTypes[0] as string, at)

/** As many as a browser sends to another origin without asking it first: 128 characters (Fetch 2.2.2). */
function shortened(types: string[]): string[] {
  const isLong = () => types.join(', ').length > 128
  while (isLong()) types.splice(-2, 2, '*/*;q=0.1')
  return types
}

/** In order of preference (RFC 9110 12.5.1). */
function preferred(type: string, at: number): string {
  return at === 0 ? type : `${type};q=${Math.max(1, 10 - at) / 10}`
}
