// Publishes events to a channel's log, and delivers the log's events to every subscriber.
import { EventEmitter } from 'node:events'
import { LariatError, misuse, report, show } from '../errors.js'
import { json } from '../formats/data.js'
import type { Format } from '../formats/format.js'
import { safely } from '../guard.js'
import { type Awaitable, isPromise, nextTurn } from '../promise.js'
import { checkKeys, type Rules } from '../rules.js'
import { apart } from '../scope.js'
import { asBytes } from '../values/bytes.js'
import { type Event, isEvent } from '../values/event.js'
import type { ChannelOptions, Channel as PublicChannel } from '../values/feed.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Log, Reading, Receiver, Retention, Where } from './backend.js'
import { Gap } from './gap.js'
import type { Published } from './published.js'
import { readLast } from './replay.js'
import type { Keeps, Missed, Root } from './sink.js'
import { Supply } from './supply.js'
import { View } from './view.js'

/** Publishes before yielding to the event loop: a loop that awaits each publish must not block it. */
const publishesPerTurn = 1000

export class Channel<Data> extends View<Data> implements PublicChannel<Data>, Root {
  readonly #name: string
  readonly #log: Log
  readonly #supply: Supply | undefined
  readonly #listeners = new EventEmitter().setMaxListeners(0)
  /** The format in which events are checked while there is no subscriber. */
  #lastFormat: Format | undefined
  #listening: Awaitable<() => unknown> | undefined
  #receiver: Receiver | undefined
  /** Events are retained. */
  readonly retains: boolean
  hasEnded = false
  /** The place up to which events were delivered since listening began, where the log cannot say. */
  #delivered: string | undefined
  /** What is in delivery, and what has come during it. */
  readonly #arriving: (Published | Gap)[] = []
  /** Joins that wait for the current delivery to finish. */
  #joining: (() => void)[] = []
  #published = 0
  #isClosed = false

