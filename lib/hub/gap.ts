// Describes a gap: events that a client missed and that are no longer retained.
import { is, isBranded } from '../brand.js'

/** Stands for an id before all events: clients send it to read everything retained, and heads name it after a gap. */
export const earliest = 'earliest'

export class Gap {
  /** The id that the client sent. */
  readonly requested: string
  /** The id of the oldest retained event; if none is retained, the id after which new events follow. */
  readonly from: string
  readonly reason: 'trimmed' | 'unknown'

  constructor(requested: string, from: string, reason: Gap['reason']) {
    this.requested = requested
    this.from = from
    this.reason = reason
  }

  // not a field: a gap is shown to users, and spread
  get [is](): 'gap' {
    return 'gap'
  }

  static [Symbol.hasInstance](value: unknown): value is Gap {
    return isBranded(value, 'gap')
  }
}
