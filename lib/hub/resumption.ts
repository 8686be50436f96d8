// Tells the diagnostics channels how clients come to their places in a feed, and where they lose them.
import { clock } from '../clock.js'
import { channels } from '../diagnostics.js'
import { type Awaitable, isPromise } from '../promise.js'
import { resumed, type Streaming, type StreamResumed } from '../values/diagnostics.js'
import { earliest, type Gap } from './gap.js'
import type { Beginning } from './start.js'

/** Looks for the place of a client, and tells how many milliseconds that took, while somebody listens. */
export function timed<T>(look: () => Awaitable<T>, tell: (ms: number) => void): Awaitable<T> {
  if (!channels.resume.hasSubscribers) return look()
  const since = clock.now()
  const looked = look()
  const told = (result: T) => {
    tell(clock.now() - since)
    return result
  }
  return isPromise(looked) ? looked.then(told) : told(looked)
}

interface Found extends Pick<StreamResumed, 'requested' | 'snapshot' | 'ms'> {
  /** Where reading began; undefined if nothing was read. */
  readonly start: Beginning | undefined
  readonly gaps: readonly Gap[]
}

/** The place of a client is known: one message; or one for each gap. */
export function found(client: Partial<Streaming>, { start, gaps, ...how }: Found): void {
  const isMidStream = false
  for (const { reason: outcome, channel } of gaps) resumed(client, { ...how, outcome, channel, isMidStream })
  if (gaps.length > 0) return
  const outcome = start === undefined ? 'live' : start === earliest ? 'earliest' : 'found'
  resumed(client, { ...how, outcome, channel: undefined, isMidStream })
}

const newcomer = { requested: undefined, start: undefined, gaps: [], snapshot: false, ms: 0 }

/** A client without an id follows a feed at once. */
export function joined(client: Partial<Streaming>): void {
  if (channels.resume.hasSubscribers) found(client, newcomer)
}

/**
 * Events of an open stream are lost.
 *
 * @param since when a snapshot was asked for in their place, by the clock; undefined if the client is told of a gap
 */
export function lost(client: Partial<Streaming>, { requested, reason, channel }: Gap, since?: number): void {
  const ms = since === undefined ? 0 : clock.now() - since
  const snapshot = since !== undefined
  resumed(client, { requested, outcome: reason, channel, snapshot, isMidStream: true, ms })
}
