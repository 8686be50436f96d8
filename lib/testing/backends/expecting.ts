// Compares what a backend gave with what the rules say, in words that name both.
import { AssertionError, deepStrictEqual } from 'node:assert'
import { inspect } from 'node:util'
import type { Log } from '../../hub/backend.js'

/** The same in all depth. `what` is told before the difference. */
export function equal(actual: unknown, expected: unknown, what?: string): void {
  try {
    deepStrictEqual(actual, expected)
  } catch (error) {
    if (what !== undefined && error instanceof Error) error.message = `${what}: ${error.message}`
    throw error
  }
}

/** These properties are the same; there may be more. */
export function includes(actual: unknown, expected: object, what?: string): void {
  const object = Object(actual) as Record<string, unknown>
  const found = Object.fromEntries(Object.keys(expected).map((key) => [key, object[key]]))
  equal(found, expected, what)
}

/** Data as JSON has it: a runner may bring a realm of its own, whose objects have other prototypes. */
export function sameData(actual: unknown, expected: unknown, what?: string): void {
  const plain = (data: unknown): unknown =>
    JSON.parse(JSON.stringify(data, (_key, value) => (value === undefined ? '(undefined)' : value)))
  equal(plain(actual), expected, what)
}

/** What holds is true; `says` tells what was found instead. */
export function holds(condition: boolean, says: string): asserts condition {
  if (!condition) throw new AssertionError({ message: says, stackStartFn: holds })
}

/** What a call throws or rejects with. */
export async function failure(call: () => unknown): Promise<unknown> {
  let value: unknown
  try {
    value = await call()
  } catch (error) {
    return error
  }
  throw new AssertionError({ message: 'It did not fail', actual: value, stackStartFn: failure })
}

export function differs(actual: unknown, other: unknown): void {
  holds(actual !== other, `It is ${inspect(other)} again`)
}

export function contains(list: readonly unknown[], item: unknown): void {
  holds(list.includes(item), `${inspect(item)} is not among ${inspect(list)}`)
}

export function lacks(list: readonly unknown[], item: unknown): void {
  holds(!list.includes(item), `${inspect(item)} is among ${inspect(list)}`)
}

export function within(count: number, least: number, most: number): void {
  holds(count >= least && count <= most, `${count} is not from ${least} to ${most}`)
}

/** An id comes before another. */
export function ordered(log: Pick<Log, 'compare'>, one: string, other: string): void {
  holds(
    log.compare(one, other) < 0,
    `compare(${one}, ${other}) is ${log.compare(one, other)}: expected less than 0`,
  )
}

/** What a header and a frame can carry, and no word of the protocol. */
export function isId(id: string): void {
  const isWord = id === 'earliest' || id === 'now'
  holds(/^[\x21-\x7e]{1,200}$/.test(id) && !isWord, `The id is ${inspect(id)}`)
}
