// Describes a gap: events that a client missed and that are no longer retained.
import { is, isBranded } from '../brand.js'

/** Stands for an id before all events: clients send it to read everything retained, and heads name it after a gap. */
export const earliest = 'earliest'

/** What a gap tells. */
export type GapReason = 'trimmed' | 'unknown'

export class Gap {
  /** The id that the client sent. */
  readonly requested: string
  /** The id of the oldest retained event; if none is retained, the id after which new events follow. */
  readonly from: string
  readonly reason: GapReason
  /** The place just before `from`: a client that comes back with it is not told of the gap again. */
  readonly id: string
  /** The channel, where a stream has several. */
  declare readonly channel?: string

  constructor(requested: string, from: string, reason: GapReason, id: string, channel?: string) {
    this.requested = requested
    this.from = from
    this.reason = reason
    this.id = id
    if (channel !== undefined) this.channel = channel
  }

  // not a field: a gap is shown to users, and spread
  get [is](): 'gap' {
    return 'gap'
  }

  static [Symbol.hasInstance](value: unknown): value is Gap {
    return isBranded(value, 'gap')
  }
}
