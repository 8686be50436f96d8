import { STATUS_CODES } from 'node:http'
import { type Stop, stop } from '../../../lib/index.js'
import type { Flaw } from '../book.js'

/**
 * Refuses a book, and says which of its fields is why: a problem with `errors`, as in the example of RFC 9457, 3.
 *
 * @param detail what is wrong as a whole; the first of the flaws, by default
 */
export function flawed(status: number, flaws: readonly [Flaw, ...Flaw[]], detail = textOf(flaws[0])): Stop {
  const errors = flaws.flatMap((flaw) =>
    flaw.field ? [{ pointer: `#/${flaw.field}`, detail: flaw.detail }] : [],
  )
  return stop(status, {
    headers: { 'Content-Type': 'application/problem+json' },
    body: {
      type: 'about:blank',
      title: STATUS_CODES[status]!,
      status,
      detail,
      ...(errors.length > 0 && { errors }),
    },
  })
}

function textOf({ field, detail }: Flaw): string {
  return field ? `${field}: ${detail}` : detail
}
