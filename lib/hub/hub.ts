// Finds or creates the channel of a name, on one backend.
import { EventEmitter } from 'node:events'
import { markMethods } from '../brand.js'
import { LariatError, misuse, report, show } from '../errors.js'
import { safely } from '../guard.js'
import { checkKeys, isAmount, isFunction, isWhole, type Rule, type Rules, wrong } from '../rules.js'
import type { ChannelOptions, Hub, Channel as PublicChannel } from '../values/feed.js'
import { type HubInside, inside } from '../values/inside.js'
import { type Backend, isBackend, retainsNothing } from './backend.js'
import { Channel } from './channel.js'
import { insideOf } from './inside.js'
import { memory } from './memory.js'
import { Names } from './names.js'
import { turned } from './telling.js'

const aTime: Rule = [isAmount, 'milliseconds, 0 or more']

const optionRules: Rules = {
  history: [(value) => isWhole(value) || value === Infinity, 'a number of events, 0 or more'],
  historyBytes: [isAmount, 'bytes, 0 or more'],
  maxAge: aTime,
  idle: aTime,
  linger: aTime,
  source: [isFunction, 'a function that starts publishing'],
}

/**
 * Channels: fan-out and replay.
 *
 * @param backend stores the events; by default the memory of the process
 * @throws TypeError for a value that is no backend
 */
export function createHub(backend: Backend = memory()): Hub {
  if (!isBackend(backend))
    wrong(`createHub(${show(backend)}): expected a backend, such as redisStreams({ client }), or nothing`)
  return new Channels(backend)
}

class Channels implements Hub {
  readonly #backend: Backend
  readonly #channels = new Names<Channel<never>>()
  readonly #deleting = new Map<string, Promise<void>>()
  readonly #listeners = new EventEmitter().setMaxListeners(0)
  #closed: Promise<void> | undefined
  #isUp = true

  constructor(backend: Backend) {
    this.#backend = backend
    for (const name of ['down', 'up'] as const) backend.on(name, () => this.#tell(name))
  }

  channel<Data>(name: string, options?: ChannelOptions<Data>): PublicChannel<Data> {
    checkName('channel', name)
    const where = `channel '${name}'`
    if (options !== undefined) {
      checkKeys(where, options, optionRules)
      if (options.linger !== undefined && !options.source)
        wrong(`${where}: \`linger\` has no \`source\` to stop`)
    }
    const known = this.#channels.get(name)
    // one that has ended may have been deleted by another process: the store is asked anew
    if (known && !known.root.isPast) {
      if (options !== undefined) checkSame(where, known.options, options)
      return known as unknown as PublicChannel<Data>
    }
    this.#checkOpen(where)
    return this.#open<Data>(name, options ?? {})
  }

  #open<Data>(name: string, options: ChannelOptions<Data>): Channel<Data> {
    const { history, historyBytes, maxAge, idle } = options
    const log = this.#backend.open(name, { history, historyBytes, maxAge, idle }, this.#emptied(name))
    const hold = (isNeeded: boolean) => this.#channels.hold(name, channel as never, isNeeded)
    const channel: Channel<Data> = new Channel<Data>(this, name, log, options, hold)
    this.#channels.add(name, channel as never)
    // a log may retain what an earlier process has published
    channel.root.weigh()
    return channel
  }

  /** A closure that does not see the channel: a backend that keeps its logs must not keep that. */
  #emptied(name: string): () => void {
    return () => this.#channels.get(name)?.root.weigh()
  }

  async delete(name: string): Promise<void> {
    checkName('delete', name)
    this.#checkOpen(`channel '${name}'`)
    const deleting = this.#deleting.get(name) ?? this.#delete(name)
    // a second one would drop what is published to the new channel
    this.#deleting.set(name, deleting)
    try {
      await deleting
    } finally {
      this.#deleting.delete(name)
    }
  }

  async #delete(name: string): Promise<void> {
    const channel = this.#channels.get(name)
    if (channel) {
      await channel.root.drop()
      return this.#channels.delete(name, channel)
    }
    // of its own: nobody is to find a channel without the options that it is made with later
    const log = this.#backend.open(name, retainsNothing, () => {})
    await log.end()
    await log.drop()
    // what was opened meanwhile was told of the end
    if (this.#channels.get(name)) await this.#delete(name)
  }

  #checkOpen(where: string): void {
    if (this.#closed !== undefined)
      throw new LariatError('LARIAT_DOWN', `${where} belongs to a hub that is closed`)
  }

  get [inside](): HubInside {
    const { name = 'custom' } = this.#backend
    return insideOf(name, this.#isUp, this.#channels)
  }

  on(name: 'down' | 'up', listener: () => void): this {
    if (name !== 'down' && name !== 'up') {
      throw misuse('LARIAT_SPEC', `on(${show(name)}): expected 'down' or 'up'`)
    }
    this.#listeners.on(name, listener)
    return this
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const channel of this.#channels) channel.root.close()
    await this.#backend.close()
  }

  #tell(name: 'down' | 'up'): void {
    this.#isUp = name === 'up'
    turned(this, name)
    for (const listener of this.#listeners.listeners(name)) {
      safely(
        () => listener(),
        (error) => report(`A listener for '${name}' of a hub failed`, error),
      )
    }
  }
}

markMethods(Channels)

function checkName(method: string, name: unknown): void {
  if (typeof name !== 'string' || name === '') wrong(`${method}(${show(name)}): expected a name`)
}

/** A name has one channel, with one set of options. */
function checkSame(where: string, known: object, given: object): void {
  for (const key of Object.keys(optionRules)) {
    const [before, now] = [known, given].map((options) => (options as Record<string, unknown>)[key])
    if (isSame(before, now)) continue
    const what = isFunction(before) && isFunction(now) ? 'another function than before' : undefined
    wrong(
      `${where}: \`${key}\` is ${what ?? `${show(now)}, and was ${show(before)}`}: expected the same options, or none`,
    )
  }
}

/**
 * A function that makes a channel's options makes another `source` each time, of the same code. Of a bound function nobody
 * sees the code.
 */
function isSame(before: unknown, now: unknown): boolean {
  if (before === now || !isFunction(before) || !isFunction(now)) return before === now
  const code = String(before)
  return code === String(now) && !code.endsWith('{ [native code] }')
}
