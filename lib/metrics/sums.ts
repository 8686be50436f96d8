// Adds up numbers of streams by route and format.

import { inside, type WithStream } from '../values/inside.js'
import type { OpenStream } from '../values/open-stream.js'

/** What is added up for one route and format. */
export interface Sum {
  readonly labels: { readonly route: string; readonly format: string }
  open: number
  slow: number
  queued: number
  queuedBytes: number
  events: number
  bytes: number
  dropped: number
}

export class Sums implements Iterable<Sum> {
  readonly #byRoute = new Map<string, Map<string, Sum>>()

  of(route: string, format: string): Sum {
    const formats = this.#byRoute.get(route)
    return formats?.get(format) ?? this.#add(formats, { route, format })
  }

  #add(formats = new Map<string, Sum>(), labels: Sum['labels']): Sum {
    const sum = { labels, open: 0, slow: 0, queued: 0, queuedBytes: 0, events: 0, bytes: 0, dropped: 0 }
    this.#byRoute.set(labels.route, formats.set(labels.format, sum))
    return sum
  }

  *[Symbol.iterator](): Iterator<Sum> {
    for (const formats of this.#byRoute.values()) yield* formats.values()
  }
}

/** Adds a stream that is open. */
export function addOpen(sum: Sum, stream: OpenStream): void {
  const { isBehind, queuedBytes } = (stream as unknown as WithStream)[inside]
  sum.open += 1
  if (isBehind) sum.slow += 1
  sum.queued += stream.queued
  sum.queuedBytes += queuedBytes
  sum.events += stream.sent
  sum.bytes += stream.bytes
  sum.dropped += stream.dropped
}

/** A stream that is about to end must not make a total fall. */
export function neverLess(sum: Sum, told: Sum): void {
  for (const part of ['events', 'bytes', 'dropped'] as const) {
    sum[part] = Math.max(sum[part], told[part])
    told[part] = sum[part]
  }
}
