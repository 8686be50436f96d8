// Defines the types of a request's decisions, as a trace gets them.
import type { IncomingHttpHeaders } from 'node:http'

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
  /** What `resource` or `loop` returned; for the spec of a table, the endpoint that was made of it. */
  endpoint: object
  method: string
  /** The path with its query, which may hold secrets: take care where you log it. */
  url: string
  /** The key of its table, or the pattern of the mount, such as `/books/:isbn`: a label with few values. */
  route: string
  /** The address of the client: `req.ip`. */
  client: string
  /** The headers of the request, which hold secrets. */
  headers: IncomingHttpHeaders
  steps: Decision[]
  outcome:
    | { readonly kind: 'status' | 'stop'; readonly status: number }
    | { readonly kind: 'loop'; readonly status: number; readonly mediaType: string }
    | { readonly kind: 'error'; readonly error: unknown }
    /** A callback has answered on its own, or the client has left. */
    | { readonly kind: 'left' }
}

/**
 * `express-lariat:refusal`: a request is answered with a status of 400 or more, in the place of what it asked for. Told
 * before the answer is sent, once for each request.
 */
export interface Refused
  extends Pick<Decisions, 'endpoint' | 'method' | 'url' | 'route' | 'client' | 'headers'> {
  readonly status: number
  /**
   * What it was the answer to: the question of the graph that was asked last; `init`; `subscribe`, of a stream that ended
   * before its head; a limit, `maxStreams` or `maxStreamsPerClient`; `closing`, by `endpoint.close()`.
   */
  readonly question: string
  /** What a callback threw. The error handlers of the app answer, and may choose another status. */
  readonly error?: unknown
}

/**
 * Listens to the decisions of each request, before they are acted on. `true` lists the questions in a
 * `Decision-Trace` response header, but never with `NODE_ENV=production`.
 */
export type Trace = true | ((decisions: Decisions) => void)
