// Writes through a response's own `write`, where chunks may not go to the socket directly: in pieces, past middleware.
import type { Response } from 'express'
import { safely } from '../guard.js'
import { takenBytes } from '../http/node.js'
import { isPromise } from '../promise.js'
import { Passage, type Through } from './passage.js'

/** Middleware that compresses adds `flush`. */
export type Streamed = Response & { flush?: () => unknown }

/** Small enough for a slow client to take one within the writeTimeout. */
const pieceBytes = 2 ** 16

export class Plain {
  readonly #res: Streamed
  readonly #through: Through
  /** Where nothing but the end of a write shows that the client reads, a piece follows when the last one is taken. */
  #pieces: Buffer[] = []
  #finish: (() => void) | undefined
  #passage: Passage | undefined

  constructor(res: Streamed, through: Through) {
    this.#res = res
    this.#through = through
  }

  /** Bytes in pieces that are not written yet. */
  get size(): number {
    let size = 0
    for (const each of this.#pieces) size += each.length
    return size
  }

  /** Middleware keeps what is written, and may let go of it at the end of the response. */
  get isShut(): boolean {
    return this.#passage?.isShut === true
  }

  /** Whether middleware has wrapped `write`. */
  get isWrapped(): boolean {
    return Object.hasOwn(this.#res, 'write')
  }

  /** Writes bytes, or adds them to the pieces. Returns whether all is taken. */
  write(bytes: Buffer): boolean {
    const isWaiting = this.#pieces.length > 0
    const isWhole = bytes.length <= pieceBytes || takenBytes(this.#res) !== undefined
    if (!isWaiting && isWhole) return this.#offer(bytes)
    this.#pieces.push(bytes)
    return !isWaiting && this.writePieces()
  }

  /** Writes pieces until one is not taken at once. Returns whether all are. */
  writePieces(): boolean {
    let isTaken = true
    for (let first = this.#pieces[0]; first && isTaken; first = this.#pieces[0]) {
      const piece = first.subarray(0, pieceBytes)
      if (piece.length < first.length) this.#pieces[0] = first.subarray(piece.length)
      else this.#pieces.shift()
      isTaken = this.#offer(piece)
    }
    if (this.#pieces.length > 0) return false
    this.#finish?.()
    return isTaken
  }

  /** Calls once all is written, and says whether a write has failed: what ends a response earlier loses the rest. */
  onceWritten(run: (hasFailed: boolean) => void): void {
    const passage = this.#passage
    const last = passage ? () => passage.whenSettled(run) : () => run(false)
    if (this.#pieces.length === 0) last()
    else this.#finish = last
  }

  cancel(): void {
    this.#passage?.cancel()
  }

  #offer(bytes: Buffer): boolean {
    const said = this.isWrapped ? this.#ensurePassage().write(bytes) : this.#res.write(bytes)
    const flushed: unknown = this.#res.flush?.()
    if (isPromise(flushed))
      safely(
        () => flushed,
        (error) => this.#through.failed(error),
      )
    return this.#hasTaken(said)
  }

  #ensurePassage(): Passage {
    this.#passage ??= new Passage(this.#res, this.#through)
    return this.#passage
  }

  /**
   * Wrapped `write`s lie: some return nothing, some always true. A wrapper that buffers, as `compression()` does, is
   * believed only when it says false, since the drain is its own too.
   */
  #hasTaken(said: unknown): boolean {
    const { writableNeedDrain, writableLength, writableHighWaterMark } = this.#res
    if (said === false || !writableNeedDrain) return said !== false
    return said === true && writableLength <= 4 * writableHighWaterMark
  }
}
