// What PUT and POST do to a stream, and when they are refused.
import type { Request } from 'express'
import { type Stop, stop } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { closes, configOf, endOf, producerOf, Refusal, typeOf } from './headers.js'
import type { Config, Deed, Producer, Stream } from './stream.js'
import type { Streams } from './streams.js'

/** Makes a stream, empty, with a body, or as a fork of another. */
export async function make(streams: Streams, stream: Stream, req: Request, body: Buffer): Promise<Stop> {
  const wanted = configOf(req)
  if (stream.config && !stream.isGone) {
    if (!isMadeWith(stream, wanted, closes(req)))
      throw new Refusal(409, 'There is another stream of this name')
    return stop(200, { headers: { ...stream.headers(), 'Content-Type': stream.config.type } })
  }
  if (stream.config) throw new Refusal(409, 'There are forks of a stream of this name')
  const config = { type: 'application/octet-stream', ...wanted }
  const inherited = wanted.fork ? await inherit(streams, wanted, config) : []
  const own = body.length > 0 ? contentOf(config.type, body) : undefined
  const source = wanted.fork && (await streams.open(wanted.fork.from))
  await source?.add({ fork: { name: stream.name, lives: true } })
  if ((await stream.add({ config })) === undefined) throw new Refusal(409, 'Another one was made meanwhile')
  for (const deed of inherited) await stream.add(deed)
  if (own) await stream.add(own)
  if (closes(req)) await stream.add({ closes: true })
  const location = `${req.protocol}://${req.get('host')}${req.originalUrl.split('?')[0]}`
  return stop(201, { headers: { ...stream.headers(), 'Content-Type': config.type, Location: location } })
}

/** Whether a stream is as it would be made. */
function isMadeWith({ config, isClosed }: Stream, wanted: Partial<Config>, isToBeClosed: boolean): boolean {
  const { type, ttl, expiresAt, fork } = config as Config
  const isFork = wanted.fork !== undefined
  const sameTime = (one = '', other = '') => one === other || Date.parse(one) === Date.parse(other)
  return (
    (wanted.type ?? (isFork ? type : 'application/octet-stream')) === type &&
    ((isFork && wanted.ttl === undefined && wanted.expiresAt === undefined) ||
      (wanted.ttl === ttl && sameTime(wanted.expiresAt, expiresAt))) &&
    wanted.fork?.from === fork?.from &&
    wanted.fork?.offset === fork?.offset &&
    wanted.fork?.sub === fork?.sub &&
    isToBeClosed === isClosed
  )
}

/** What a fork begins with: it is copied. */
async function inherit(
  streams: Streams,
  wanted: Partial<Config>,
  config: Config,
): Promise<Omit<Deed, 'at'>[]> {
  const { from, offset, sub } = wanted.fork as NonNullable<Config['fork']>
  const source = await streams.open(from)
  if (!source.config) throw new Refusal(404, 'Stream-Forked-From: there is no such stream')
  if (source.isGone) throw new Refusal(409, 'Stream-Forked-From: it was deleted')
  const { type, ttl, expiresAt } = source.config
  if (wanted.type !== undefined && wanted.type !== type) throw new Refusal(409, `The source is ${type}`)
  config.type = type
  if (wanted.ttl === undefined && wanted.expiresAt === undefined) {
    if (ttl !== undefined) config.ttl = ttl
    if (expiresAt !== undefined) config.expiresAt = expiresAt
  }
  const start = offset === undefined ? source.tail : offset === '-1' ? 0 : (endOf(offset) as number)
  const limit = start + sub
  if (start > source.tail || limit > (sub > 0 ? source.endAfter(start) : start))
    throw new Refusal(400, 'Stream-Fork-Offset: the source is shorter')
  const copied: Omit<Deed, 'at'>[] = []
  for (let end = 0; end < limit; ) {
    const page = await source.read(end, limit)
    for (const chunk of page.chunks) {
      end += chunk.length
      copied.push(Buffer.isBuffer(chunk) ? bytesOf(chunk) : { values: chunk })
    }
  }
  return copied
}

const bytesOf = (chunk: Buffer) => ({ bytes: chunk.toString('base64') })

/** What a body holds: messages, or bytes; undefined for no messages. */
function contentOf(type: string, body: Buffer): Pick<Deed, 'values' | 'bytes'> | undefined {
  if (type.split(';')[0] !== 'application/json') return bytesOf(body)
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    throw new Refusal(400, 'The body is not JSON')
  }
  const values = Array.isArray(value) ? value : [value]
  return values.length > 0 ? { values } : undefined
}

/** Appends to a stream, or closes it, or both at once. */
export async function append(stream: Stream, req: Request, body: Buffer): Promise<Stop> {
  const [producer, isClosing, seq] = [producerOf(req), closes(req), req.get('stream-seq')]
  const { type } = stream.config as Config
  if (body.length === 0 && !isClosing) throw new Refusal(400, 'Expected a body, or Stream-Closed: true')
  if (body.length > 0) {
    const given = typeOf(req)
    if (!given) throw new Refusal(400, `Content-Type: expected ${type}`)
    if (given.split(';')[0]?.trim() !== type.split(';')[0]?.trim())
      throw new Refusal(409, `The stream is ${type}`)
  }
  const isNew = !producer || isNext(stream, producer)
  const echoed = () => {
    const known = producer && stream.producers.get(producer.id)
    return known ? { 'Producer-Epoch': String(known.epoch), 'Producer-Seq': String(known.seq) } : {}
  }
  if (isNew && stream.isClosed && (producer || body.length > 0))
    throw new Refusal(409, 'The stream is closed', stream.headers())
  let end: number | undefined = stream.tail
  if (isNew && !stream.isClosed) {
    const content = body.length > 0 ? contentOf(type, body) : {}
    if (!content) throw new Refusal(400, 'Expected a message')
    if (seq !== undefined && seq <= stream.seq)
      throw new Refusal(409, `Stream-Seq: expected more than ${stream.seq}`, stream.headers())
    end = await stream.add({
      ...content,
      ...(producer && { producer }),
      ...(seq !== undefined && { seq }),
      ...(isClosing && { closes: true }),
    })
    if (end === undefined) throw new Refusal(409, 'Another append was faster', stream.headers())
  }
  const status = producer && isNew && body.length > 0 ? 200 : 204
  return stop(status, { headers: { ...stream.headers(end), ...echoed() } })
}

/** Whether a producer's append is its next one; false if it was appended before. */
function isNext(stream: Stream, { id, epoch, seq }: Producer): boolean {
  const known = stream.producers.get(id)
  if (known && epoch < known.epoch)
    throw new Refusal(403, 'There is a later epoch', { 'Producer-Epoch': String(known.epoch) })
  if (known && epoch > known.epoch && seq !== 0)
    throw new Refusal(400, 'An epoch begins with Producer-Seq: 0')
  const expected = known?.epoch === epoch ? known.seq + 1 : 0
  if (seq < expected) return false
  if (seq === expected) return true
  throw new Refusal(409, `Producer-Seq: expected ${expected}`, {
    'Producer-Expected-Seq': String(expected),
    'Producer-Received-Seq': String(seq),
  })
}
