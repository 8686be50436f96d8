// Reads the events of a feed that a client missed: gaps first, if there are any, then each event.
import { quietly } from '../guard.js'
import { type Awaitable, isPromise, nextTurn } from '../promise.js'
import { earliest, Gap } from './gap.js'
import type { Published } from './published.js'
import type { Items, Keeps, Missed, Origin, Root } from './sink.js'

type Item = Published | Gap

/** A step without a value: the feed filters out the event. The reader decides when to take the next step. */
export const skipped: unique symbol = Symbol.for('express-lariat.skipped') as never

export type ReplayStep = IteratorResult<Item> | typeof skipped

/** Steps before yielding to the event loop. */
const stepsPerTurn = 1000

export class Replay {
  readonly #origin: Pick<Origin, 'of'>
  readonly #iterator: Items
  /** Gaps that were not read yet. */
  readonly #gaps: Gap[]
  /** What is lost before the events. */
  readonly gaps: readonly Gap[]
  /** Nothing comes after it. */
  readonly hasEnded: boolean
  /** A channel begins now that the client has never followed. */
  readonly isNewTo: boolean
  /** The place up to which it was read, whatever of it the feed lets through. */
  place: string
  /** Whether all events were read. */
  isDone = false
  /** A step that was taken ahead. */
  #ahead: ReplayStep | undefined

  constructor(origin: Pick<Origin, 'of'>, { gaps, before, hasEnded, isNewTo = false, events }: Missed) {
    this.#origin = origin
    this.#iterator = events
    this.#gaps = [...gaps]
    this.gaps = gaps
    this.hasEnded = hasEnded
    this.isNewTo = isNewTo
    this.place = before
  }

  /** The gaps, then the missed events. Returns a promise only if the backend needs one. */
  next(): Awaitable<ReplayStep> {
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead) return ahead
    const gap = this.#gaps.shift()
    if (gap) return { done: false, value: gap }
    const result = this.#iterator.next()
    return isPromise(result) ? result.then((each) => this.#take(each)) : this.#take(result)
  }

  /** Whether it has nothing for its feed. Reads ahead as far as it must. */
  async isEmpty(): Promise<boolean> {
    for (let steps = 1; this.#ahead === undefined; steps++) {
      const step = await this.next()
      if (step !== skipped) this.#ahead = step
      if (steps % stepsPerTurn === 0) await nextTurn()
    }
    return this.#ahead !== skipped && this.#ahead.done === true
  }

  close(): void {
    quietly(() => this.#iterator.return?.())
  }

  /** All events; a gap is an event of type `gap`. */
  async *all(): AsyncGenerator<Published> {
    let steps = 0
    try {
      for (;;) {
        const step = await this.next()
        if (++steps % stepsPerTurn === 0) await nextTurn()
        if (step === skipped) continue
        if (step.done) return
        yield step.value instanceof Gap ? step.value.asEvent : step.value
      }
    } finally {
      this.close()
    }
  }

  #take(result: IteratorResult<Item>): ReplayStep {
    if (result.done) {
      this.isDone = true
      return result
    }
    this.place = result.value.id
    if (result.value instanceof Gap) return result
    const own = this.#origin.of(result.value)
    return own ? { done: false, value: own } : skipped
  }
}

/** Reads the last so many events of a root that a feed lets through. */
export async function readLast(root: Root, count: number, keeps: Keeps): Promise<Missed> {
  const replay = new Replay(
    { of: (event) => (keeps(event) ? event : undefined) },
    await root.missed(earliest),
  )
  /** The place before each of them, and the place of the last. */
  let places: string[] = [replay.place]
  for await (const { id } of replay.all()) {
    // not one by one: each time all would be moved
    if (places.push(id) > 2 * count + stepsPerTurn) places = places.slice(-count - 1)
  }
  const place = count === 0 ? replay.place : (places.at(-count - 1) ?? (places[0] as string))
  // who has no place misses nothing of what was trimmed meanwhile
  return { ...(await root.missed(place)), gaps: [] }
}
