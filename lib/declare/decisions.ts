// The decisions of a request, as whoever listens to them gets them.

/** A question of the decision graph, and what it was answered. */
export interface Decision {
  question: string
  /** Yes or no; or what the request came to there and then, where the question ended it. */
  answer: boolean | 'stop' | 'loop' | 'left' | 'error'
  /** What the callback answered, or the negotiation chose. Absent where the spec has no such callback. */
  value?: unknown
  /** Milliseconds since the question before. */
  ms: number
}

/** The decisions of a request: every question that it was asked, in order, and what came of it. */
export interface Decisions {
  method: string
  /** The path with its query: what is secret in it is secret here. */
  url: string
  steps: Decision[]
  outcome:
    | { readonly kind: 'status' | 'stop'; readonly status: number }
    | { readonly kind: 'loop'; readonly status: number; readonly mediaType: string }
    | { readonly kind: 'error'; readonly error: unknown }
    /** A callback has answered on its own, or the client has gone. */
    | { readonly kind: 'left' }
}

/**
 * Listens to the decisions of each request, before they are acted on. `true` names the questions that were asked in
 * a `Decision-Trace` response header, but never with `NODE_ENV=production`.
 */
export type Trace = true | ((decisions: Decisions) => void)
