// Decides how each reason ends a response: complete, cut, or with another answer in place of the stream; and lets go of
// what it has, in order.
import type { ResolvedOptions } from '../declare/options.js'
import { type Code, LariatError, Refusal, report } from '../errors.js'
import { safely } from '../guard.js'
import type { Gap } from '../hub/gap.js'
import { discard } from '../request/discard.js'
import { ended, type Streaming } from '../values/diagnostics.js'
import type { Reason } from '../values/open-stream.js'
import { type StopValue, stop } from '../values/stop.js'
import type { Outlet } from '../wire/outlet.js'

/** Answers in place of a stream. */
interface Instead {
  stop(stop: StopValue): void
  fail(error: unknown): void
}

/**
 * How a stream ends on the wire. `complete`: with the tail of its format. The others are cut: `failed` after all that
 * was written, and with a notice if `errorEvent` is set, which may do; `interrupted` after all that was written; `dropped` at once.
 */
export type Manner = 'complete' | 'failed' | 'interrupted' | 'dropped'

/** Each kind of reason: whether its stream is over for good, and how it ends. */
const kinds: Readonly<Record<Reason['kind'], { readonly isOver?: true; readonly manner: Manner | 'auto' }>> =
  {
    stop: { manner: 'complete', isOver: true },
    end: { manner: 'complete', isOver: true },
    down: { manner: 'complete' },
    expired: { manner: 'auto' },
    revoked: { manner: 'auto' },
    shutdown: { manner: 'auto' },
    disconnect: { manner: 'dropped' },
    overflow: { manner: 'dropped' },
    error: { manner: 'failed' },
  }

/** @param partial what has not reached its end: the source that the stream pulls from, or a snapshot */
export function mannerOf(
  { kind, error }: Reason,
  { interrupted }: ResolvedOptions,
  partial: 'source' | 'snapshot' | undefined,
): Manner {
  // a target that died in peace left no error; half a snapshot must not look whole
  if (kind === 'down' && error !== undefined) return 'failed'
  if (kind === 'down' && partial === 'snapshot') return 'interrupted'
  const { manner } = kinds[kind]
  if (manner !== 'auto') return manner
  const isCut = interrupted === 'auto' ? partial !== undefined : interrupted === 'cut'
  return isCut ? 'interrupted' : 'complete'
}

/** The reason for a death: with an error if it was a failure. */
export function downOf(error: unknown): Reason {
  return error === undefined ? { kind: 'down' } : { kind: 'down', error }
}

/** The reason for a `subscribe` that failed, or whose feed is down. */
export function unanswered(error: unknown): Reason {
  const isDown = error instanceof LariatError && error.code === 'LARIAT_DOWN'
  return { kind: isDown ? 'down' : 'error', error }
}

/** The answer to a client that has all of a feed that has ended: EventSource does not come back. */
export const noContent = stop(204) as StopValue

/** The reason for a client that has lost events, and cannot be told so in its format. */
export function lost({ requested }: Pick<Gap, 'requested'>): Reason {
  return { kind: 'error', error: new LariatError('LARIAT_GAP', `Events were lost after ${requested}`) }
}

/** Reports the failure of a stream that no `terminate` is told of. */
export function reportCut({ path }: Outlet, { kind, error }: Reason): void {
  if (kind === 'error') report(`${path} was cut`, error)
}

/** What a held response has, and lets go of at its end. */
export interface Parts {
  readonly streaming: Streaming
  readonly outlet: Outlet
  readonly subscription: { flush(): void; leave(): void } | undefined
  readonly actor: { stop(): void } | undefined
  readonly lease: { cancel(): void } | undefined
  readonly head: Instead | undefined
  readonly x: { abort(): void } | undefined
}

/** Writes what was published before the end. */
export function flush(parts: Pick<Parts, 'outlet' | 'subscription'>): void {
  attempt('the write before the end', parts, () => parts.subscription?.flush())
}

/** Ends the response, then lets go of all that served it. A step that fails does not skip the next one. */
export function release(parts: Parts, reason: Reason, manner: Manner, stop: StopValue | undefined): void {
  const { streaming, outlet, actor, lease, subscription, head, x } = parts
  actor?.stop()
  lease?.cancel()
  attempt('the end', parts, () => endResponse(outlet, head, reason, manner, stop))
  attempt('leaving a channel', parts, () => subscription?.leave())
  ended(streaming, reason, head === undefined)
  x?.abort()
}

function attempt(name: string, { outlet }: Pick<Parts, 'outlet'>, run: () => unknown): void {
  safely(run, (error) => report(`${name} of ${outlet.path} failed`, error))
}

/** Ends a response: ends the stream if the head is out, else answers in its place. */
function endResponse(
  outlet: Outlet,
  head: Instead | undefined,
  reason: Reason,
  manner: Manner,
  stop?: StopValue,
): void {
  const { kind } = reason
  const isHeadOut = outlet.phase !== 'waiting'
  // a callback answered through `res`
  const isAnswered = kind === 'stop' && !isHeadOut && outlet.res.headersSent
  if (stop && (isHeadOut || isAnswered || kind === 'disconnect')) discard(stop)
  if (kind === 'disconnect' || isAnswered) return outlet.release()
  if (isHeadOut) return endStream(outlet, reason, manner)
  outlet.release()
  if (stop) head?.stop(stop)
  else head?.fail(kind === 'error' ? reason.error : unavailable(kind))
}

/** An end that fails half-way is a cut: nothing else would ever end the response. */
function endStream(outlet: Outlet, reason: Reason, manner: Manner): void {
  const { kind } = reason
  try {
    if (manner === 'complete') outlet.complete(kinds[kind].isOver ? 'end' : 'reconnect', kind)
    else if (manner !== 'dropped') outlet.break(manner === 'failed' ? reason : undefined)
  } catch (error) {
    outlet.cut()
    throw error
  }
  if (manner === 'dropped') outlet.cut()
}

const codes: Partial<Record<Reason['kind'], Code>> = { down: 'LARIAT_DOWN', overflow: 'LARIAT_OVERFLOW' }

function unavailable(kind: Reason['kind']): Refusal {
  return new Refusal(503, 'The stream is not available.', { code: codes[kind] })
}
