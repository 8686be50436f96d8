// What GET and HEAD answer: what there is from an offset on, at once, by a long-poll, or live.
import { type Context, event, format, sse, stop } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { type Asked, cursorOf, offsetOf } from './headers.js'
import type { Page, Stream } from './stream.js'

const patience = Number(process.env.LONG_POLL || 20_000)

/** Clients come back by offsets, and not by ids. Some read no space behind a colon, as the protocol's examples have none. */
const { encode } = sse()
export const live = format({
  mediaType: 'text/event-stream',
  open: ':\n',
  heartbeat: ':\n',
  encode: (deed) => String(encode(deed)).replace(/^data: (?! )/gm, 'data:'),
})

/** A request, and what it reads. */
export interface State {
  stream: Stream
  asked: Asked
  from: number
  page: Page
}

/** Answers with what there is from an offset on; a long-poll waits for it. */
export async function read({ req, res, state, signal }: Context<State>) {
  const { stream, asked, from } = state
  if (asked.live && state.page.end === from && !stream.isClosed) {
    await stream.next(from, patience, signal)
    await stream.refresh()
    state.page = await stream.read(from)
  }
  const { chunks, end } = state.page
  res.set({ ...stream.headers(end), 'Cache-Control': 'no-store' })
  if (req.method === 'HEAD') return res.set(stream.times()) && ''
  if (asked.live) res.set('Stream-Cursor', cursorOf(asked.cursor))
  if (end === stream.tail) res.set('Stream-Up-To-Date', 'true')
  if (asked.live && end === from) return stop(204)
  return stream.isJson ? chunks.flat() : Buffer.concat(chunks as Buffer[])
}

/** Tells a client that reads live where it is. */
export function control({ stream, asked, from }: State) {
  const more =
    stream.isClosed && from >= stream.tail ? { streamClosed: true } : { streamCursor: cursorOf(asked.cursor) }
  const upToDate = from >= stream.tail || undefined
  return event({ streamNextOffset: offsetOf(from), ...more, upToDate }, { type: 'control' })
}
