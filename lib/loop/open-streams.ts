import { clock, type Deadline } from '../clock.js'
import { Refusal } from '../errors.js'
import { checkKeys, type Rules } from '../rules.js'
import type { OpenStream, Reason } from '../values/open-stream.js'

/** How an endpoint is closed. */
export interface Closing {
  /** Milliseconds over which the ends of the open streams are spread. Default 0. */
  over?: number
  /** Seconds after which those who come meanwhile are told to come back, at the earliest. Default 5. */
  retryAfter?: number
}

/** A held response, as far as its endpoint looks after it. */
interface Held {
  readonly client: string
  /** There is a cap on the streams of its client. */
  readonly isCounted: boolean
  readonly isEnded: boolean
  /** Its end was asked for, and a middleware has not carried it out yet. */
  readonly isLate: boolean
  readonly stream: OpenStream
  end(reason: Reason): void
  /** Drops what its client has not taken. */
  cut(): void
}

interface Caps {
  readonly maxStreams?: number | undefined
  readonly maxStreamsPerClient?: number | undefined
}

const isTime = (value: unknown) => typeof value === 'number' && value >= 0 && value < Infinity

const closingRules: Rules = {
  over: [isTime, 'milliseconds, 0 or more'],
  retryAfter: [isTime, 'seconds, 0 or more'],
}

/** Throws a TypeError for what `close()` does not take. */
export function checkClosing(how: Closing): void {
  checkKeys('close', how, closingRules)
}

/** The shortest time between two ends, in milliseconds. */
const beat = 10

/** How long an end is waited for that a middleware carries out late, in milliseconds. */
const grace = 1000

/** The held responses of one endpoint, wherever it is mounted: who is there, how many may be, and how they end. */
export class Streams implements Iterable<OpenStream> {
  readonly #held = new Set<Held>()
  /** How many are taken: until all is let go that a stream has asked for, even if its client has left. */
  #taken = 0
  readonly #takenBy = new Map<string, number>()
  #retryAfter = 5
  #closed: Promise<void> | undefined
  #emptied: (() => void) | undefined
  /** What closing does next. */
  #next: Deadline | undefined;

  *[Symbol.iterator](): Iterator<OpenStream> {
    for (const held of this.#held) if (!held.isEnded) yield held.stream
  }

  get isClosing(): boolean {
    return this.#closed !== undefined
  }

  /** Seconds, some more for each who asks: those who are sent away together are not to come back together. */
  get retryAfter(): number {
    return Math.ceil(this.#retryAfter * (1 + Math.random()))
  }

  /** Why there is no place for one more; who is there is never sent away for who comes. */
  refusal(
    client: string,
    { maxStreams = Infinity, maxStreamsPerClient = Infinity }: Caps,
  ): Refusal | undefined {
    if (this.isClosing) return new Refusal(503, 'The server is closing this stream.')
    if (this.#taken >= maxStreams) return new Refusal(503, 'As many streams are open as may be.')
    return (this.#takenBy.get(client) ?? 0) >= maxStreamsPerClient
      ? new Refusal(429, 'This client has as many streams open as it may.')
      : undefined
  }

  add(held: Held): void {
    this.#held.add(held)
    this.#taken += 1
    if (held.isCounted) this.#takenBy.set(held.client, (this.#takenBy.get(held.client) ?? 0) + 1)
  }

  /** All is let go that it has asked for. */
  release(held: Held): void {
    this.#taken -= 1
    if (!held.isCounted) return
    const { client } = held
    const taken = this.#takenBy.get(client) as number
    if (taken === 1) this.#takenBy.delete(client)
    else this.#takenBy.set(client, taken - 1)
  }

  /** Its response is over. */
  remove(held: Held): void {
    this.#held.delete(held)
    if (this.#held.size === 0) this.#emptied?.()
  }

  /** Ends all, evenly over a time, then cuts what is left; resolves when all are gone. A second call is the first. */
  async close(how: Closing = {}): Promise<void> {
    checkClosing(how)
    if (this.#closed !== undefined) return this.#closed
    const { over = 0, retryAfter = 5 } = how
    this.#retryAfter = retryAfter
    // the clock keeps no process, and who closes wants to go on behind it
    const staying = setInterval(() => {}, 2 ** 31 - 1)
    // known before the first one ends, since whoever is told may look, or close as well
    this.#closed = new Promise((resolve) => {
      this.#emptied = () => {
        clearInterval(staying)
        this.#next?.cancel()
        resolve()
      }
    })
    if (this.#held.size === 0) this.#emptied?.()
    else this.#end([...this.#held], over)
    return this.#closed
  }

  #end(all: readonly Held[], over: number): void {
    const began = clock.now()
    let next = 0
    const step = () => {
      const passed = clock.now() - began
      const share = over === 0 ? 1 : passed / over
      const until = Math.min(all.length, Math.floor(share * all.length) + (share < 1 ? 1 : 0))
      for (; next < until; next++) all[next]?.end({ kind: 'shutdown' })
      if (share >= 1) void this.#cut()
      else this.#wait(Math.min(over - passed, Math.max(beat, over / all.length)), step)
    }
    step()
  }

  /** Cuts those whose clients have not taken what waits; who depends on a middleware has some time. */
  async #cut(): Promise<void> {
    await written()
    for (const held of this.#held) if (!held.isLate) held.cut()
    this.#wait(grace, async () => {
      await written()
      for (const held of this.#held) held.cut()
    })
  }

  #wait(milliseconds: number, then: () => unknown): void {
    if (this.#held.size > 0) this.#next = clock.after(milliseconds, then)
  }
}

/** Waits until what was written has got to the kernel. */
async function written(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
