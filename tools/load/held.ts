import express from 'express'
import type { Peer } from '../../bench/fanout/peer.js'
import type { Tick } from '../../bench/fanout/tick.js'
import { createHub, type Event, ndjson, type Reason, resource, resources, sse } from '../../lib/index.js'
import { kinds } from './kinds.js'

/** What has happened to the streams so far. */
export interface Tally {
  joined: number
  left: number
  /** Of the kinds that have an `unsubscribe` of their own. */
  subscribed: number
  unsubscribed: number
  /** Of the kinds that have a `terminate`. */
  begun: number
  terminated: number
  /** Ended more than once, or not in the order of unsubscribe, terminate. */
  wrong: number
  reasons: Record<string, number>
}

/** A life that has to end once. */
interface Life {
  isSubscribed: boolean
  isTerminated: boolean
}

/** Streams of all kinds, all of which get what is published. */
export class Held implements Peer {
  readonly channel = createHub().channel<Tick>('ticks')
  readonly tally: Tally = {
    joined: 0,
    left: 0,
    subscribed: 0,
    unsubscribed: 0,
    begun: 0,
    terminated: 0,
    wrong: 0,
    reasons: {},
  }

  readonly endpoint
  readonly listener = express()
  readonly #senders = new Set<(tick: Tick) => void>()

  constructor() {
    const { channel, tally } = this
    channel.on('join', () => {
      tally.joined += 1
    })
    channel.on('leave', () => {
      tally.left += 1
    })
    const informed = {
      init: () => this.#begin(),
      terminate: ({ kind }: Reason, { state }: { state: Life }) => this.#terminate(kind, state),
      contentTypesProvided: [ndjson()],
    }
    this.endpoint = resources({
      [kinds.shared.path]: { contentTypesProvided: [sse()], subscribe: channel },
      [kinds.told.path]: resource({
        init: () => this.#begin(),
        contentTypesProvided: [sse()],
        subscribe: channel,
        terminate: ({ kind }, { state }) => this.#terminate(kind, state),
      }),
      [kinds.informed.path]: resource({
        ...informed,
        subscribe: channel,
        info: (tick: Event<Tick>, { write }) => write(tick),
      }),
      [kinds.sent.path]: resource({
        ...informed,
        subscribe: ({ send, state }) => {
          const each = (tick: Tick) => send(tick)
          this.#senders.add(each)
          this.#subscribe(state)
          return () => {
            this.#senders.delete(each)
            this.#unsubscribe(state)
          }
        },
        info: (tick, { write }) => write(tick),
      }),
      [kinds.pulled.path]: resource({
        ...informed,
        subscribe: ({ state }) => {
          this.#subscribe(state)
          return this.#pulled(state)
        },
      }),
    })
    this.listener.use(this.endpoint)
  }

  /** How many are there to get an event. */
  get listening(): number {
    return this.channel.subscribers + this.#senders.size
  }

  publish(tick: Tick): void {
    void this.channel.publish(tick)
    for (const send of this.#senders) send(tick)
  }

  /** An iteration of the channel that counts how often it is closed. */
  #pulled(state: Life): AsyncIterable<Tick> {
    const iterator = this.channel[Symbol.asyncIterator]()
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => iterator.next() as unknown as Promise<IteratorResult<Tick>>,
        return: async () => {
          this.#unsubscribe(state)
          await iterator.return?.()
          return { done: true, value: undefined }
        },
      }),
    }
  }

  #begin(): Life {
    this.tally.begun += 1
    return { isSubscribed: false, isTerminated: false }
  }

  #subscribe(state: Life): void {
    this.tally.subscribed += 1
    state.isSubscribed = true
  }

  #unsubscribe(state: Life): void {
    this.tally.unsubscribed += 1
    if (!state.isSubscribed) this.tally.wrong += 1
    state.isSubscribed = false
  }

  #terminate(kind: Reason['kind'], state: Life): void {
    const { tally } = this
    tally.terminated += 1
    tally.reasons[kind] = (tally.reasons[kind] ?? 0) + 1
    if (state.isTerminated || state.isSubscribed) tally.wrong += 1
    state.isTerminated = true
  }
}
