// Checks an object that a user wrote, key by key.
import { type Code, misuse, show } from './errors.js'

/** The values that a key may have: a test, its description, and whether the key is required. */
export type Rule = readonly [fits: (value: unknown) => boolean, expected: string, needed?: 'needed']
export type Rules = Readonly<Record<string, Rule>>

/** What to write instead of a mistake, as far as that is known. */
export interface Advice {
  /** For a key that is unknown here: where it belongs. */
  readonly key?: (key: string) => string | undefined
  /** For a value that a key cannot have. */
  readonly value?: (key: string, value: unknown, expected: string) => string | undefined
  /** The code of the error. Default `LARIAT_SPEC`. */
  readonly code?: Code
}

/**
 * Checks an object against the rules of its keys; undefined counts as absent.
 *
 * @throws TypeError that names the place, the value and what was expected, and suggests the nearest known key
 */
export function checkKeys(where: string, given: unknown, rules: Rules, advice: Advice = {}): void {
  const known = Object.keys(rules)
  const { code } = advice
  if (!isObject(given))
    wrong(`${where}: expected an object with ${known.join(', ')}, not ${show(given)}`, code)
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(rules, key)) continue
    const hint = advice.key?.(key)
    wrong(`${where}: unknown key \`${key}\`${hint ? `: ${hint}` : suggest(key, known)}`, code)
  }
  for (const [key, [fits, expected, needed]] of Object.entries(rules)) {
    const value = given[key]
    if (value === undefined ? !needed : fits(value)) continue
    const hint = advice.value?.(key, value, expected)
    wrong(`${where}: \`${key}\` is ${show(value)}: expected ${expected}${hint ? `; ${hint}` : ''}`, code)
  }
}

/** Throws the TypeError for a wrong declaration, or for another mistake. */
export function wrong(message: string, code: Code = 'LARIAT_SPEC'): never {
  throw misuse(code, message)
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** Whether a value is an object that has a method of this name, own or inherited. */
export function hasMethod(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && isFunction((value as Record<string, unknown>)[name])
}

/** An object that is no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * An object literal, or an object like it. The entries of a Map, a promise or an instance of a class are not its own
 * keys, and would be ignored.
 */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // the prototype of all literals, also of those from another realm, has none itself
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

export function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

/** A whole number, 0 or more. */
export function isWhole(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}

/** More than 0; Infinity for no limit. */
function isCount(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

/** Milliseconds, more than 0; Infinity for never. */
export function isDelay(value: unknown): boolean {
  return isCount(value)
}

/** 0 or more; Infinity for no limit. */
export function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** A finite time, 0 or more. */
export function isTime(value: unknown): boolean {
  return isAmount(value) && value !== Infinity
}

// ---- rules that several keys share

export const aBoolean: Rule = [isBoolean, 'true or false']
export const aCount: Rule = [isCount, 'a number, more than 0']
export const aDelay: Rule = [isDelay, 'milliseconds, more than 0']

/** The known name nearest to a misspelt one, or all of them. */
function suggest(key: string, known: readonly string[]): string {
  const distances = known.map((name) => editDistance(key.toLowerCase(), name.toLowerCase()))
  const least = Math.min(...distances)
  return least <= Math.max(2, key.length / 3)
    ? `. Did you mean \`${known[distances.indexOf(least)]}\`?`
    : `. Known are ${known.join(', ')}.`
}

/** The Levenshtein distance. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}
