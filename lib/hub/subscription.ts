// Decides how a stream gets the events of a feed: missed ones first, then one by one or shared. Each exactly once.
import { type Awaitable, isPromise } from '../promise.js'
import type { Feed } from '../values/feed.js'
import type { OpenStream } from '../values/open-stream.js'
import type { StopValue } from '../values/stop.js'
import { CatchUp } from './catch-up.js'
import { type Followed, startOf } from './followed.js'
import { earliest, type Gap, now } from './gap.js'
import type { Group } from './group.js'
import type { Published } from './published.js'
import { joined, lost } from './resumption.js'
import type { Sink } from './sink.js'
import type { Snapshot } from './snapshot.js'
import type { Beginning } from './start.js'
import type { State, Step, Subscriber } from './subscriber.js'

/** The stream follows alone while it catches up, or if it has an `info`. Otherwise it shares the bytes of its group. */
export class Subscription implements Sink {
  readonly #view: Followed
  /** Where a client without an id begins, if the feed says so. */
  readonly #start: Beginning | undefined
  readonly #subscriber: Subscriber
  readonly snapshot: (() => Snapshot) | undefined
  #state: State = 'new'
  #group: Group | undefined
  #catchUp: CatchUp | undefined
  /** Where a stream begins that shares from the start, or the place that it is told with its head; then released. */
  #beginsAfter: string | undefined
  /** The last place that the client was told by itself; its group may have told it a later one. */
  told: string | undefined
  /** What it had been told when it was last asked for news. */
  #toldBefore: string | undefined

  /**
   * @param asked the id that the client sent
   * @param snapshot the whole, for a client that has no place to continue from
   */
  constructor(feed: Feed<unknown>, subscriber: Subscriber, asked?: string, snapshot?: () => Snapshot) {
    const { whole, start } = startOf(feed)
    this.#view = whole
    this.#start = start
    this.#subscriber = subscriber
    this.snapshot = snapshot
    if (asked === undefined) return
    this.#catchUp = new CatchUp(this.#view, this, subscriber, asked, start)
    if (asked !== earliest) this.told = asked
  }

  get subscribers(): number {
    return 1
  }

  /** There is nothing to catch up with, and nothing to wait for: the stream may share from the start. */
  get isImmediate(): boolean {
    const { isImmediate, hasEnded } = this.#view.root
    const beginsNow = this.#catchUp === undefined && (this.#start ?? now) === now
    return isImmediate && !hasEnded && beginsNow && this.snapshot === undefined
  }

  // ---- joining

