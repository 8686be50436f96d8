// Describes a gap: events that a client missed and that are no longer retained.
import { is, isBranded } from '../brand.js'
import type { GapDetails } from '../values/feed.js'
import { Published } from './published.js'

/** Stands for an id before all events: clients send it to read everything retained, and heads name it after a gap. */
export const earliest = 'earliest'

/** Stands for the place after all events. */
export const now = 'now'

export class Gap implements GapDetails {
  readonly requested: string
  readonly from: string
  readonly reason: GapDetails['reason']
  declare readonly channel?: string
  readonly id: string

  constructor(requested: string, from: string, reason: Gap['reason'], id: string, channel?: string) {
    this.requested = requested
    this.from = from
    this.reason = reason
    if (channel !== undefined) this.channel = channel
    this.id = id
  }

  /** For iterations: as SSE shows it. */
  get asEvent(): Published {
    const { id, ...details } = this
    return new Published(id, details, 'gap')
  }

  // not a field: a gap is shown to users, and spread
  get [is](): 'gap' {
    return 'gap'
  }

  static [Symbol.hasInstance](value: unknown): value is Gap {
    return isBranded(value, 'gap')
  }
}
