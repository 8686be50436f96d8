import type { Confirmed, Published } from './publisher.js'
import { isForgetful, type Said } from './rooms.js'

/** Where an event stands: an id is `epoch-milliseconds-number`, with the milliseconds of the store in base 36. */
export interface Place {
  readonly ms: number
  readonly number: number
}

export function placeOf(id: string): Place {
  const [, ms, number] = id.split('-')
  return { ms: Number.parseInt(ms!, 36), number: Number(number) }
}

/** Numbers that were given again, after the store had lost its tail, have later milliseconds. */
export function compare(one: Place, other: Place): number {
  return one.ms - other.ms || one.number - other.number
}

/** An event that was confirmed. */
export interface Fact extends Place {
  readonly said: Said
  readonly id: string
  /** The store has lost it with its tail: those who had it have to be told. */
  readonly isLost: boolean
}

/** What the store has of a room in the end: the numbers and milliseconds of its events, and the latest number. */
export interface Stored {
  readonly room: string
  readonly events: readonly Place[]
  readonly top: number
}

/** From when on, and until when, the store kept nothing; in its milliseconds. */
export interface Amnesia {
  readonly from: number
  readonly to: number
}

/** All that was confirmed, in order. */
export type Facts = ReadonlyMap<string, readonly Fact[]>

export function factsOf(published: Published, stored: readonly Stored[]): Facts {
  const tops = new Map(stored.map(({ room, top }) => [room, top]))
  const rooms = new Map<string, Fact[]>()
  for (const { id, ...said } of published.confirmed) {
    const facts = rooms.get(said.room) ?? []
    rooms.set(said.room, facts)
    facts.push({ ...placeOf(id), said, id, isLost: false })
  }
  return new Map([...rooms].map(([room, facts]) => [room, inOrder(facts, tops.get(room) ?? 0)]))
}

/** Lost is what another event has the number of, and what is behind the end. */
function inOrder(facts: readonly Fact[], top: number): readonly Fact[] {
  const latest = new Map<number, number>()
  for (const { number, ms } of facts) latest.set(number, Math.max(latest.get(number) ?? 0, ms))
  return facts
    .map((fact) => ({ ...fact, isLost: fact.number > top || fact.ms < latest.get(fact.number)! }))
    .sort(compare)
}

/** What the publisher was told, beside what there is. */
export interface Balance {
  readonly confirmed: number
  readonly refused: number
  readonly uncertain: number
  /** Confirmed, and lost with the tail of the store. */
  readonly lost: number
  /** In the store, of the rooms that forget nothing; and how many of those that were confirmed have to be. */
  readonly stored: number
  readonly expected: number
  /** What is not as it was promised. */
  readonly violations: readonly string[]
}

export function balance(
  published: Published,
  facts: Facts,
  stored: readonly Stored[],
  amnesia: Amnesia | undefined,
): Balance {
  const violations: string[] = published.others.map((other) => `publish failed with ${other}`)
  const all = [...facts.values()].flat()
  for (const { said, ms, isLost } of all) {
    const isForgiven = amnesia && ms >= amnesia.from && ms <= amnesia.to
    if (isLost && !isForgiven) violations.push(`${named(said)} was confirmed, and the store has lost it`)
  }
  for (const said of twice(published.confirmed)) violations.push(`${named(said)} was confirmed twice`)
  let [count, expected] = [0, 0]
  for (const { room, events } of stored) {
    if (isForgetful(room)) continue
    const due = new Map(
      (facts.get(room) ?? []).filter(({ isLost }) => !isLost).map((fact) => [keyOf(fact), fact]),
    )
    count += events.length
    expected += due.size
    for (const event of events) {
      if (!due.delete(keyOf(event)))
        violations.push(`${room} has an event ${keyOf(event)} that was not confirmed`)
    }
    for (const { said } of due.values())
      violations.push(`${named(said)} was confirmed, and is not in the store`)
  }
  return {
    confirmed: published.confirmed.length,
    refused: published.refused.length,
    uncertain: published.uncertain,
    lost: all.filter(({ isLost }) => isLost).length,
    ...{ stored: count, expected, violations },
  }
}

export function named({ room, number }: Said): string {
  return `event ${number} of ${room}`
}

function keyOf({ ms, number }: Place): string {
  return `${number}-${ms}`
}

function twice(confirmed: readonly Confirmed[]): readonly Confirmed[] {
  const known = new Set<string>()
  return confirmed.filter(({ id, room, number }) => {
    const names = [`${room} ${id}`, `${room} #${number}`]
    const isKnown = names.some((name) => known.has(name))
    for (const name of names) known.add(name)
    return isKnown
  })
}
