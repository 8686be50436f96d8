// Publishes events to a channel's log, and ends it: a channel as its users see it, and the feed of all its events.
import { channels } from '../diagnostics.js'
import { LariatError } from '../errors.js'
import { isPromise, nextTurn } from '../promise.js'
import type { ChannelOptions, Hub, Channel as PublicChannel } from '../values/feed.js'
import type { OpenStream } from '../values/open-stream.js'
import type { Log, Meta } from './backend.js'
import { ChannelRoot, type Hold } from './channel-root.js'
import type { Published } from './published.js'
import { Check, messageOf, noMeta } from './publishing.js'
import { tellingOutcome } from './telling.js'
import { View } from './view.js'

/** Publishes before yielding to the event loop: a loop that awaits each publish must not block it. */
const publishesPerTurn = 1000

export class Channel<Data> extends View<Data> implements PublicChannel<Data> {
  readonly #hub: Hub
  readonly #name: string
  readonly options: ChannelOptions<Data>
  readonly root: ChannelRoot<Data>
  readonly #check = new Check()
  #published = 0

  constructor(hub: Hub, name: string, log: Log, options: ChannelOptions<Data>, hold: Hold) {
    super()
    this.#hub = hub
    this.#name = name
    this.options = options
    this.root = new ChannelRoot(hub, name, log, options, this, hold)
  }

  publish(data: Data, meta: { type?: string; key?: string } = noMeta): Promise<string> {
    const published = channels.publish.hasSubscribers
      ? tellingOutcome({ hub: this.#hub, channel: this.#name }, (appended) =>
          this.#publish(data, meta, appended),
        )
      : this.#publish(data, meta)
    // a publish that nobody awaits must not crash a closing process
    if (this.root.isClosed) published.catch(() => {})
    return published
  }

  async #publish(data: Data, meta: Meta, appended?: () => void): Promise<string> {
    const message = messageOf(data, meta)
    const { log, hasEnded } = this.root
    // the log may know the key: the event came before the end
    if (hasEnded && meta.key === undefined)
      throw new LariatError('LARIAT_ENDED', `Channel '${this.#name}' has ended`)
    const check = (event: Published) => {
      this.#check.event(event, this.formats())
      appended?.()
    }
    try {
      const id = log.publish(message.data, message.meta, check)
      if (isPromise(id)) return await id
      if (++this.#published % publishesPerTurn === 0) await nextTurn()
      return id
    } finally {
      // a log may retain an event in this process only once it is confirmed
      this.root.weigh()
    }
  }

  async position(): Promise<string> {
    return this.root.log.position()
  }

  end(): Promise<void> {
    return this.root.end()
  }

  on<State>(name: 'join' | 'leave', listener: (stream: OpenStream<State>) => void): this {
    this.root.presence.on(name, listener)
    this.root.weigh()
    return this
  }

  // ---- as the feed of all events

  of(event: Published): Published {
    return event
  }

  protected begin(): void {
    this.root.attach()
  }

  protected cease(): void {
    this.root.detach()
  }
}
