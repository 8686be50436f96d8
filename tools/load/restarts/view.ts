import type { Gap } from '../../../lib/index.js'
import { isEven, type Target } from './rooms.js'
import { compare, type Fact, type Facts, named, type Place, placeOf } from './truth.js'

/** What a client was told, in a room. */
export type Seen =
  | { readonly kind: 'event'; readonly id: string; readonly number: number }
  | { readonly kind: 'position'; readonly id: string }
  | { readonly kind: 'gap'; readonly id: string; readonly reason: Gap['reason']; readonly at: number }

/** What a client got of a room, from its first place to its end. */
export type View = readonly Seen[]

/** What is wrong with a view. */
export interface Flaw {
  readonly kind: 'lost' | 'twice' | 'untrue'
  readonly what: string
  /** Milliseconds: of the event that it is about. */
  readonly at: number
}

/** Compares what a client got of a room with what was confirmed. */
export function flawsOf(view: View, room: string, { feed }: Target, facts: Facts): readonly Flaw[] {
  const all = facts.get(room) ?? []
  const byId = new Map(all.map((fact) => [fact.id, fact]))
  const passes = ({ said }: Fact) => feed !== 'even' || isEven(said)
  const flaws: Flaw[] = []
  /** The place up to which all is there, or was told to be missing. */
  let at: (Place & { readonly isLost: boolean }) | undefined
  /** Events since the last gap in what is known, by their numbers: the same may come again after it. */
  let known = new Set<number>()

  function between(to: Place & { readonly isLost: boolean }): readonly Fact[] {
    const from = at
    if (!from) return []
    const missed = slice(all, from, to).filter(passes)
    // what the store has lost after a place that it still knows, it cannot tell
    return to.isLost ? missed : missed.filter(({ isLost }) => !isLost)
  }

  function miss(to: Place & { readonly isLost: boolean }): void {
    for (const { said, ms } of between(to)) {
      flaws.push({ kind: 'lost', what: `${named(said)} did not come, and no gap was told`, at: ms })
    }
    if (at?.isLost && !to.isLost) {
      flaws.push({ kind: 'lost', what: `${room}: went on after a lost tail, and no gap was told`, at: to.ms })
    }
  }

  for (const seen of view) {
    const place = placeOf(seen.id)
    const isLost = byId.get(seen.id)?.isLost ?? false
    const here = { ...place, isLost }
    if (seen.kind === 'gap') {
      const isBehind = !at || at.isLost || at.number < here.number
      const isNeeded = seen.reason === 'unknown' ? !at || at.isLost : isBehind
      // a filter may leave out what is missing; nobody knows that
      if (!isNeeded && feed !== 'even') {
        flaws.push({
          kind: 'untrue',
          what: `${room}: a gap was told as ${seen.reason}, and is none`,
          at: seen.at,
        })
      }
      if (seen.reason === 'unknown') known = new Set()
    } else if (seen.kind === 'position') {
      miss(here)
      const fact = byId.get(seen.id)
      if (at && at.number < here.number && fact && passes(fact) && !known.has(fact.said.number)) {
        const what = `${named(fact.said)} did not come, and is before a position`
        flaws.push({ kind: 'lost', what, at: fact.ms })
      }
    } else {
      const fact = byId.get(seen.id)
      if (fact?.said.number !== seen.number) {
        const what = `event ${seen.number} of ${room} came as ${seen.id}, and was not confirmed as that`
        flaws.push({ kind: 'untrue', what, at: place.ms })
      }
      if (known.has(seen.number) || (at && compare(place, at) <= 0)) {
        const what = `event ${seen.number} of ${room} came twice, or out of order`
        flaws.push({ kind: 'twice', what, at: place.ms })
      } else {
        miss(here)
      }
      known.add(seen.number)
    }
    at = here
  }
  const end = all.filter(({ isLost }) => !isLost).at(-1)
  if (end && (!at || at.isLost || compare(at, end) < 0)) {
    miss(end)
    // up to the last one, and that one
    const isThere = known.has(end.said.number) && at && compare(at, end) >= 0
    if (!isThere && passes(end)) {
      flaws.push({ kind: 'lost', what: `${named(end.said)}, the last, did not come`, at: end.ms })
    }
  }
  return flaws
}

/** The facts behind one place and before another. */
function slice(all: readonly Fact[], from: Place, to: Place): readonly Fact[] {
  const found: Fact[] = []
  for (let index = firstBehind(all, from); index < all.length; index++) {
    const fact = all[index]!
    if (compare(fact, to) >= 0) break
    found.push(fact)
  }
  return found
}

function firstBehind(all: readonly Fact[], place: Place): number {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(all[middle]!, place) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
