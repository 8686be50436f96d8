// Takes records of the JSON formats out of their envelopes.
import type { ReadOptions, Received } from './reader.js'

const notices = /^(?:gap|position|dropped|end|reconnect|error)$/

/** What the records of one response say. Whether they are in envelopes shows in the first, where nobody says it. */
export function unwrapping({ envelope }: ReadOptions): (record: unknown) => Received {
  return (record) => {
    if (envelope !== false) {
      // `{ id, type, data }`, or `{ notice, … }`; one without data is none unless that is known
      const { notice, id, type, ...others } = Object(record)
      const members = Object.keys(others).join()
      const isEnvelope =
        [notice, id, type].every((text) => typeof (text ?? '') === 'string') &&
        (notice
          ? notices.test(notice)
          : members === 'data' || (envelope === true && !members && (id ?? type) !== undefined))
      envelope ??= isEnvelope
      if (isEnvelope) {
        const data = notice ? others : others.data
        return { data, id: id ?? undefined, type: type ?? undefined, notice: notice ?? undefined }
      }
    }
    return { data: record }
  }
}
