import type { Program } from '../support/installed.js'
import { Watch } from './watch.js'

/** An event as a client tells of it. */
export interface Got {
  readonly id: string
  readonly type: string
  readonly data: string
}

/** A client that follows an event stream, and comes back when it breaks. */
export interface Listener {
  readonly name: string
  readonly needs?: Program
  listen(url: string, options?: ListenOptions): Listening
}

export interface ListenOptions {
  /** The type of the event upon which it closes itself. */
  readonly closesOn?: string
  /** To another origin it sends cookies, too. */
  readonly withCredentials?: boolean
  /** What it listens for, if not for `types`. */
  readonly types?: readonly string[]
}

/** The types of event that are listened for: an EventSource has to name them. */
export const types = ['message', 'note', 'gap', 'end', 'failed'] as const

/** A stream that is followed. */
export class Listening extends Watch {
  /** All that has come. */
  readonly got: Got[] = []
  /** Times that a stream has begun, and that one was lost. */
  opened = 0
  lost = 0
  /** It has been refused for good, or has closed itself. */
  isClosed = false
  readonly #close: () => unknown
  #told = 0

  constructor(close: () => unknown) {
    super()
    this.#close = close
    open.add(this)
  }

  /** The next event that this has not returned yet. */
  async next(): Promise<Got> {
    await this.when(
      () => this.got.length > this.#told,
      () => 'no event any more',
    )
    return this.got[this.#told++]!
  }

  async opens(times: number): Promise<void> {
    await this.when(
      () => this.opened >= times,
      () => `opened ${this.opened} times`,
    )
  }

  /** Waits until it has lost its stream so many times, and has to come back. */
  async loses(times: number): Promise<void> {
    await this.when(
      () => this.lost >= times,
      () => `lost ${this.lost} times`,
    )
  }

  async closed(): Promise<void> {
    await this.when(
      () => this.isClosed,
      () => 'not closed',
    )
  }

  close(): void {
    open.delete(this)
    this.#close()
  }

  // ---- for the client to tell

  begins(): void {
    this.opened += 1
    this.look()
  }

  takes(event: Got): void {
    this.got.push(event)
    this.look()
  }

  fails({ isClosed }: { isClosed: boolean }): void {
    if (isClosed) this.isClosed = true
    else this.lost += 1
    this.look()
  }
}

const open = new Set<Listening>()

/** No test leaves a client behind. */
export function closeAll(): void {
  for (const each of open) each.close()
}
