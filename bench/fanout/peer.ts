import type { RequestListener } from 'node:http'
import type { Tick } from './tick.js'

/** One way to tell many what happened: it holds whoever asks, and tells them all. */
export interface Peer {
  readonly listener: RequestListener
  publish(tick: Tick): void
}

export const head = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}
