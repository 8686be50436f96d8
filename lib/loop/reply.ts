import type { AnySpec } from '../declare/spec.js'
import type { Format } from '../formats/format.js'
import type { Exchange } from '../request/exchange.js'
import { type Scope, scopeOfNow } from '../scope.js'
import type { StopValue } from '../values/stop.js'
import type { Recheck } from './lease.js'

/** What a loop does with messages: the spec's own callbacks, or those of a list. */
export type Handlers = Pick<AnySpec, 'info' | 'terminate' | 'timeout' | 'onGap'> &
  Required<Pick<AnySpec, 'subscribe'>>

/** How a loop meets its request: the head, and the answers that are given in its place. */
export interface Reply {
  readonly format: Format
  readonly type: string
  readonly status: number
  /** Undefined where nobody has asked for it. */
  readonly client: string | undefined
  /** Asks again whether the client may have the stream. */
  readonly recheck: Recheck | undefined
  /** Puts the headers onto the response. */
  head(): void
  /** Answers with what `subscribe` has stopped with. */
  stop(stop: StopValue): void
  /** Answers with an error, which may be a refusal. */
  fail(error: unknown): void
}

/** Some of it is called while the response is held, and gets the context. */
export function callsBack({ info, terminate, onGap }: Handlers): boolean {
  return (info ?? terminate ?? onGap) !== undefined
}

/** The scope of a request that is held, where it is known from the start that something is called in it. */
export function scopeFor({ plan, isObserved }: Exchange, handlers: Handlers): Scope | undefined {
  const isAskedAgain = plan.stream.reauthorize !== undefined && isObserved
  return callsBack(handlers) || isAskedAgain ? scopeOfNow() : undefined
}
