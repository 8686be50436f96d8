// Takes records of the JSON formats out of their envelopes.
import type { ReadOptions, Received } from './reader.js'

/** What the records of one response say. Whether they are in envelopes shows in the first, where nobody says it. */
export function unwrapping({ envelope }: ReadOptions): (record: unknown) => Received {
  return (record) => {
    const received = asEnvelope(record)
    envelope ??= received !== undefined
    return (envelope && received) || { data: record }
  }
}

const notices = /^(?:gap|position|dropped|end|reconnect|error)$/

/** A record as an envelope: `{ id, type, data }`, or `{ notice, … }`. */
function asEnvelope(record: unknown): Received | undefined {
  if (typeof record !== 'object' || record === null) return undefined
  const { notice, id, type, ...others } = record as Received
  for (const text of [notice, id, type]) if (typeof (text ?? '') !== 'string') return undefined
  if (notice === undefined) return Object.keys(others).join() === 'data' ? (record as Received) : undefined
  return notices.test(notice) ? { notice, data: others, ...(id !== undefined && { id }) } : undefined
}
