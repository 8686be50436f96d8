import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { expect } from 'chai'
import type { Followed, FollowOptions, Message, State, StateDetails } from '../../lib/client/options.js'
import { time } from '../../lib/client/time.js'
import { follow } from '../../lib/client.js'
import { ManualTime } from '../../lib/testing/clock.js'
import { type Site, stage, staged, turns, turnsUntil } from '../support/stage.js'

/** The clients' time, which stands still until it is turned. */
class ClientTime extends ManualTime {
  /** What is drawn: by it all delays are as long as they may be, but for the smallest part. */
  drawn = 1
  /** How long each was to be that was set, in milliseconds. */
  readonly set: number[] = []
  /** Those that wait. */
  size = 0

  #slept = 2e12

  /** By the calendar: Retry-After may be a date. */
  override now(): number {
    return this.#slept + super.now()
  }

  /** Moves on while timers stand still, as those of a page that is frozen. */
  shift(milliseconds: number): void {
    this.#slept += milliseconds
  }

  after(milliseconds: number, call: () => void): () => void {
    this.set.push(milliseconds)
    this.size += 1
    let isSet = true
    const unset = () => {
      if (isSet) this.size -= 1
      isSet = false
    }
    const cancel = this.wake(() => {
      unset()
      call()
    }, milliseconds)
    return () => {
      unset()
      cancel()
    }
  }
}

export let clientTime: ClientTime
let followers: Followed<unknown>[] = []

/** Said in a suite: its clients are on a time of their own, and leave nothing behind on it. */
export function clients(): void {
  staged()
  const real = { ...time }
  beforeEach(() => {
    clientTime = new ClientTime()
    followers = []
    Object.assign(time, {
      now: () => clientTime.now(),
      after: (milliseconds: number, call: () => void) => clientTime.after(milliseconds, call),
      random: () => clientTime.drawn,
    })
  })
  afterEach(async () => {
    for (const follower of followers) follower.close()
    await turns(3)
    Object.assign(time, real)
    expect(clientTime.size, 'timers of clients that are left').to.equal(0)
  })
}

/** A request that is answered by hand. */
export interface Asked {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly headers: IncomingMessage['headers']
  /** The client has let go of it. */
  readonly isGone: boolean
  /** Begins a stream, of events if nothing else is said. */
  stream(text?: string | Uint8Array, headers?: OutgoingHttpHeaders): Asked
  write(text: string | Uint8Array): Asked
  /** Ends it whole, or by closing the connection. */
  end(): void
  cut(): void
  answer(status: number, headers?: OutgoingHttpHeaders, body?: string): void
}

function asked(req: IncomingMessage, res: ServerResponse): Asked {
  let isGone = false
  res.on('close', () => {
    isGone = true
  })
  return {
    req,
    res,
    headers: req.headers,
    get isGone() {
      return isGone
    },
    stream(text = '', headers = {}) {
      res.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
      res.flushHeaders()
      return this.write(text)
    },
    write(text) {
      if (text.length > 0) res.write(text)
      return this
    },
    end: () => void res.end(),
    cut: () => void res.destroy(),
    answer: (status, headers = {}, body) => void res.writeHead(status, headers).end(body),
  }
}

/** A server whose requests are answered by hand, one after another. */
export interface Answering extends Site {
  /** All that was asked. */
  readonly requests: readonly Asked[]
  /** The next request, in order. */
  next(): Promise<Asked>
  /** Sees that there is no other request, in all turns that one would take. */
  none(): Promise<void>
}

export async function answering(): Promise<Answering> {
  const requests: Asked[] = []
  let count = 0
  const site = await stage.now.serve((req: IncomingMessage, res: ServerResponse) => {
    requests.push(asked(req, res))
  })
  return {
    ...site,
    requests,
    async next() {
      await turnsUntil(() => requests.length > count)
      return requests[count++] as Asked
    },
    async none() {
      await turns()
      expect(requests.length, 'requests').to.equal(count)
    },
  }
}

/** A loop over a client, and what it has come to by now. */
export interface Looped<T> {
  readonly client: Followed<T>
  readonly messages: readonly Message<T>[]
  readonly data: readonly T[]
  readonly states: readonly [State, StateDetails][]
  /** What the loop has thrown, once it is over; undefined if nothing. */
  readonly ended: Promise<unknown>
  /** Waits until so many messages have come. */
  count(count: number): Promise<readonly T[]>
  /** Waits for the client to be in a state: the details of it. */
  becomes(state: State): Promise<StateDetails>
  /** Waits until the client waits for its next attempt, and has it made: the milliseconds that it was to wait. */
  retried(): Promise<number>
}

/** Loops over what a server says; with a body, which may wait, and which leaves by throwing. */
export function loop<T = unknown>(
  { url }: { url: string },
  options: FollowOptions = {},
  body?: (message: Message<T>, client: Followed<T>) => unknown,
): Looped<T> {
  const states: [State, StateDetails][] = []
  const onState = (...state: [State, StateDetails]) => {
    states.push(state)
    options.onState?.(...state)
  }
  const client = follow(url, { ...options, onState }) as Followed<T>
  followers.push(client)
  const messages: Message<T>[] = []
  let retries = 0
  async function run(): Promise<unknown> {
    try {
      for await (const message of client) {
        messages.push(message)
        await body?.(message, client)
      }
    } catch (error) {
      return error
    }
  }
  return {
    client,
    messages,
    get data() {
      return messages.map(({ data }) => data)
    },
    states,
    ended: run(),
    async count(count) {
      await turnsUntil(() => messages.length >= count)
      return messages.map(({ data }) => data)
    },
    async becomes(state) {
      await turnsUntil(() => client.state === state)
      return states.at(-1)?.[1] ?? {}
    },
    async retried() {
      const waits = () => states.filter(([state]) => state === 'waiting')
      await turnsUntil(() => waits().length > retries)
      const { delay = 0 } = waits()[retries++]?.[1] ?? {}
      // the timer is set in the same turn, or the next
      await turns(1)
      clientTime.advance(delay)
      return delay
    },
  }
}
