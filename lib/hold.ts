import { discardList } from './discard.js'
import { misuse } from './errors.js'
import type { Exchange, Outcome } from './exchange.js'
import type { Format } from './formats/format.js'
import { isReading } from './graph/conditional.js'
import { essenceOf, parseMediaType } from './http/media-type.js'
import { type Handlers, Loop } from './loop/loop.js'
import { applyHeaders, finishHead, respondStop, withCharset } from './respond.js'
import type { StopValue } from './values.js'

type Held = Extract<Outcome, { kind: 'loop' }>

/** Holds a response open: the head, then the loop. HEAD gets the head alone, and nobody is subscribed. */
export function hold(x: Exchange, outcome: Held, fail: (error: unknown) => void): void {
  const { format, list, status = 200, headers = {} } = outcome
  const callbacks = handlers(x, list)
  const type = typeOf(x, format)
  const head = () => {
    applyHeaders(x)
    setHead(x, type, headers)
  }
  if (x.req.method === 'HEAD') {
    if (list) discardList(list)
    head()
    x.res.statusCode = status
    return finishHead(x)
  }
  if (x.hasLeft) {
    if (list) discardList(list)
    return
  }
  x.negotiated.streams = format
  const stop = (value: StopValue) => {
    try {
      respondStop(x, value, fail)
    } catch (error) {
      fail(error)
    }
  }
  const loop = new Loop(x, callbacks, { format, type, status, head, stop, fail })
  loop.start()
}

function handlers(x: Exchange, list: Held['list']): Handlers {
  if (list) return { subscribe: () => list }
  const { subscribe } = x.plan.spec
  if (typeof subscribe !== 'function') {
    throw misuse(
      'LARIAT_ANSWER',
      'A callback returned a format, and the spec has no `subscribe` to feed the stream',
    )
  }
  return { ...x.plan.spec, subscribe }
}

/** What every stream says, unless the resource said otherwise; nothing of it can be revalidated or cut. */
function setHead(x: Exchange, type: string, headers: Readonly<Record<string, string>>): void {
  const { res } = x
  for (const name of ['ETag', 'Last-Modified', 'Expires', 'Accept-Ranges', 'Content-Length'])
    res.removeHeader(name)
  res.setHeader('Content-Type', type)
  for (const name in headers) res.setHeader(name, headers[name] as string)
  if (x.negotiated.language !== undefined) res.setHeader('Content-Language', x.negotiated.language)
  if (!res.hasHeader('Cache-Control')) res.setHeader('Cache-Control', 'no-store, no-transform')
  if (!res.hasHeader('X-Accel-Buffering')) res.setHeader('X-Accel-Buffering', 'no')
}

/**
 * The media type of a stream: the one that was negotiated, with the parameters of the format's own (the
 * boundary of a multipart) where they are the same type. That of the format where nothing was negotiated, or
 * where an accept callback chose another.
 */
function typeOf(x: Exchange, format: Format): string {
  const { mediaType, charset } = x.negotiated
  const own = [format.mediaType].flat() as string[]
  if (mediaType === undefined) return own[0] as string
  const same = own.find((each) => essenceOf(each) === essenceOf(mediaType))
  if (!same && !isReading(x)) return own[0] as string
  const type = same && !parseMediaType(mediaType)?.parameters.length ? same : mediaType
  // streams are UTF-8, whatever charset a body would have been in
  return charset === undefined ? type : withCharset(type, 'utf-8')
}
