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
import type { Log, Reading, Receiver, Where } from './backend.js'
import { endedLog } from './history.js'
import type { Published } from './published.js'
import type { Root } from './sink.js'
import { Supply } from './supply.js'
import { View } from './view.js'

/** Publishes before yielding to the event loop: a loop that awaits each publish must not block it. */
const publishesPerTurn = 1000

export class Channel<Data> extends View<Data> implements PublicChannel<Data>, Root {
  readonly #name: string
  #log: Log
  readonly #supply: Supply | undefined
  readonly #listeners = new EventEmitter().setMaxListeners(0)
  /** The format in which events are checked while there is no subscriber. */
  #lastFormat: Format | undefined
  #listening: Awaitable<() => unknown> | undefined
  #receiver: Receiver | undefined
  /** The event in delivery, and the events published during it. */
  readonly #arriving: Published[] = []
  /** Joins that wait for the current delivery to finish. */
  #joining: (() => void)[] = []
  #published = 0
  #isClosed = false
  hasEnded = false
  readonly #hold: (isNeeded: boolean) => void
  #isNeeded = false

  /** @param hold told whether the channel is needed though nobody may hold it, each time that this changes */
  constructor(
    name: string,
    log: Log,
    readonly options: ChannelOptions<Data>,
    hold: (isNeeded: boolean) => void,
  ) {
    super()
    const { source, linger = 0 } = options
    this.#name = name
    this.#log = log
    this.#hold = hold
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
      this.#receiver !== undefined ||
      !this.#log.isEmpty ||
      (this.#supply?.isRunning ?? false) ||
      this.#listeners.listenerCount('join') + this.#listeners.listenerCount('leave') > 0
    if (isNeeded === this.#isNeeded) return
    this.#isNeeded = isNeeded
    this.#hold(isNeeded)
  }

  publish(data: Data, meta: { type?: string; key?: string } = {}): Promise<string> {
    const published = this.#publish(data, meta)
    // a publish that nobody awaits must not crash a closing process
    if (this.#isClosed) published.catch(() => {})
    return published
  }

  async #publish(data: Data, meta: { type?: string; key?: string }): Promise<string> {
    checkKeys('publish', meta, metaRules)
    if (this.#isClosed) throw new LariatError('LARIAT_DOWN', `The hub of channel '${this.#name}' is closed`)
    if (this.hasEnded) throw new LariatError('LARIAT_ENDED', `Channel '${this.#name}' has ended`)
    const bare: { data: unknown; type?: string } = isEvent(data) ? unwrapped(data) : { data }
    if (bare.data === undefined && (meta.type ?? bare.type) === undefined) {
      throw misuse('LARIAT_DATA', 'publish(undefined): expected data, or a type')
    }
    const { type = bare.type, key } = meta
    const id = this.#log.publish(bare.data, { type, key }, (event) => this.#check(event))
    this.weigh()
    if (!isPromise(id) && ++this.#published % publishesPerTurn === 0) await nextTurn()
    return id
  }

  on(name: 'join' | 'leave', listener: (stream: OpenStream<never>) => void): this {
    if (name !== 'join' && name !== 'leave') {
      throw misuse('LARIAT_SPEC', `on(${show(name)}): expected 'join' or 'leave'`)
    }
    this.#listeners.on(name, listener)
    this.weigh()
    return this
  }

  async end(): Promise<void> {
    await this.#log.end()
    this.#finish()
  }

  #finish(): void {
    this.hasEnded = true
    this.down()
    this.#supply?.stopNow()
    this.weigh()
  }

  /** Ends the channel, and forgets it in the store too: what is left here is an empty channel that has ended. */
  async delete(): Promise<void> {
    await this.end()
    await this.#log.drop()
    this.#finish()
    this.#log = endedLog()
  }

  /** Ends all subscriptions, and refuses new ones. */
  close(): void {
    this.#isClosed = true
    this.down()
    this.#supply?.stopNow()
  }

  // ---- as the root of its feeds

  get root(): Root {
    return this
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

  get position(): string | undefined {
    const { latest } = this.#log
    return latest === undefined ? undefined : (this.#arriving[0]?.id ?? latest)
  }

  afterDelivery(join: () => void): void {
    if (this.isDelivering) this.#joining.push(join)
    else join()
  }

  retained(where: Where): Awaitable<Reading> {
    return this.#log.read(where)
  }

  compare(one: string, other: string): number {
    return this.#log.compare(one, other)
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

  /** An event published during a delivery is delivered after it, to all sinks. */
  override event(event: Published): void {
    this.#arriving.push(event)
    if (this.#arriving.length > 1) return
    for (let next: Published | undefined = event; next; next = this.#arriving[0]) {
      super.event(next)
      for (let join = this.#joining.shift(); join; join = this.#joining.shift()) join()
      this.#arriving.shift()
    }
  }

  protected begin(): void {
    if (this.#isClosed) return this.down()
    const receiver = this.#receive()
    this.weigh()
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
    this.#supply?.start()
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
      end: () => {},
    }
    this.#receiver = receiver
    return receiver
  }

  protected cease(): void {
    const listening = this.#listening
    this.#listening = undefined
    this.#receiver = undefined
    if (typeof listening === 'function') this.#stopListening(listening)
    this.#supply?.stop()
    this.weigh()
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
