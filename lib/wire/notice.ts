// The bytes of an in-band notice: what a format says beside events.
import { report } from '../errors.js'
import type { Format, Notice } from '../formats/format.js'
import { type Encoded, encodeNotice } from './chunk.js'

/** None where the format has no such notice, or fails to make it. */
export function noticeIn(format: Format, kind: Notice, details: object, path: string): Encoded {
  try {
    return encodeNotice(format, kind, details)
  } catch (error) {
    report(`The ${kind} notice of ${path} failed`, error)
    return encodeNotice({ ...format, notice: () => '' }, kind, details)
  }
}
