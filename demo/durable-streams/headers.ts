// Reads what requests say, by the Durable Streams Protocol: offsets, times, producers, cursors.
import type { Request } from 'express'
import { type Stop, type StopAnswer, stop } from '../../lib/index.js' // elsewhere: 'express-lariat'
import type { Config, Producer } from './stream.js'

/** An answer that is thrown: what is asked is refused. */
export class Refusal extends Error {
  readonly stop: Stop

  constructor(status: number, detail: string, headers: NonNullable<StopAnswer['headers']> = {}) {
    super(detail)
    this.stop = stop(status, { detail, headers })
  }
}

/** Answers as a function does, or as it refuses. */
export async function answered<Answer>(answer: () => Promise<Answer>): Promise<Answer | Stop> {
  try {
    return await answer()
  } catch (error) {
    if (error instanceof Refusal) return error.stop
    throw error
  }
}

/** Offsets are sorted as text, as the protocol wants it. */
export const offsetOf = (end: number) => `${'0'.repeat(16)}_${String(end).padStart(16, '0')}`

/** How much there is before an offset; undefined for what is no offset. */
export function endOf(offset: string): number | undefined {
  const [, end] = /^\d{16}_(\d{16})$/.exec(offset) ?? []
  return end === undefined ? undefined : Number(end)
}

/** What a GET asks for. */
export interface Asked {
  /** How much there is before the place from which is read: Infinity for the end, NaN if it is malformed. */
  from: number
  isNow: boolean
  live: string | null
  cursor: string | null
}

export function askedOf(req: Request): Asked {
  const query = new URL(req.originalUrl, 'http://localhost').searchParams
  const [offset = '-1', ...more] = query.getAll('offset')
  const [live, cursor, isNow] = [query.get('live'), query.get('cursor'), offset === 'now']
  const isKnown = live === null || ((live === 'long-poll' || live === 'sse') && query.has('offset'))
  const from = isNow ? Number.POSITIVE_INFINITY : offset === '-1' ? 0 : endOf(offset)
  return { from: isKnown && more.length === 0 ? (from ?? Number.NaN) : Number.NaN, isNow, live, cursor }
}

/** Tells caches one wait from the next: it grows with time, and is never one that the client has brought. */
export function cursorOf(brought: string | null): string {
  const interval = Math.floor((Date.now() - Date.UTC(2024, 9, 9)) / 20_000)
  const known = Number(brought)
  return String(known >= interval ? known + 1 + Math.floor(Math.random() * 180) : interval)
}

/** A media type as it is compared; undefined without one. */
export function typeOf(req: Request): string | undefined {
  const type = req.get('content-type')?.trim().toLowerCase()
  if (type && !/^[\w.+-]+\/[\w.+-]+\s*(;.*)?$/.test(type))
    throw new Refusal(400, 'Content-Type: expected a media type')
  return type || undefined
}

export const closes = (req: Request) => req.get('stream-closed')?.toLowerCase() === 'true'

/** What a stream is to be made with. */
export function configOf(req: Request): Partial<Config> {
  const [ttl, expiresAt, type] = [req.get('stream-ttl'), req.get('stream-expires-at'), typeOf(req)]
  if (ttl !== undefined && expiresAt !== undefined)
    throw new Refusal(400, 'Stream-TTL, Stream-Expires-At: expected one of both')
  if (ttl !== undefined && !/^(0|[1-9]\d{0,14})$/.test(ttl))
    throw new Refusal(400, 'Stream-TTL: expected seconds')
  if (expiresAt !== undefined && !/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/i.test(expiresAt))
    throw new Refusal(400, 'Stream-Expires-At: expected a time of RFC 3339')
  if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt)))
    throw new Refusal(400, 'Stream-Expires-At: expected a time')
  const fork = forkOf(req)
  return {
    ...(type && { type }),
    ...(ttl !== undefined && { ttl: Number(ttl) }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(fork && { fork }),
  }
}

function forkOf(req: Request): Config['fork'] {
  const [from, offset] = [req.get('stream-forked-from'), req.get('stream-fork-offset')]
  const sub = req.get('stream-fork-sub-offset')
  if (from === undefined) {
    if (offset !== undefined || sub !== undefined)
      throw new Refusal(400, 'Stream-Forked-From: expected a stream')
    return undefined
  }
  if (offset !== undefined && offset !== '-1' && endOf(offset) === undefined)
    throw new Refusal(400, 'Stream-Fork-Offset: expected an offset')
  if (sub !== undefined && !/^(0|[1-9]\d{0,14})$/.test(sub))
    throw new Refusal(400, 'Stream-Fork-Sub-Offset: expected a whole number')
  return { from, ...(offset !== undefined && { offset }), sub: Number(sub ?? 0) }
}

/** The producer of an append, if it names one. */
export function producerOf(req: Request): Producer | undefined {
  const [id, epoch, seq] = ['producer-id', 'producer-epoch', 'producer-seq'].map((name) => req.get(name))
  if (id === undefined && epoch === undefined && seq === undefined) return undefined
  const isWhole = (text = '') => /^\d+$/.test(text) && Number.isSafeInteger(Number(text))
  if (!id || !isWhole(epoch) || !isWhole(seq))
    throw new Refusal(400, 'Producer-Id, Producer-Epoch, Producer-Seq: expected a name and two whole numbers')
  return { id, epoch: Number(epoch), seq: Number(seq) }
}
