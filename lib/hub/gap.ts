// A gap: events that a client has missed and that are no longer retained.

export class Gap {
  /** The id that the client came with. */
  readonly requested: string
  /** The id of the oldest retained event, or, where none is retained, the id after which events will come. */
  readonly from: string
  readonly reason: 'trimmed' | 'unknown'

  constructor(requested: string, from: string, reason: Gap['reason']) {
    this.requested = requested
    this.from = from
    this.reason = reason
  }
}
