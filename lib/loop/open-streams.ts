// Lists the open streams of one endpoint, and decides whether there is room for one more.
import { clock } from '../clock.js'
import type { Owner } from '../declare/plan.js'
import { Refusal } from '../errors.js'
import { type Entry, ledger, strike } from '../ledger.js'
import { started } from '../values/diagnostics.js'
import type { OpenStream } from '../values/open-stream.js'
import { type Closing, checkClosing, type Holding, Shutdown } from './shutdown.js'

interface Caps {
  readonly maxStreams?: number | undefined
  readonly maxStreamsPerClient?: number | undefined
}

export class OpenStreams implements Iterable<OpenStream>, Owner {
  /** Whose streams they are. */
  endpoint: object = this
  readonly isHidden: boolean
  readonly #open = new Set<Holding>()
  /** Streams counted against the caps. A stream counts until it is unsubscribed, possibly after its client has left. */
  #taken = 0
  readonly #takenBy = new Map<string, number>()
  #shutdown: Shutdown | undefined
  /**
   * Learned from an earlier stream: this endpoint writes before it returns its channel, in a format without gap
   * notices, so the heads of resuming clients wait for the channel.
   */
  headsWait = false

  constructor(isHidden = false) {
    this.isHidden = isHidden
  }

  *[Symbol.iterator](): Iterator<OpenStream> {
    for (const each of this.#open) if (!each.reason) yield each.stream
  }

  get isClosing(): boolean {
    return this.#shutdown !== undefined
  }

  /** Seconds, with jitter: clients that are refused together must not reconnect together. */
  get retryAfter(): number {
    return Math.ceil((this.#shutdown?.retryAfter ?? 5) * (1 + Math.random()))
  }

  /** The refusal of one more stream, if there is no room. Existing streams are never closed to admit new ones. */
  refusal(
    client: string,
    { maxStreams = Infinity, maxStreamsPerClient = Infinity }: Caps,
  ): Refusal | undefined {
    if (this.isClosing) return this.refusalAtClose()
    if (this.#taken >= maxStreams)
      return this.#refuse(503, 'The limit of open streams is reached.', 'maxStreams')
    return (this.#takenBy.get(client) ?? 0) >= maxStreamsPerClient
      ? this.#refuse(429, 'This client has reached its limit of open streams.', 'maxStreamsPerClient')
      : undefined
  }

  /** The refusal of any request while the endpoint closes. */
  refusalAtClose(): Refusal {
    return this.#refuse(503, 'The server is closing this resource.', 'closing')
  }

  #refuse(status: number, detail: string, question: string): Refusal {
    return new Refusal(status, detail, { retryAfter: this.retryAfter, question })
  }

  add(stream: Holding, { maxStreamsPerClient }: Caps): void {
    this.#open.add(stream)
    this.#taken += 1
    ledger.entries?.set(stream, entryOf(stream))
    started(stream)
    if (maxStreamsPerClient === undefined) return
    const { client } = stream.stream
    this.#takenBy.set(client, (this.#takenBy.get(client) ?? 0) + 1)
  }

  /** The stream is unsubscribed: it no longer counts against the caps. */
  freePlace(stream: Holding, { maxStreamsPerClient }: Caps): void {
    this.#taken -= 1
    strike(stream, 'isUnsubscribed')
    if (maxStreamsPerClient === undefined) return
    const { client } = stream.stream
    const taken = this.#takenBy.get(client) as number
    if (taken === 1) this.#takenBy.delete(client)
    else this.#takenBy.set(client, taken - 1)
  }

  /** The response of the stream has closed. */
  remove(stream: Holding): void {
    this.#open.delete(stream)
    strike(stream, 'isClosed')
    if (this.#open.size === 0) this.#shutdown?.emptied()
  }

  /** Ends all streams; resolves when all have closed. A second call waits for the first. */
  async close(how: Closing = {}): Promise<void> {
    checkClosing(how)
    if (!this.#shutdown) {
      // set before the first stream ends: a callback may read it, or call close() too
      this.#shutdown = new Shutdown(this.#open, how)
      this.#shutdown.begin()
    }
    return this.#shutdown.done
  }
}

function entryOf(holding: Holding): Entry {
  const { stream, outlet } = holding
  const { req } = outlet.res
  return {
    kind: 'stream',
    path: `${req.method} ${stream.path}`,
    details: `route ${stream.route}, ${stream.format}`,
    since: clock.now(),
    ports: [req.socket.localPort, req.socket.remotePort],
    end: () => stream.close(),
  }
}
