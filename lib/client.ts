// The door to the client: `follow` reads what an endpoint streams, and comes back when it has to.

import { followed } from './client/followed.js'
import type { Followed, FollowOptions } from './client/options.js'
import { bytes, text } from './readers/bytes.js'
import { csv } from './readers/csv.js'
import { jsonArray, jsonSeq, ndjson } from './readers/json.js'
import { multipart } from './readers/multipart.js'
import type { Reader } from './readers/reader.js'
import { sse } from './readers/sse.js'
import type { DataOf, PathOf } from './values/sends.js'

export { FollowError, type Problem } from './client/failure.js'
export type {
  Each,
  Followed,
  FollowOptions,
  Gap,
  Message,
  Retry,
  State,
  StateDetails,
  Store,
} from './client/options.js'
export { FormatError } from './readers/reader.js'
export type { DataOf, PathOf, Reader }
export { bytes, csv, jsonArray, jsonSeq, multipart, ndjson, sse, text }

/**
 * Follows a stream: reads it, keeps its place, and comes back when it was cut, until it is over.
 *
 * ```ts
 * for await (const { data, id, type } of follow<Book>('/api/events')) show(data)
 * ```
 *
 * `T` is the type of the data, or that of an endpoint, of which it is known (`follow<typeof endpoint>`). It is believed, not
 * checked.
 *
 * @param url relative to the page, in a browser
 */
export type Follow = <T = unknown, Path extends PathOf<T> | undefined = undefined>(
  url: string | URL,
  options?: FollowOptions,
) => Followed<DataOf<T, Path>>

/**
 * Makes a `follow` for some formats alone: a bundler leaves out the readers of the others.
 *
 * ```ts
 * const follow = following(sse, ndjson)
 * ```
 */
export function following(...readers: readonly Reader[]): Follow {
  return (url, options = {}) => followed(String(url), options, readers)
}

/** Follows a stream in any of the formats, in this order of preference. */
export const follow: Follow = /* @__PURE__ */ following(
  sse,
  ndjson,
  jsonSeq,
  jsonArray,
  multipart,
  csv,
  text,
  bytes,
)