  constructor(name: string, log: Log, { source, linger = 0, ...retention }: ChannelOptions<Data>) {
    super()
    this.#name = name
    this.#log = log
    this.retains = retainsAny(retention)
    if (source)
      this.#supply = new Supply(
        name,
        () => source(this),
        linger,
        (error) => this.down(died(name, error)),
      )
  }

  publish(data: Data, meta: { type?: string; key?: string } = {}): Promise<string> {
    const published = this.#publish(data, meta)
    // a publish that nobody awaits must not crash a closing process
    if (this.#isClosed) published.catch(() => {})
    return published
  }

  async #publish(data: Data, meta: { type?: string; key?: string }): Promise<string> {
    checkKeys('publish', meta, metaRules)
    this.#checkOpen()
    if (this.hasEnded) throw new LariatError('LARIAT_ENDED', `Channel '${this.#name}' has ended`)
    const bare: { data: unknown; type?: string } = isEvent(data) ? unwrapped(data) : { data }
    if (bare.data === undefined && (meta.type ?? bare.type) === undefined) {
      throw misuse('LARIAT_DATA', 'publish(undefined): expected data, or a type')
    }
    const { type = bare.type, key } = meta
    const id = this.#log.publish(bare.data, { type, key }, (event) => this.#check(event))
    if (!isPromise(id) && ++this.#published % publishesPerTurn === 0) await nextTurn()
    return id
  }

  async position(): Promise<string> {
    this.#checkOpen()
    return this.#log.position()
  }

  async end(): Promise<void> {
    this.#checkOpen()
    await this.#log.end()
    // whoever listens is told behind the last event
    if (!this.#receiver) this.#finish()
  }

  on<State>(name: 'join' | 'leave', listener: (stream: OpenStream<State>) => void): this {
    if (name !== 'join' && name !== 'leave') {
      throw misuse('LARIAT_SPEC', `on(${show(name)}): expected 'join' or 'leave'`)
    }
    this.#listeners.on(name, listener)
    return this
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

  get names(): readonly string[] {
    return [this.#name]
  }

  get ready(): PromiseLike<unknown> | undefined {
    return isPromise(this.#listening) ? this.#listening : undefined
  }

  get isDelivering(): boolean {
    return this.#arriving.length > 0
  }

  get isImmediate(): boolean {
    return this.#log.isImmediate
  }

  get place(): string | undefined {
    return this.#arriving[0]?.id ?? this.#log.latest ?? this.#delivered
  }

  askPlace(): Awaitable<string> {
    return this.place ?? this.#log.position()
  }

  afterDelivery(join: () => void): void {
    if (this.isDelivering) this.#joining.push(join)
    else join()
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
    if (this.#listeners.eventNames().length === 0) return
    const subscriber = stream()
    // read the address now: it is gone once the client has left
    if (name === 'join') void subscriber.client
    for (const listener of this.#listeners.listeners(name)) {
      safely(
        () => listener(subscriber),
        (error) => report(`A listener for '${name}' of channel '${this.#name}' failed`, error),
      )
    }
  }

  of(event: Published): Published {
    return event
  }

  override event(event: Published): void {
    this.#arrive(event)
  }

  override gap(gap: Gap): void {
    this.#arrive(gap)
  }

  /** What comes during a delivery is delivered after it, to all sinks. */
  #arrive(item: Published | Gap): void {
    this.#arriving.push(item)
    if (this.#arriving.length > 1) return
    for (let next: Published | Gap | undefined = item; next; next = this.#arriving[0]) {
      if (next instanceof Gap) super.gap(next)
      else super.event(next)
      this.#delivered = next.id
      for (let join = this.#joining.shift(); join; join = this.#joining.shift()) join()
      this.#arriving.shift()
    }
    if (this.hasEnded) this.ended()
  }

  /** Ends all streams and iterations, once all events are delivered. */
  #finish(): void {
    this.hasEnded = true
    if (!this.isDelivering) this.ended()
    this.#supply?.stopNow()
  }

  protected begin(): void {
    if (this.#isClosed) return this.down()
    if (this.hasEnded) return this.ended()
    const receiver = this.#receive()
    const answer = apart(() => this.#log.listen(receiver))
    // a backend's thenable may call back twice
    const listening = isPromise(answer) ? Promise.resolve(answer) : answer
    this.#listening = listening
    if (isPromise(listening)) {
      listening.then(
        (stop) => {
          if (this.#listening === listening) this.#listening = stop
          else this.#stopListening(stop)
        },
        (error) => {
          if (this.#listening === listening) this.down(error)
        },
      )
    }
    if (this.hasEnded) this.#finish()
    else this.#supply?.start()
  }

  /** A receiver that ignores events once the channel ceases: a backend may still deliver to an old listener. */
  #receive(): Receiver {
    const receiver: Receiver = {
      event: (event) => {
        if (this.#receiver === receiver) this.event(event)
      },
      gap: (gap) => {
        if (this.#receiver === receiver) this.gap(gap)
      },
      end: () => {
        if (this.#receiver !== receiver) return
        // one that has ended before may say so while it is asked
        if (this.#listening === undefined) this.hasEnded = true
        else this.#finish()
      },
    }
    this.#receiver = receiver
    return receiver
  }

  protected cease(): void {
    const listening = this.#listening
    this.#listening = undefined
    this.#receiver = undefined
    this.#delivered = undefined
    if (typeof listening === 'function') this.#stopListening(listening)
    this.#supply?.stop()
  }

  #stopListening(stop: () => unknown): void {
    safely(
      () => apart(stop),
      (error) => report(`The backend of channel '${this.#name}' failed to stop listening`, error),
    )
  }

  /**
   * Throws for data that no format can write. Data that one format cannot write ends only the streams of that format:
   * one client's choice of format must not block publishing to all others.
   */
  #check(event: Published): void {
    if (event.data === undefined && event.type !== undefined) return
    let failure: unknown
    for (const format of this.#checkedIn()) {
      try {
        event.in(format)
        this.#lastFormat = format
        return
      } catch (error) {
        failure ??= error
      }
    }
    if (asBytes(event.data)) return
    try {
      json(event.data)
    } catch (error) {
      throw failure ?? error
    }
  }

  #checkedIn(): readonly Format[] {
    const formats = [...this.formats()]
    return formats.length === 0 && this.#lastFormat ? [this.#lastFormat] : formats
  }
}

const metaRules: Rules = {
  type: [isType, 'text without CR, LF or NUL'],
  key: [(value) => typeof value === 'string' && value !== '', 'text that is not empty'],
}

/** Refuses CR, LF and NUL in a type, in every format. */
function isType(value: unknown): boolean {
  return typeof value === 'string' && !/[\r\n]/.test(value) && !value.includes('\0')
}

/** Takes data and type from a published event. */
function unwrapped({ data, id, type, retry, comment }: Event): { data: unknown; type?: string } {
  if (id !== undefined || retry !== undefined || comment !== undefined) {
    const expected = 'expected data and type alone, since a channel gives ids of its own'
    throw misuse('LARIAT_DATA', `publish(event(…, ${show({ id, retry, comment })})): ${expected}`)
  }
  if (type === undefined) return { data }
  checkKeys('publish', { type }, metaRules)
  return { data, type }
}

function died(name: string, cause: unknown): LariatError {
  return new LariatError('LARIAT_DOWN', `The source of channel '${name}' died`, { cause })
}

function retainsAny({ history, historyBytes, maxAge }: Partial<Retention>): boolean {
  return history !== 0 && (history ?? historyBytes ?? maxAge) !== undefined
}
