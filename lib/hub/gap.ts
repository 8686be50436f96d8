// A gap: events that a client has missed and that are no longer retained.

/** What a client that came back has missed for good: its id is no longer retained, or was never known. */
export class Gap {
  /** The id that the client came with. */
  readonly requested: string
  /** The id of the oldest event that is retained, or, where none is, the id after which events will come. */
  readonly from: string
  readonly reason: 'trimmed' | 'unknown'

  constructor(requested: string, from: string, reason: Gap['reason']) {
    this.requested = requested
    this.from = from
    this.reason = reason
  }
}
