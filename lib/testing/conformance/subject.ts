// Says what a route is to the suite: where it is, and how it is driven.

/** What a slow client gets: one of the policies of `stream.overflow`; `wait`, where the source waits for the client. */
export type Overflow = 'close' | 'dropOldest' | 'dropNewest' | 'conflate' | 'wait'

/**
 * A route that is put to the test, and how it is driven. `{ at, path }` is enough; whatever else is said unlocks the cases
 * that need it, and the others are left out.
 *
 * ```ts
 * const open = async () => ({
 *   at: await stage(app),
 *   path: '/prices',
 *   publish: (count: number) => { for (let n = 0; n < count; n++) prices.publish({ price: n }) },
 *   subscribers: () => prices.subscribers,
 * })
 * for (const { name, run } of conforms(open)) it(name, run)
 * ```
 */
export interface Subject {
  /** Where it is: a stage, or the URL of a server that runs anywhere. Its `clock` unlocks heartbeats. */
  readonly at: {
    readonly url: string
    readonly clock?: { advance(milliseconds: number): unknown }
    close?(): unknown
  }
  /** The path, with a query if it has one. */
  readonly path: string
  /** The method that is answered by the stream. Default: GET. With another, HEAD and 405 are left out. */
  readonly method?: string
  /** Fields of every request, such as Cookie or Authorization. */
  readonly headers?: Readonly<Record<string, string>>
  /** The body of every request. */
  readonly body?: string

  /**
   * The media types of its streams, the preferred one first. Default: what its 406 offers; where it does not negotiate,
   * the type of its answer. To be said where it also answers with what is no stream.
   */
  readonly formats?: readonly string[]
  /** False: it does not look at Accept, as a `loop`. Default: true, but with `only: 'http'`. */
  readonly negotiates?: boolean

  /**
   * Emits so many events, no two of them alike, to everybody who is subscribed. With `size`, each has about so many bytes:
   * where that is followed, slow clients are tried too. `'by itself'`: events come unasked, within `within`.
   *
   * Default: none; what needs events is left out.
   */
  readonly publish?: ((count: number, size?: number) => unknown) | 'by itself'
  /** False: clients may get events in different orders, as those of several channels do. Default: true. */
  readonly isOrdered?: boolean
  /** Makes the source of the streams that are open fail. */
  fail?(): unknown
  /** How many are subscribed to the source at the moment. */
  subscribers?(): number

  /** What is meant to become of a client that does not read. Default: whatever is bounded. */
  readonly overflow?: Overflow
  /**
   * Milliseconds of silence until a heartbeat; false for none. Default: 15,000. Tried where `at` has a clock, in the formats
   * that have heartbeats.
   */
  readonly heartbeat?: number | false

  /**
   * Whether a client that comes back with its last id gets what it missed. Default: as the route says, which tells a place to
   * come back to; with `only: 'http'`, if its events have ids.
   */
  readonly resumes?: boolean
  /** How many events are retained. Unlocks the case of an id that is too old. */
  readonly history?: number
  /** False: a gap is told by the head alone, since `snapshot` or `onGap` is there. Default: true. */
  readonly tellsGaps?: boolean

  /** Called after each case, in place of `at.close()`. */
  close?(): unknown
}
