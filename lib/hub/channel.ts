import { EventEmitter } from 'node:events'
import { LariatError, misuse, report, show } from '../errors.js'
import { json } from '../formats/data.js'
import type { Format } from '../formats/format.js'
import { checkKeys, type Rules } from '../keys.js'
import type { OpenStream } from '../spec.js'
import { type Awaitable, type Event, isEvent, isPromise } from '../values.js'
import type { Log, Reading } from './backend.js'
import type { ChannelOptions, Channel as PublicChannel } from './feed.js'
import type { Published } from './published.js'
import { Supply } from './supply.js'
import { type Root, View } from './view.js'

/** A channel: what is published goes to its log, and what its log delivers to all who are subscribed. */
export class Channel<Data> extends View<Data> implements PublicChannel<Data>, Root {
  readonly #name: string
  readonly #log: Log
  readonly #supply: Supply | undefined
  readonly #listeners = new EventEmitter()
  /** The format in which events are checked while nobody is there. */
  #lastFormat: Format | undefined
  #listening: Awaitable<() => unknown> | undefined
  #isClosed = false

  constructor(name: string, log: Log, { source, linger = 0 }: ChannelOptions<Data>) {
    super()
    this.#name = name
    this.#log = log
    if (source)
      this.#supply = new Supply(
        name,
        () => source(this),
        linger,
        (error) => this.down(died(name, error)),
      )
  }

  async publish(data: Data, meta: { type?: string } = {}): Promise<string> {
    checkKeys('publish', meta, metaRules)
    if (this.#isClosed) throw new LariatError('LARIAT_DOWN', `The hub of channel '${this.#name}' is closed`)
    const bare: { data: unknown; type?: string } = isEvent(data) ? unwrapped(data) : { data }
    return this.#log.publish(bare.data, meta.type ?? bare.type, (event) => this.#check(event))
  }

  on(name: 'join' | 'leave', listener: (stream: OpenStream) => void): this {
    if (name !== 'join' && name !== 'leave') {
      throw misuse('LARIAT_SPEC', `on(${show(name)}): expected 'join' or 'leave'`)
    }
    this.#listeners.on(name, listener)
    return this
  }

  /** Ends all that is subscribed, and takes no more. */
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

  get latest(): string | undefined {
    return this.#log.latest
  }

  retained(after: string): Awaitable<Reading> {
    return this.#log.read(after)
  }

  compare(one: string, other: string): number {
    return this.#log.compare(one, other)
  }

  tell(name: 'join' | 'leave', stream: () => OpenStream): void {
    if (this.#listeners.listenerCount(name) === 0) return
    try {
      this.#listeners.emit(name, stream())
    } catch (error) {
      report(`A listener for '${name}' of channel '${this.#name}' failed`, error)
    }
  }

  of(event: Published): Published {
    return event
  }

  protected begin(): void {
    if (this.#isClosed) return this.down()
    const listening = this.#log.listen(this)
    this.#listening = listening
    if (isPromise(listening)) {
      listening.then(
        (stop) => {
          if (this.#listening === listening) this.#listening = stop
          else stop()
        },
        (error) => {
          if (this.#listening === listening) this.down(error)
        },
      )
    }
    this.#supply?.start()
  }

  protected cease(): void {
    const listening = this.#listening
    this.#listening = undefined
    if (typeof listening === 'function') listening()
    this.#supply?.stop()
  }

  /** Encodes the event for all who are subscribed: if one format cannot write it, it reaches nobody. */
  #check(event: Published): void {
    let isChecked = false
    for (const format of this.formats()) {
      event.in(format)
      this.#lastFormat = format
      isChecked = true
    }
    if (isChecked) return
    if (this.#lastFormat) event.in(this.#lastFormat)
    else if (!(event.data instanceof Uint8Array)) json(event.data)
  }
}

const metaRules: Rules = { type: [isType, 'text without CR, LF or NUL'] }

/** What would end the field of an event stream is refused, whatever the format. */
function isType(value: unknown): boolean {
  return typeof value === 'string' && !/[\r\n]/.test(value) && !value.includes('\0')
}

/** An event that is published has what a channel keeps: data and a type. */
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
