// Defines the types of a request's decisions, as a trace gets them.

/** A question of the decision graph, and its answer. */
export interface Decision {
  question: string
  /** Yes or no; or the outcome of the request, if the question ended it. */
  answer: boolean | 'stop' | 'loop' | 'left' | 'error'
  /** The answer of the callback, or the choice of the negotiation. Absent if the spec has no such callback. */
  value?: unknown
  /** Milliseconds since the previous question. */
  ms: number
}

/** The decisions of a request: every question that was asked, in order, and the outcome. */
export interface Decisions {
  method: string
  /** The path with its query, which may hold secrets: take care where you log it. */
  url: string
  /** The key of its table, or the pattern of the mount, such as `/books/:isbn`: a label with few values. */
  route: string
  steps: Decision[]
  outcome:
    | { readonly kind: 'status' | 'stop'; readonly status: number }
    | { readonly kind: 'loop'; readonly status: number; readonly mediaType: string }
    | { readonly kind: 'error'; readonly error: unknown }
    /** A callback has answered on its own, or the client has left. */
    | { readonly kind: 'left' }
}

/**
 * Listens to the decisions of each request, before they are acted on. `true` lists the questions in a
 * `Decision-Trace` response header, but never with `NODE_ENV=production`.
 */
export type Trace = true | ((decisions: Decisions) => void)
