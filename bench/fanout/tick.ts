/** What is published: about 150 bytes as JSON, with a stamp that a client finds without parsing. */
export interface Tick {
  readonly at: string
  readonly symbol: string
  readonly price: number
  readonly text: string
}

/** Stands once in an event and nowhere else on the wire, nor is it a byte of a WebSocket frame's head. */
export const mark = 0x5e
const digits = { number: 8, time: 14 }
/** From the mark to the end of the stamp: mark, number, time. */
export const stampSize = 1 + digits.number + digits.time

/** Microseconds, on the one clock that all processes of a machine share. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.round(nanoseconds / 1e3)
}

const padding = new Map<number, string>()

export function tick(number: number, time: number, size: number): Tick {
  if (!padding.has(size)) padding.set(size, 'x'.repeat(Math.max(0, size - 85)))
  return {
    at: `^${String(number).padStart(digits.number, '0')}${String(time).padStart(digits.time, '0')}`,
    symbol: 'LARIAT',
    price: 1234.5678,
    text: padding.get(size)!,
  }
}

export function numberAt(bytes: Buffer, at: number): number {
  return decimal(bytes, at + 1, digits.number)
}

export function timeAt(bytes: Buffer, at: number): number {
  return decimal(bytes, at + 1 + digits.number, digits.time)
}

function decimal(bytes: Buffer, from: number, length: number): number {
  let value = 0
  for (let at = from; at < from + length; at++) value = value * 10 + bytes[at]! - 48
  return value
}
