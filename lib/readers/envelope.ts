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
  const texts: unknown[] = [notice, id, type]
  if (texts.some((text) => typeof (text ?? '') !== 'string')) return
  if (typeof notice === 'string') {
    return notices.test(notice) ? { notice, data: others, ...(id && { id }) } : undefined
  }
  const members = Object.keys(others).join()
  if (members !== 'data' && !(isKnown && members === '' && (id ?? type) !== undefined)) return
  // null is none
  return texts.includes(null) ? Object.assign(others, id && { id }, type && { type }) : (record as Received)
}