  /**
   * Receives live events first, then reads the missed ones, so that none falls between. Returns a promise only if the
   * stream has to wait for the backend, for the current delivery, or for its snapshot.
   *
   * @returns a `stop()` that the snapshot has returned
   */
  follow(): Awaitable<StopValue | void> {
    if (this.#state !== 'new') return
    const { root } = this.#view
    const isPlain = this.isImmediate
    this.#enter(isPlain ? 'alone' : 'catchingUp')
    const isDeferred = root.isDelivering
    root.afterDelivery(() => this.#guard(() => this.#attach()))
    if (isPlain) return
    // a delivery is synchronous: by the next microtask it is over, and this stream is attached
    const ready = isDeferred ? Promise.resolve().then(() => root.ready) : root.ready
    return ready === undefined ? this.#catchUp?.find() : ready.then(() => this.#catchUp?.find())
  }

  #attach(): void {
    if (this.#state === 'over') return
    this.#ensureCatchUp().attached()
    this.#view.attach(this)
  }

  /** Shares the bytes of the group from now on, unless the stream is still catching up. */
  share(): void {
    if (this.#state !== 'new' && this.#state !== 'alone') return
    const { root } = this.#view
    // a lagging backend would deliver again what the client has already read
    if (this.#catchUp?.isPassed === false && !root.isImmediate) return
    // joining may start a source, which publishes at once
    if (this.#state === 'new') this.#beginsAfter = root.place
    root.afterDelivery(() => this.#guard(() => this.#join()))
  }

  #join(): void {
    const wasAlone = this.#state === 'alone'
    const { outlet } = this.#subscriber
    if ((!wasAlone && this.#state !== 'new') || !outlet) return
    if (wasAlone && !this.#subscriber.follower().isIdle) return
    if (wasAlone) this.#catchUp = undefined
    this.#enter('shared')
    // a listener of 'join' may have ended the stream, or published what this stream does not get
    if (this.#state !== 'shared') return
    if (this.#beginsAfter !== undefined) this.#beginsAfter = this.#view.root.place
    const group = this.#view.group(outlet.format, outlet.gather)
    this.#group = group
    group.add(outlet, this, this.#subscriber)
    // the group first writes earlier events to its streams, which may have ended this one
    if ((this.#state as State) === 'over') return group.remove(outlet)
    // attach the group before detaching, or the feed would stop for lack of subscribers
    if (wasAlone) this.#view.detach(this)
    this.#subscriber.shares?.()
  }

  /** A backend that fails to listen ends the stream. */
  #guard(join: () => void): void {
    try {
      join()
    } catch (error) {
      this.failed(error)
    }
  }

  #enter(state: 'catchingUp' | 'alone' | 'shared'): void {
    const isNew = this.#state === 'new'
    this.#state = state
    if (isNew) this.#tellPresence('join')
    if (isNew && this.#state === state && state !== 'catchingUp') joined(this.#subscriber)
  }

  #tellPresence(name: 'join' | 'leave'): void {
    const subscriber = this.#subscriber
    if ('stream' in subscriber) this.#view.root.tell(name, () => subscriber.stream as OpenStream)
  }

  leave(): void {
    const state = this.#state
    const wasAlone = state === 'alone' || state === 'catchingUp'
    this.#state = 'over'
    this.#catchUp?.close()
    this.#catchUp = undefined
    if (wasAlone) this.#view.detach(this)
    this.#leaveGroup()
    if (state !== 'new' && state !== 'over') this.#tellPresence('leave')
  }

  #leaveGroup(): void {
    const { outlet } = this.#subscriber
    if (outlet) this.#group?.remove(outlet)
    this.#group = undefined
  }

  /**
   * Writes the gathered events of the group, so that the stream's own write comes after them.
   *
   * @param id the id that its own write tells the client
   */
  flush(id?: string): void {
    this.#group?.flush()
    if (id !== undefined) this.told = id
  }

  // ---- the place that the client comes back to

  /** Headers that say where the client begins (Mercure): after an id, or at the oldest retained event. */
  head(): Record<string, string> {
    if (this.#catchUp) return this.#catchUp.head()
    const { place, retains } = this.#view.root
    const begin = this.#beginsAfter ?? place
    return retains && begin !== undefined ? { 'Last-Event-ID': begin } : {}
  }

  /** The place that a client without one is told with the head, or as soon as the feed is known; once. */
  takeFirstPlace(): string | undefined {
    const { place, retains } = this.#view.root
    const first = this.#beginsAfter ?? (this.#catchUp ? this.#catchUp.firstPlace : place)
    const isTold = !this.#beginsAfter && this.told !== undefined && this.told !== this.#catchUp?.asked
    this.#beginsAfter = undefined
    if (this.#state !== 'catchingUp' && this.#catchUp?.last === undefined) this.#catchUp = undefined
    if (isTold || first === undefined || !retains) return undefined
    this.told = first
    return first
  }

  /**
   * The place that the client is told where the channel has moved on, and nothing of it was for this client: it would be
   * told of a gap in what it never gets.
   */
  takeLaterPlace(isSilent: boolean): string | undefined {
    const { retains, isDelivering, place: delivered } = this.#view.root
    const last = this.#group?.last ?? this.told
    const isQuiet = isSilent || last === this.#toldBefore
    this.#toldBefore = last
    const isSettled = (this.#state === 'shared' || this.#state === 'alone') && !isDelivering
    if (!isQuiet || !isSettled || !retains || !delivered || this.#group?.isGathering) return undefined
    const place = this.#catchUp?.gotUpTo(delivered) ?? delivered
    if (place === this.told || place === this.#group?.last) return undefined
    this.told = place
    return place
  }

  /** Tells the place after the head, where the head could not. */
  tellFirstPlace(): void {
    const place = this.takeFirstPlace()
    if (place !== undefined) this.#subscriber.outlet?.tellPlace(place)
  }

  tellPlace(place: string): void {
    if (this.#subscriber.outlet?.tellPlace(place) === false) this.#beginsAfter = place
    else this.told = place
  }

  // ---- catching up

  /** Until the client has caught up and its head is out. */
  get catchUp(): CatchUp | undefined {
    return this.#catchUp
  }

  get isCatchingUp(): boolean {
    return this.#state === 'catchingUp'
  }

  /** Yields a snapshot, or missed events; then live events queued meanwhile. */
  next(): Awaitable<Step> {
    if (!this.#catchUp) return { done: true, value: undefined }
    const step = this.#catchUp.next()
    return isPromise(step) ? step.then((each) => this.#stepped(each as Step)) : this.#stepped(step)
  }

  #stepped(step: Step): Step {
    if (typeof step !== 'symbol' && step.done && this.#state === 'catchingUp') this.#caughtUp()
    return step
  }

  #caughtUp(): void {
    this.#state = 'alone'
    const { last, hasEnded } = this.#catchUp ?? {}
    // a client that asked for all, and got nothing with an id, has no place to come back to
    if (this.told === undefined && last !== undefined && this.#view.root.retains) this.tellPlace(last)
    if (hasEnded) this.#subscriber.over({ kind: 'end' })
  }

  #ensureCatchUp(): CatchUp {
    this.#catchUp ??= new CatchUp(this.#view, this, this.#subscriber, undefined, this.#start)
    return this.#catchUp
  }

  #newsIn<Item extends Published | Gap>(live: Item): Item | undefined {
    const news = this.#catchUp ? this.#catchUp.newsIn(live) : live
    if (news && this.#catchUp?.isPassed) this.#catchUp.passed()
    return news
  }

  // ---- as a sink, while it is alone or for its group

  event(event: Published): void {
    if (this.#state === 'catchingUp') return this.#ensureCatchUp().event(event)
    const news = this.#newsIn(event)
    if (news) this.#subscriber.follower().event(news)
  }

  gap(gap: Gap): void {
    if (this.#state === 'catchingUp') return this.#ensureCatchUp().gap(gap)
    const news = this.#newsIn(gap)
    if (!news) return
    if (this.snapshot) return this.catchUpAgain(news)
    lost(this.#subscriber, news)
    this.#subscriber.gap(news)
  }

  /** Leaves its group, and waits for a snapshot, or for `onGap`. */
  catchUpAgain(gap: Gap): void {
    if (this.#state === 'shared') this.#view.attach(this)
    this.#state = 'catchingUp'
    this.#catchUp = undefined
    this.#leaveGroup()
    this.#ensureCatchUp().gap(gap, !this.snapshot)
    this.#subscriber.follower().pull?.(this)
  }

  failed(error: unknown): void {
    this.#subscriber.end({ kind: 'error', error })
  }

  ended(): void {
    if (this.#state === 'catchingUp') this.#ensureCatchUp().hasEnded = true
    else this.#subscriber.over({ kind: 'end' })
  }

  down(error?: unknown): void {
    this.#subscriber.over(error === undefined ? { kind: 'down' } : { kind: 'down', error })
  }
}
