// Lists the outcomes of a request's decisions: a status, a `stop()`, a loop, or `left`.
import type { Format } from '../formats/format.js'
import type { Fields } from '../http/field.js'
import type { OnceValue } from '../values/once.js'
import type { StopValue } from '../values/stop.js'

/** The result of a request's decisions. `respond.ts` and `loop/` act on it. */
export type Outcome =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'stop'; readonly stop: StopValue }
  | Held
  /** A callback has answered on its own, or the client has left. */
  | { readonly kind: 'left' }

/** An outcome that holds the response open. */
export interface Held {
  readonly kind: 'loop'
  readonly status: number
  readonly format: Format
  /** The list to stream. Without it, `subscribe` feeds the stream. */
  readonly list?: OnceValue['list']
  readonly headers?: Fields
  /** An accept callback has chosen the format, which need not be the negotiated media type. */
  readonly isAccepted?: boolean
}

/** Receives the error of a request that has no outcome, or whose answer cannot be sent. */
export type Fail = (error: unknown) => void

/** The answer to a question: yes, no, or an outcome that ends the request there. */
export type Answer = boolean | Outcome
