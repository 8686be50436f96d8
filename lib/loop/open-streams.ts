// The open streams of one endpoint, wherever it is mounted: which there are, and how many there may be.
import { Refusal } from '../errors.js'
import type { OpenStream } from '../values/open-stream.js'
import { type Closing, checkClosing, type Holding, Shutdown } from './shutdown.js'

interface Caps {
  readonly maxStreams?: number | undefined
  readonly maxStreamsPerClient?: number | undefined
}

export class OpenStreams implements Iterable<OpenStream> {
  readonly #open = new Set<Holding>()
  /** Places taken: a stream gives its own back when it is unsubscribed, which may be after its client has left. */
  #taken = 0
  readonly #takenBy = new Map<string, number>()
  #shutdown: Shutdown | undefined
  /**
   * The `subscribe` of this endpoint has written before it returned its channel, in a format that cannot tell gaps: the
   * heads of clients that come back wait for it.
   */
  headsWait = false;

  *[Symbol.iterator](): Iterator<OpenStream> {
    for (const each of this.#open) if (!each.reason) yield each.stream
  }

  get isClosing(): boolean {
    return this.#shutdown !== undefined
  }

  /** Seconds, some more for each: clients that are sent away together must not come back together. */
  get retryAfter(): number {
    return Math.ceil((this.#shutdown?.retryAfter ?? 5) * (1 + Math.random()))
  }

  /** Why there is no place for one more. Existing streams are never closed to admit new ones. */
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

  add(stream: Holding, { maxStreamsPerClient }: Caps): void {
    this.#open.add(stream)
    this.#taken += 1
    if (maxStreamsPerClient === undefined) return
    this.#takenBy.set(stream.client, (this.#takenBy.get(stream.client) ?? 0) + 1)
  }

  /** The stream is unsubscribed: its place is free. */
  release(stream: Holding, { maxStreamsPerClient }: Caps): void {
    this.#taken -= 1
    if (maxStreamsPerClient === undefined) return
    const { client } = stream
    const taken = this.#takenBy.get(client) as number
    if (taken === 1) this.#takenBy.delete(client)
    else this.#takenBy.set(client, taken - 1)
  }

  /** The response of the stream is over. */
  remove(stream: Holding): void {
    this.#open.delete(stream)
    if (this.#open.size === 0) this.#shutdown?.emptied()
  }

  /** Ends all streams; resolves when all are gone. A second call is the first. */
  async close(how: Closing = {}): Promise<void> {
    checkClosing(how)
    if (!this.#shutdown) {
      // known before the first stream ends: a callback may look, or close as well
      this.#shutdown = new Shutdown(this.#open, how)
      this.#shutdown.begin()
    }
    return this.#shutdown.done
  }
}
