import fc from 'fast-check'

const whole = fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })

/** Text of any code points, thick with what parts lines, fields and records. */
export const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\r',
      '\n',
      '\r\n',
      '\0',
      '\x1e',
      '\u2028',
      '\u0085',
      '\uFEFF',
      ' ',
      ':',
      ',',
      '"',
      "'",
      '-',
    ),
    fc.constantFrom('data: x', 'id: x', 'event: x', 'retry: 1', '\n\ndata: forged\n\n', ': x'),
    whole,
  ),
})

/** The same without what ends a line, and without NUL. */
export const oneLine = hostile.map((text) => text.replace(/[\r\n\0]/g, ''))

/** What a value is after a way through JSON. */
export function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
