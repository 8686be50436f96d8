// Decides what a client gets before it follows live: a snapshot, or what it missed; and which live events are news then.
import { clock } from '../clock.js'
import { type Awaitable, isPromise } from '../promise.js'
import type { StopValue } from '../values/stop.js'
import type { Queue } from '../wire/queue.js'
import type { Followed } from './followed.js'
import { earliest, Gap, now } from './gap.js'
import type { Published } from './published.js'
import { type Replay, type ReplayStep, skipped } from './replay.js'
import { found, lost, timed } from './resumption.js'
import type { Snapshot, SnapshotEvent } from './snapshot.js'
import type { Beginning } from './start.js'
import type { CatchingUp, Step, Subscriber } from './subscriber.js'

/** The subscription of a client that catches up. */
interface Client {
  /** The whole, for a client that has no place to continue from. */
  readonly snapshot: (() => Snapshot) | undefined
  /** Tells the place to come back to. */
  tellPlace(place: string): void
}

/** One client's way to the live events of a feed. */
export class CatchUp implements CatchingUp {
  readonly #view: Followed
  readonly #client: Client
  readonly #subscriber: Subscriber
  /** The id that the client sent. */
  readonly asked: string | undefined
  /** Where a client without an id begins, if the feed says so. */
  readonly #start: Beginning | undefined
  /** The place after which the stream begins. */
  #beginsAfter: string | undefined
  /** The place up to which it has got everything: what a lagging backend delivers later may be older. */
  #last: string | undefined
  #replay: Replay | undefined
  #snapshot: Snapshot | undefined
  /** What is lost at the beginning. */
  #gaps: readonly Gap[] = []
  /** What need not be told again: the head has told it, or the diagnostics channels were told when it came. */
  #told: readonly Gap[] = []
  /** A snapshot was taken: no gap is told. */
  #isSnapshotTaken = false
  /** Live events that wait. */
  #live: Queue<unknown> | undefined
  /** Nothing comes after what it catches up with. */
  hasEnded = false
  /** It comes back, there is nothing for it, and nothing will come. */
  isSpent = false
  #isOver = false

  constructor(
    view: Followed,
    client: Client,
    subscriber: Subscriber,
    asked: string | undefined,
    start: Beginning | undefined,
  ) {
    this.#view = view
    this.#client = client
    this.#subscriber = subscriber
    this.asked = asked
    this.#start = start
  }

  // ---- where it begins

  /** The stream receives live events from now on. */
  attached(): void {
    if (this.asked === undefined) this.#beginsAfter = this.#view.root.place
  }

  /**
   * Finds the place to begin, and takes the snapshot if there is one to take.
   *
   * @returns a `stop()` that the snapshot has returned
   */
  find(): Awaitable<StopValue | void> {
    return timed(
      () => this.#find(),
      (ms) => this.#tellFound(ms),
    )
  }

  #tellFound(ms: number): void {
    if (this.#isOver) return
    const { asked: requested } = this
    const start = this.#replay && (requested ?? this.#start ?? earliest)
    found(this.#subscriber, { requested, start, gaps: this.#gaps, snapshot: this.#isSnapshotTaken, ms })
  }

  #find(): Awaitable<StopValue | void> {
    if (this.#isOver) return
    const { root } = this.#view
    const { snapshot } = this.#client
    if (root.hasEnded) this.hasEnded = true
    const start = this.asked ?? this.#start ?? (root.hasEnded && !snapshot ? earliest : now)
    if (start !== now) return this.#read(start)
    if (snapshot) return this.#takeSnapshot()
    if (root.retains) return this.#beginAt(root.askPlace(), () => {})
  }

  #read(where: Beginning): Awaitable<StopValue | void> {
    const replay = this.#view.read(where)
    return isPromise(replay) ? replay.then((each) => this.#takeReplay(each)) : this.#takeReplay(replay)
  }

  #takeReplay(replay: Replay): Awaitable<StopValue | void> {
    if (this.#isOver) return replay.close()
    this.#gaps = replay.gaps
    if (this.#client.snapshot && (replay.gaps.length > 0 || replay.isNewTo)) {
      replay.close()
      return this.#takeSnapshot()
    }
    this.#replay = replay
    this.#beginsAfter = replay.place
    this.#last = replay.place
    if (!replay.hasEnded) return
    this.hasEnded = true
    if (this.asked === undefined || this.asked === earliest) return
    return replay.isEmpty().then((isEmpty) => {
      this.isSpent = isEmpty
    })
  }

  #beginAt<T>(place: Awaitable<string>, then: () => Awaitable<T>): Awaitable<T> {
    const at = (known: string) => {
      this.#beginsAfter = known
      this.#last = known
      return then()
    }
    return isPromise(place) ? place.then(at) : at(place)
  }

