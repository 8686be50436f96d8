// Follows one log for a listener: reads what comes after its cursor, and delivers it in order, each once.
import { clock } from '../clock.js'
import type { Receiver } from '../hub/backend.js'
import { Gap } from '../hub/gap.js'
import type { Entry, Page } from './page.js'
import { idOf, type Keys, type Place } from './place.js'

/**
 * How a follower reads: after its cursor, and, if it was cut off, only what is retained. That is asked at each attempt: it
 * may be cut off while it reads.
 */
export type ReadAfter = (cursor: Place, isRetained: () => boolean) => Promise<Page>

export class Follower {
  readonly #receiver: Receiver
  readonly #read: ReadAfter
  /** The pub/sub channel that tells of news. */
  readonly channel: string
  readonly meta: string
  /** Milliseconds after which it is looked at without news. */
  readonly poll: number
  /** Milliseconds after which it is read without news, so that the store knows that somebody listens. */
  readonly #keep: number
  /** The place up to which all was delivered; none before it has begun. */
  #cursor: Place | undefined
  #hasEnded = false
  #isStopped = false
  /** What it has missed and is not retained any more is lost. */
  #wasCutOff = false
  #reading: Promise<void> | undefined
  #isBehind = false
  /** When the store was asked last, and when it was read last. */
  lookedAt = clock.now()
  #readAt = clock.now()

  constructor(
    receiver: Receiver,
    { channel, meta }: Keys,
    { poll, keep }: { readonly poll: number; readonly keep: number },
    read: ReadAfter,
  ) {
    this.#receiver = receiver
    this.channel = channel
    this.meta = meta
    this.poll = poll
    this.#keep = keep
    this.#read = read
  }

  /** Begins at the latest event there is. There may be others by now. */
  begin({ top, hasEnded }: Page): void {
    if (this.#isStopped) return
    this.#cursor = top
    this.#end(hasEnded)
  }

  /** It was told of news, or found behind, and has not read them. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  stop(): void {
    this.#isStopped = true
  }

  get isActive(): boolean {
    return this.#cursor !== undefined && !this.#isStopped && !this.#hasEnded
  }

  /** How the log looks to it, as the script that looks compares it. */
  get seen(): string {
    const { epoch, number, ms } = this.#cursor as Place
    return `${epoch} ${number} ${ms} `
  }

  /** Whether there is news in a message of the store: the number of the latest event, with `!` for more than an event. */
  isNews(message: string): boolean {
    if (this.#cursor === undefined) return true
    return this.isActive && (message.endsWith('!') || Number(message) > (this.#cursor as Place).number)
  }

  /** Whether the store would forget it. */
  isForgotten(now: number): boolean {
    return now - this.#readAt >= this.#keep
  }

  /** It was cut off, and has missed something: of that it gets what is retained. */
  cutOff(): void {
    this.#wasCutOff = true
  }

  /** Reads what is new. Called while it reads, it reads once more. */
  catchUp(): Promise<void> {
    this.#isBehind = true
    this.#reading ??= this.#run().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #run(): Promise<void> {
    while (this.#isBehind && this.isActive) {
      this.#isBehind = false
      this.#readAt = clock.now()
      let isRetained = false
      const page = await this.#read(this.#cursor as Place, () => {
        isRetained = this.#wasCutOff
        return isRetained
      })
      if (!this.isActive) return
      if (isRetained) this.#wasCutOff = false
      this.#take(page)
      if (this.#cursor && this.#cursor.number < page.top.number) this.#isBehind = true
    }
  }

  #take(page: Page): void {
    const cursor = this.#cursor as Place
    const { gone } = page
    if (gone && gone.epoch === cursor.epoch) {
      // it was dropped, and had ended before
      const lost = gone.number > cursor.number || gone.ms !== cursor.ms
      if (lost) this.#gap(page.outcome, page)
      return this.#end(true)
    }
    if (page.outcome !== 'found') this.#gap(page.outcome, page)
    for (const entry of page.entries) {
      if (this.#isStopped) return
      if (entry.place.number !== (this.#cursor as Place).number + 1)
        this.#hole(entry.place, placeBefore(entry))
      this.#cursor = entry.place
      this.#receiver.event(entry.event)
    }
    const { top } = page
    if (page.entries.length === 0 && (this.#cursor as Place).number < top.number) {
      this.#hole(top, top)
      this.#cursor = top
    }
    this.#end(page.hasEnded && (this.#cursor as Place).number >= top.number)
  }

  #gap(reason: Page['outcome'], { before, top, entries }: Page): void {
    const requested = idOf(this.#cursor as Place)
    const from = entries[0] ? entries[0].place : top
    this.#cursor = before
    this.#receiver.gap(new Gap(requested, idOf(from), reason as Gap['reason'], idOf(before)))
  }

  /** Somebody has removed entries from within the stream. */
  #hole(from: Place, before: Place): void {
    this.#receiver.gap(new Gap(idOf(this.#cursor as Place), idOf(from), 'trimmed', idOf(before)))
  }

  #end(hasEnded: boolean): void {
    if (!hasEnded || this.#hasEnded || this.#isStopped) return
    this.#hasEnded = true
    this.#receiver.end()
  }
}

/** The place before an entry whose predecessor is not there. */
export function placeBefore({ place }: Entry): Place {
  return { ...place, number: place.number - 1 }
}
