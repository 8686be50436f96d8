// Delivers the events of a feed, filtered and mapped, to its sinks. A channel is one; `filter` and `map` make others.
import { is } from '../brand.js'
import { misuse, show } from '../errors.js'
import type { Format } from '../formats/format.js'
import { forsake } from '../guard.js'
import { type Awaitable, isPromise } from '../promise.js'
import { type Event, isEvent } from '../values/event.js'
import type { Content, Feed, From } from '../values/feed.js'
import type { Where } from './backend.js'
import type { Followed, Member } from './followed.js'
import { earliest, type Gap } from './gap.js'
import { Group } from './group.js'
import { Groups } from './groups.js'
import { Iteration } from './iteration.js'
import type { Published } from './published.js'
import { Replay } from './replay.js'
import type { Keeps, Missed, Root, Sink } from './sink.js'
import { type Beginning, beginningOf, iterateFrom, Start } from './start.js'

/** Turns an event of a feed into one of its part: the same, another, or none. */
type Change = (event: Published) => Published | undefined

/** A feed with its sinks. A part that has sinks is itself a sink of the whole. */
export abstract class View<Data> implements Feed<Data>, Sink, Followed {
  readonly [is] = 'feed'
  readonly #sinks = new Set<Sink>()
  readonly #groups = new Groups()

  abstract readonly root: Root
  abstract of(event: Published): Published | undefined
  /** Called when the first sink is attached, and when the last one is detached. */
  protected abstract begin(): void
  protected abstract cease(): void

  filter(keep: (data: never, event: never) => boolean): Feed<never> {
    checkFunction('filter', keep)
    const kept = keep as (data: unknown, event: Event) => boolean
    const keepEvent: Change = (event) => (settled('filter', kept(event.data, event)) ? event : undefined)
    return new Part<never>(this, keepEvent, false)
  }

  map<To>(change: (data: Data, event: Event<Data>) => To): Feed<Content<To>> {
    checkFunction('map', change)
    const changed = change as (data: unknown, event: Event) => unknown
    const changeEvent: Change = (event) => {
      const made = settled('map', changed(event.data, event))
      return isEvent(made)
        ? event.changed(made.data, 'type' in made ? made.type : event.type)
        : event.changed(made, event.type)
    }
    return new Part<Content<To>>(this, changeEvent, true)
  }

  async *replay(lastEventId: string): AsyncIterable<Event<Data>> {
    if (typeof lastEventId !== 'string') {
      throw misuse('LARIAT_ANSWER', `replay(${show(lastEventId)}): expected an event's id, or '${earliest}'`)
    }
    const replay = await this.read(lastEventId)
    yield* replay.all() as AsyncIterable<Event<Data>>
  }

  from(where: From): Feed<Data> {
    return new Start<Data>(this, beginningOf(where))
  }

  /** Reads the retained events after an id, or from another beginning on, as this feed delivers them. */
  read(where: Where): Awaitable<Replay> {
    const replay = (missed: Missed) => new Replay(this, missed)
    const missed = this.root.missed(where, this.keeps)
    return isPromise(missed) ? missed.then(replay) : replay(missed)
  }

  get keeps(): Keeps | undefined {
    return undefined
  }

  members(): readonly Member[] {
    return [{ whole: this, start: undefined }]
  }

  [Symbol.asyncIterator](): AsyncIterator<Event<Data>> {
    return this[iterateFrom](undefined)
  }

  [iterateFrom](start: Beginning | undefined): AsyncIterator<Event<Data>> {
    return new Iteration(this, start) as AsyncIterator<Event<Data>>
  }

  get subscribers(): number {
    let count = 0
    for (const sink of this.#sinks) count += sink.subscribers
    return count
  }

  /** The streams of this feed in a format, which gather events for so many milliseconds. */
  group(format: Format, gather: number): Group {
    const known = this.#groups.get(format, gather)
    return known ?? this.#groups.add(new Group(format, gather, this))
  }

  /** The formats in which the channel's own events are written. */
  *formats(): Iterable<Format> {
    yield* this.#groups.formats()
    for (const sink of this.#sinks) if (sink.formats) yield* sink.formats()
  }

  attach(sink: Sink): void {
    const isFirst = this.#sinks.size === 0
    this.#sinks.add(sink)
    // a group that was detached while a stream joined is registered again
    if (sink instanceof Group) this.#groups.add(sink)
    if (isFirst) this.begin()
  }

  detach(sink: Sink): void {
    if (!this.#sinks.delete(sink)) return
    if (sink instanceof Group) this.#groups.remove(sink)
    if (this.#sinks.size === 0) this.cease()
  }

  event(event: Published): void {
    for (const sink of this.#sinks) sink.event(event)
  }

  /** Detaches all sinks before telling any, as `down` does. */
  gap(gap: Gap): void {
    for (const sink of [...this.#sinks]) sink.gap(gap)
  }

  failed(error: unknown): void {
    for (const sink of [...this.#sinks]) sink.failed(error)
  }

  ended(): void {
    for (const sink of this.takeAll('ended')) sink.ended()
  }

  /** Detaches all sinks before telling any: a stream that subscribes meanwhile starts anew. */
  down(error?: unknown): void {
    for (const sink of this.takeAll('down')) sink.down(error)
  }

  takeAll(end: 'ended' | 'down'): readonly Sink[] {
    const sinks = [...this.#sinks]
    if (sinks.length === 0) return sinks
    this.#sinks.clear()
    this.#groups.clear()
    this.cease()
    return sinks.flatMap((sink) => sink.takeAll?.(end) ?? [sink])
  }
}

/** A filtered or mapped feed. */
class Part<Data> extends View<Data> {
  readonly #whole: Followed
  readonly #change: Change
  /** Its events have other data than the channel's. */
  readonly #isChanged: boolean

  constructor(whole: Followed, change: Change, isChanged: boolean) {
    super()
    this.#whole = whole
    this.#change = change
    this.#isChanged = isChanged
  }

  get root(): Root {
    return this.#whole.root
  }

  of(event: Published): Published | undefined {
    const whole = this.#whole.of(event)
    return whole && this.#change(whole)
  }

  override get keeps(): Keeps {
    return (event) => this.of(event) !== undefined
  }

  override formats(): Iterable<Format> {
    return this.#isChanged ? [] : super.formats()
  }

  override members(): readonly Member[] {
    const [one, ...more] = this.#whole.members()
    if (one?.whole === this.#whole && more.length === 0) return super.members()
    return this.#whole.members().map(({ whole, start }) => ({
      whole: new Part(whole, this.#change, this.#isChanged),
      start,
    }))
  }

  override event(event: Published): void {
    let own: Published | undefined
    try {
      own = this.#change(event)
    } catch (error) {
      return this.failed(error)
    }
    if (own) super.event(own)
  }

  protected begin(): void {
    this.#whole.attach(this)
  }

  protected cease(): void {
    this.#whole.detach(this)
  }
}

/** A promise is always truthy. */
function settled(name: string, answer: unknown): unknown {
  if (!isPromise(answer)) return answer
  forsake(answer)
  throw misuse('LARIAT_ANSWER', `${name}() returned a promise; it must be synchronous`)
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw misuse('LARIAT_SPEC', `${name}(${show(value)}): expected a function of data and event`)
  }
}