  /**
   * Reads the place first, then takes the snapshot: what comes after the place is not in it, or can be applied again. The
   * place is that of the latest event: what is still on its way is in the snapshot.
   */
  #takeSnapshot(): Awaitable<StopValue | void> {
    this.#isSnapshotTaken = true
    return this.#beginAt(this.#view.root.askPlace(true), () => {
      if (this.#isOver) return
      this.#snapshot = this.#client.snapshot?.()
      return this.#snapshot?.take()
    })
  }

  /** Headers that say where the client begins, and why not where it asked (Mercure). */
  head(): Record<string, string> {
    const [gap] = this.#gaps
    if (gap) {
      this.#told = this.#gaps
      // a snapshot, and the other parts of a merged feed, begin at a place of their own
      const place = this.#isSnapshotTaken || gap.channel !== undefined ? this.#beginsAfter : earliest
      return { 'Last-Event-ID': place ?? earliest, 'Event-Gap': gap.reason }
    }
    // while the feed is asked nobody knows whether there is such an id; a merged feed may have other parts than with it
    const isPlace = this.asked !== undefined || this.#view.root.retains
    const place = this.asked === earliest ? earliest : isPlace ? this.#beginsAfter : undefined
    return place === undefined ? {} : { 'Last-Event-ID': place }
  }

  /**
   * The place that a client is told with the head: one that has none, or one of other parts of a merged feed. A gap, and
   * the last event of a snapshot, tell it too.
   */
  get firstPlace(): string | undefined {
    const isTold = this.asked === earliest || this.asked === this.#beginsAfter || this.#gaps.length > 0
    return isTold || this.#isSnapshotTaken ? undefined : this.#beginsAfter
  }

  /** Whether the head has reported a gap. */
  hasTold(gap: Gap): boolean {
    return this.#told.includes(gap)
  }

  // ---- what it gets

  /** It has got a part of a snapshot. */
  get isPartial(): boolean {
    return this.#snapshot?.isEmpty === false
  }

  /** Yields a snapshot, or missed events; then live events queued meanwhile. */
  next(): Awaitable<Step> {
    const snapshot = this.#snapshot
    if (snapshot) {
      const step = snapshot.next(this.#last as string)
      return isPromise(step)
        ? step.then((each) => this.#fromSnapshot(each, snapshot))
        : this.#fromSnapshot(step, snapshot)
    }
    const replay = this.#replay
    if (!replay) return this.#nextLive()
    const step = replay.next()
    return isPromise(step)
      ? step.then((each) => this.#fromReplay(each, replay))
      : this.#fromReplay(step, replay)
  }

  #fromSnapshot(step: IteratorResult<SnapshotEvent>, snapshot: Snapshot): Step {
    if (!step.done) return step
    this.#snapshot = undefined
    if (snapshot.isEmpty && !this.#isOver) this.#client.tellPlace(this.#last as string)
    return skipped
  }

  /** When the replay ends, the live queue follows: returns an empty step. */
  #fromReplay(step: ReplayStep, replay: Replay): Awaitable<Step> {
    if (this.#isOver) return skipped
    this.#last = replay.place
    if (replay.isDone) this.#replay = undefined
    if (step === skipped || step.done) return skipped
    return step.value instanceof Gap ? this.#gapOrSnapshot(step.value) : step
  }

  #nextLive(): Awaitable<Step> {
    if (this.queued === 0) return { done: true, value: undefined }
    const item = this.newsIn(this.#ensureLive().take() as Published | Gap)
    if (!item) return skipped
    return item instanceof Gap ? this.#gapOrSnapshot(item) : { done: false, value: item }
  }

  /** A gap is told in its place, unless a snapshot gives the whole again. */
  #gapOrSnapshot(gap: Gap): Awaitable<Step> {
    if (!this.#client.snapshot) {
      // what is lost at the beginning was told when the place was found
      if (!this.#gaps.includes(gap) && !this.#told.includes(gap)) lost(this.#subscriber, gap)
      return { done: false, value: gap }
    }
    this.#replay?.close()
    this.#replay = undefined
    const since = clock.now()
    const shown = this.#takeSnapshot()
    const then = (stop: StopValue | void): Step => {
      if (!this.#isOver) lost(this.#subscriber, gap, since)
      if (stop) this.#subscriber.end({ kind: 'stop' }, stop)
      return skipped
    }
    return isPromise(shown) ? shown.then(then) : then(shown)
  }

  /** A live event, if it is later than all that the client has got. */
  newsIn<Item extends Published | Gap>(live: Item): Item | undefined {
    return this.#last === undefined ? live : this.#view.root.after(live, this.#last)
  }

  // ---- live events, meanwhile

  /** The number of live events that wait. */
  get queued(): number {
    return this.#live?.size ?? 0
  }

  event(event: Published): void {
    this.#subscriber.follower().offer(this.#ensureLive(), event)
  }

  /** @param isKnown the diagnostics channels were told of it */
  gap(gap: Gap, isKnown = false): void {
    if (isKnown) this.#told = [gap]
    this.#ensureLive().put(gap)
  }

  #ensureLive(): Queue<unknown> {
    this.#live ??= this.#subscriber.follower().newQueue()
    return this.#live
  }

  // ---- its end

  /** The place up to which it has got everything, once nothing waits any more. */
  get last(): string | undefined {
    return this.#last
  }

  /** A lagging backend has delivered all that the client has got by reading. */
  get isPassed(): boolean {
    return this.#last === undefined || this.#view.root.hasDelivered(this.#last)
  }

  /** The place up to which the client has got everything, where others have got what was delivered. */
  gotUpTo(delivered: string): string {
    return this.isPassed ? delivered : (this.#last as string)
  }

  /** Nothing older than what the client has got will come. */
  passed(): void {
    this.#last = undefined
  }

  close(): void {
    this.#isOver = true
    this.#replay?.close()
    this.#snapshot?.close()
    this.#replay = undefined
    this.#snapshot = undefined
    this.#live = undefined
  }
}
