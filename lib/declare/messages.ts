// Lists the diagnostics channels by name, with the type of the messages of each.
import type {
  BackendTurn,
  Delivered,
  Publication,
  StreamBegun,
  StreamEnded,
  StreamOpened,
  StreamOverflowed,
  StreamResumed,
} from '../values/diagnostics.js'
import type { Decisions, Refused } from './decisions.js'

/** The channels of `node:diagnostics_channel` that the library publishes on, and what it publishes there. */
export interface DiagnosticsMessages {
  readonly 'express-lariat:decisions': Decisions
  readonly 'express-lariat:refusal': Refused
  readonly 'express-lariat:open': StreamOpened
  readonly 'express-lariat:first': StreamBegun
  readonly 'express-lariat:end': StreamEnded
  readonly 'express-lariat:overflow': StreamOverflowed
  readonly 'express-lariat:resume': StreamResumed
  readonly 'express-lariat:publish': Publication
  readonly 'express-lariat:delivery': Delivered
  readonly 'express-lariat:backend': BackendTurn
}
