// Publishes events to a channel's log, and delivers the log's events to every subscriber.
import { channels } from '../diagnostics.js'
import { LariatError } from '../errors.js'
import { type Awaitable, isPromise, nextTurn } from '../promise.js'
import { watched } from '../values/diagnostics.js'
import type { ChannelOptions, Channel as PublicChannel } from '../values/feed.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Log, Meta, Reading, Where } from './backend.js'
import { Deliveries } from './deliveries.js'
import { Gap } from './gap.js'
import { endedLog } from './history.js'
import { Listening } from './listening.js'
import { Presence } from './presence.js'
import type { Published } from './published.js'
import { Check, messageOf, noMeta } from './publishing.js'
import { readLast } from './replay.js'
import type { Keeps, Missed, Root, Sink } from './sink.js'
import { died, Supply } from './supply.js'
import { View } from './view.js'

/** Publishes before yielding to the event loop: a loop that awaits each publish must not block it. */
const publishesPerTurn = 1000

export class Channel<Data> extends View<Data> implements PublicChannel<Data>, Root {
  readonly #name: string
  readonly options: ChannelOptions<Data>
  #log: Log
  readonly #supply: Supply | undefined
  readonly #presence: Presence
  readonly #check = new Check()
  #listening: Listening | undefined
  hasEnded = false
  readonly #deliveries = new Deliveries<Published | Gap>((item) => {
    if (item instanceof Gap) super.gap(item)
    else super.event(item)
    this.#deliveries.last = item.id
  })
  #published = 0
  #isClosed = false
  readonly #hold: (isNeeded: boolean) => void
  #isNeeded = false

  /** @param hold told whether the channel is needed though nobody may hold it, each time that this changes */
  constructor(
    name: string,
    log: Log,
    options: ChannelOptions<Data>,
    hold: (isNeeded: boolean) => void = () => {},
  ) {
    super()
    this.#name = name
    this.options = options
    this.#log = log
    this.#hold = hold
    this.#presence = new Presence(name)
    const { source, linger = 0 } = options
    if (source)
      this.#supply = new Supply(
        name,
        () => source(this),
        linger,
        (error) => this.down(died(name, error)),
        () => this.weigh(),
      )
  }

  /** Decides whether the channel is needed though nobody may hold it. */
  weigh(): void {
    const isNeeded =
      this.#listening !== undefined ||
      !this.#log.isEmpty ||
      (this.#supply?.isRunning ?? false) ||
      this.#presence.hasListeners
    if (isNeeded === this.#isNeeded) return
    this.#isNeeded = isNeeded
    this.#hold(isNeeded)
  }

  publish(data: Data, meta: { type?: string; key?: string } = noMeta): Promise<string> {
    const published = channels.publish.hasSubscribers
      ? watched(this.#name, (appended) => this.#publish(data, meta, appended))
      : this.#publish(data, meta)
    // a publish that nobody awaits must not crash a closing process
    if (this.#isClosed) published.catch(() => {})
    return published
  }

  async #publish(data: Data, meta: Meta, appended?: () => void): Promise<string> {
    const message = messageOf(data, meta)
    this.#checkOpen()
    // the log knows whether the event of a key came before the end
    if (this.hasEnded && meta.key === undefined)
      throw new LariatError('LARIAT_ENDED', `Channel '${this.#name}' has ended`)
    const check = (event: Published) => {
      this.#check.event(event, this.formats())
      appended?.()
    }
    try {
      const id = this.#log.publish(message.data, message.meta, check)
      if (isPromise(id)) return await id
      if (++this.#published % publishesPerTurn === 0) await nextTurn()
      return id
    } finally {
      // a log may retain an event in this process only once it is confirmed
      this.weigh()
    }
  }

  async position(): Promise<string> {
    this.#checkOpen()
    return this.#log.position()
  }

  async end(): Promise<void> {
    this.#checkOpen()
    await this.#log.end()
    // whoever listens is told behind the last event
    if (!this.#listening) this.#finish()
  }

  on<State>(name: 'join' | 'leave', listener: (stream: OpenStream<State>) => void): this {
    this.#presence.on(name, listener)
    this.weigh()
    return this
  }

  /** Ends the channel, and forgets it in the store too: what is left here is an empty channel that has ended. */
  async delete(): Promise<void> {
    const streams = this.#listening ? new Ended() : undefined
    if (streams) this.attach(streams)
    try {
      await this.end()
      // what was confirmed is delivered before it is dropped
      await streams?.over
      await this.#log.drop()
    } finally {
      if (streams) this.detach(streams)
    }
    this.#finish()
    this.#log = endedLog()
  }

  /** Ends all subscriptions, and refuses new ones. */
  close(): void {
    this.#isClosed = true
    this.down()
    this.#supply?.stopNow()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LariatError('LARIAT_DOWN', `The hub of channel '${this.#name}' is closed`)
  }

  // ---- as the root of its feeds

  get root(): Root {
    return this
  }

  get retains(): boolean {
    const { history, historyBytes, maxAge } = this.options
    return history !== 0 && (history ?? historyBytes ?? maxAge) !== undefined
  }

  get names(): readonly string[] {
    return [this.#name]
  }

  get ready(): PromiseLike<unknown> | undefined {
    return this.#listening?.ready
  }

  get isDelivering(): boolean {
    return this.#deliveries.isRunning
  }

  get isImmediate(): boolean {
    return this.#log.isImmediate
  }

  get place(): string | undefined {
    return this.#deliveries.current?.id ?? this.#log.latest ?? this.#deliveries.last
  }

  askPlace(isLatest = false): Awaitable<string> {
    const { place } = this
    if (place !== undefined && (this.isImmediate || !isLatest)) return place
    const position = this.#log.position()
    // what was delivered is known without a store that is away
    return isPromise(position) && place !== undefined ? position.then(undefined, () => place) : position
  }

  afterDelivery(join: () => void): void {
    this.#deliveries.join(join)
  }

  missed(where: Where, keeps?: Keeps): Awaitable<Missed> {
    if (keeps && typeof where === 'object' && 'last' in where) return readLast(this, where.last, keeps)
    const missed = ({ outcome, from, before, hasEnded, events: read }: Reading): Missed => {
      const isFound = outcome === 'found' || typeof where !== 'string'
      const gaps = isFound ? [] : [new Gap(where, from, outcome, before)]
      const events = Symbol.iterator in read ? read[Symbol.iterator]() : read[Symbol.asyncIterator]()
      return { gaps, before, hasEnded, events }
    }
    const reading = this.#log.read(where)
    return isPromise(reading) ? reading.then(missed) : missed(reading)
  }

  after<Item extends { readonly id: string }>(item: Item, place: string): Item | undefined {
    if (item.id === place) return undefined
    // ids of another epoch have no order
    const isAfter =
      (item instanceof Gap && item.reason === 'unknown') || this.#log.compare(item.id, place) > 0
    return isAfter ? item : undefined
  }

  hasDelivered(place: string): boolean {
    return this.place !== undefined && this.#log.compare(place, this.place) <= 0
  }

  tell(name: 'join' | 'leave', stream: () => OpenStream): void {
    this.#presence.tell(name, stream)
  }

  of(event: Published): Published {
    return event
  }

  override event(event: Published): void {
    this.#deliver(event)
  }

  override gap(gap: Gap): void {
    this.#deliver(gap)
  }

  #deliver(item: Published | Gap): void {
    this.#deliveries.add(item)
    if (this.hasEnded && !this.isDelivering) this.ended()
  }

  /** Ends all streams and iterations, once all events are delivered. */
  #finish(): void {
    this.hasEnded = true
    if (!this.isDelivering) this.ended()
    this.#supply?.stopNow()
    this.weigh()
  }

  protected begin(): void {
    if (this.#isClosed) return this.down()
    if (this.hasEnded) return this.ended()
    this.#deliveries.last = undefined
    const listening = new Listening(this.#name, {
      event: (event) => this.event(event),
      gap: (gap) => this.gap(gap),
      end: () => this.#finish(),
      begun: (place) => {
        this.#deliveries.last ??= place
        this.#supply?.start()
      },
      failed: (error) => this.down(error),
    })
    this.#listening = listening
    this.weigh()
    // the subscriber that starts a source gets what that publishes at once: it begins at the place before
    listening.begin(this.#log, this.retains && this.#supply !== undefined)
  }

  protected cease(): void {
    this.#listening?.stop()
    this.#listening = undefined
    this.#deliveries.last = undefined
    this.#supply?.stop()
    this.weigh()
  }
}

/** Waits for the end of a channel, beside its streams. */
class Ended implements Sink {
  readonly subscribers = 0
  #resolve = () => {}
  readonly over = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  event(): void {}
  gap(): void {}
  failed(): void {}

  ended(): void {
    this.#resolve()
  }

  down(): void {
    this.#resolve()
  }
}
