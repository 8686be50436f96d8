// Lists what is open while a test watches: streams, iterations and sources. While none does, that costs one look at a field.
import { shared } from './brand.js'

/** Something that is open, and is expected to be over one day. */
export interface Entry {
  readonly kind: 'stream' | 'iteration' | 'source'
  /** The request, or the names of the channels. */
  readonly path: string
  /** What else is known of it. */
  readonly details: string
  /** By the library's clock. */
  readonly since: number
  /** The ports of its connection, ours first. */
  readonly ports?: readonly [local: number | undefined, remote: number | undefined]
  /** The response of a stream has closed. */
  isClosed?: boolean
  /** A stream has been unsubscribed. */
  isUnsubscribed?: boolean
  end(): void
}

/** `entries` is there while somebody watches: by the objects that they are about. */
export const ledger = shared('ledger', () => ({ entries: undefined as Map<object, Entry> | undefined }))

/** One half of the end of a stream: it is off the list when its response has closed and it is unsubscribed. */
export function strike(holder: object, half: 'isClosed' | 'isUnsubscribed'): void {
  const entry = ledger.entries?.get(holder)
  if (!entry) return
  entry[half] = true
  if (entry.isClosed && entry.isUnsubscribed) ledger.entries?.delete(holder)
}
