// Reads what was missed in several channels: all gaps first, then the events of one channel after the other.
import { quietly } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { Branch } from './branch.js'
import { Gap } from './gap.js'
import type { Published } from './published.js'
import type { Items, Missed } from './sink.js'
import { idOf, keyOf, pieceOf } from './vector.js'

type Item = Published | Gap

/**
 * One reading of several, in which each id says how far the client has got by then: cut anywhere, it comes back to there.
 *
 * @param foreign what the client asked for, if that is no id of several channels
 */
export function inSeries(
  branches: readonly Branch[],
  readings: readonly Missed[],
  foreign: string | undefined,
): Missed {
  const pieces = readings.map(({ gaps: [gap], before }, at) => {
    const { key } = branches[at] as Branch
    return gap ? unread(key, gap, foreign) : pieceOf(key, before)
  })
  const taken = (at: number, place: string) => {
    pieces[at] = pieceOf((branches[at] as Branch).key, place)
    return idOf(pieces)
  }
  const gaps = readings.flatMap((reading, at) =>
    reading.gaps.map((gap) => gapIn(branches[at] as Branch, gap, taken(at, gap.id), foreign)),
  )
  return {
    gaps,
    before: idOf(pieces),
    hasEnded: readings.every((reading) => reading.hasEnded),
    events: new Series(
      readings.map(({ events }) => events),
      (item, at) => {
        const branch = branches[at] as Branch
        const id = taken(at, item.id)
        return item instanceof Gap ? gapIn(branch, item, id) : branch.merge(item, id)
      },
    ),
  }
}

/** The place of a client that has not been told of a gap: with it, it will be. */
function unread(key: string, { requested, reason }: Gap, foreign = requested): string {
  return reason === 'unknown' ? `${key}=${keyOf(foreign)}` : pieceOf(key, requested)
}

/** A gap as a merged feed tells it: `requested` and `from` are the channel's own ids. */
export function gapIn({ name }: Branch, gap: Gap, id: string, requested = gap.requested): Gap {
  return new Gap(requested, gap.from, gap.reason, id, name)
}

class Series implements Items {
  readonly #readings: readonly Items[]
  readonly #take: (item: Item, at: number) => Item
  /** The one that is read. */
  #at = 0

  constructor(readings: readonly Items[], take: (item: Item, at: number) => Item) {
    this.#readings = readings
    this.#take = take
  }

  next(): Awaitable<IteratorResult<Item>> {
    const reading = this.#readings[this.#at]
    if (!reading) return { done: true, value: undefined }
    const step = reading.next()
    return isPromise(step) ? step.then((each) => this.#step(each)) : this.#step(step)
  }

  #step(step: IteratorResult<Item>): Awaitable<IteratorResult<Item>> {
    if (!step.done) return { done: false, value: this.#take(step.value, this.#at) }
    this.#at += 1
    return this.next()
  }

  return(): void {
    for (const reading of this.#readings.slice(this.#at)) quietly(() => reading.return?.())
    this.#at = this.#readings.length
  }
}
