// Takes records of the JSON formats out of their envelopes.
import type { ReadOptions, Received } from './reader.js'

/** What the records of one response say. Whether they are in envelopes shows in the first, where nobody says it. */
export function unwrapping({ envelope }: ReadOptions): (record: unknown) => Received {
  return (record) => {
    const received = envelope === false ? undefined : asEnvelope(record, envelope)
    envelope ??= received !== undefined
    return received ?? { data: record }
  }
}

const notices = /^(?:gap|position|dropped|end|reconnect|error)$/

/** A record as an envelope: `{ id, type, data }`, or `{ notice, … }`. One without data is none unless that is known. */
function asEnvelope(record: unknown, isKnown = false): Received | undefined {
  if (typeof record !== 'object' || record === null) return
  const { notice, id, type, ...others } = record as Received
  if ([notice, id, type].some((text) => typeof (text ?? '') !== 'string')) return
  if (notice !== undefined) {
    return notices.test(notice) ? { notice, data: others, ...(id !== undefined && { id }) } : undefined
  }
  const members = Object.keys(others).join()
  return members === 'data' || (isKnown && members === '' && (id ?? type) !== undefined)
    ? (record as Received)
    : undefined
}
