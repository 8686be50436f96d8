// Encodes an in-band notice; none if the format fails to.
import { report } from '../errors.js'
import type { Format, Notice, NoticeDetails } from '../formats/format.js'
import { type Encoded, encodeNotice } from './chunk.js'

/** Empty if the format has no such notice, or fails to make it. */
export function noticeIn(format: Format, kind: Notice, details: NoticeDetails, path: string): Encoded {
  try {
    return encodeNotice(format, kind, details)
  } catch (error) {
    report(`The ${kind} notice of ${path} failed`, error)
    return encodeNotice({ ...format, notice: () => '' }, kind, details)
  }
}

/** What is told of a failure. The error is for those who ask for it by name: whoever writes the details writes none of it. */
export function failureNotice(error: unknown): NoticeDetails {
  return Object.defineProperty({}, 'error', { value: error })
}
