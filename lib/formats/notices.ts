// Writes the notices that a user's `notice` option chooses, in place of a format's own.
import { misuse, show } from '../errors.js'
import { type Event, isEvent } from '../values/event.js'
import type { FormatOptions, FormatParts } from './format.js'

type Bytes = string | Uint8Array

/**
 * The notices of a format by the user's choice.
 *
 * @param call the name of the format's factory
 * @param encode writes an event, as the format writes any
 * @param write writes a string as data, without the user's `serialize`
 */
export function noticeBy(
  call: string,
  choose: NonNullable<FormatOptions['notice']>,
  encode: (event: Event) => Bytes,
  write: (text: string) => Bytes,
): NonNullable<FormatParts['notice']> {
  return (kind, details) => {
    const chosen: unknown = choose(kind, details)
    if (chosen === undefined) return ''
    if (typeof chosen === 'string') return write(chosen)
    if (isEvent(chosen)) return encode(chosen)
    const expected = 'expected an event(), a string, or undefined for nothing'
    throw misuse('LARIAT_DATA', `${call}({ notice }) returned ${show(chosen)} for '${kind}': ${expected}`)
  }
}
