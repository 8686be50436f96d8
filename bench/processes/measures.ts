import type { Samples } from '../fanout/samples.js'
import type { Name } from './peers.js'

/** By the number of processes. */
export type Measure =
  /** Microseconds of all servers' CPU for each event delivered, at a steady rate. */
  | `cpu, ${number}`
  /** Microseconds of Redis's CPU for each event published. */
  | `redis, ${number}`
  /** Milliseconds from the publish until the last stream has it. */
  | `p50 to last, ${number}`
  | `p99 to last, ${number}`
  /** Commands that the publisher and the servers send for each event, together. */
  | `commands an event, ${number}`
  /** Commands that each server sends for 50 events published at once. */
  | `commands a burst, ${number}`
  /** A second, of events that are published as fast as they are confirmed, until all streams have all of them. */
  | `deliveries, ${number}`
  | `confirmed, ${number}`

export type Taken = Samples<Name, Measure>
