// Checks an object that a user wrote, key by key.
import { misuse, show } from './errors.js'

/** The values that a key may have: a test, its description, and whether the key is required. */
export type Rule = readonly [fits: (value: unknown) => boolean, expected: string, needed?: 'needed']
export type Rules = Readonly<Record<string, Rule>>

/**
 * Checks an object against the rules of its keys; undefined counts as absent.
 *
 * @throws TypeError that names the place, the value and what was expected, and suggests the nearest known key
 */
export function checkKeys(where: string, given: unknown, rules: Rules): void {
  const known = Object.keys(rules)
  if (!isObject(given)) wrong(`${where}: expected an object with ${known.join(', ')}, not ${show(given)}`)
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(rules, key)) wrong(`${where}: unknown key \`${key}\`${suggest(key, known)}`)
  }
  for (const [key, [fits, expected, needed]] of Object.entries(rules)) {
    const value = given[key]
    if (value === undefined ? needed : !fits(value)) {
      wrong(`${where}: \`${key}\` is ${show(value)}: expected ${expected}`)
    }
  }
}

/** Throws the TypeError for a wrong declaration. */
export function wrong(message: string): never {
  throw misuse('LARIAT_SPEC', message)
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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

export const aFunction: Rule = [isFunction, 'a function']
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
