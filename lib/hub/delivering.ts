// Measures how long the events of a channel take to the last stream, while somebody listens to that.
import { clock } from '../clock.js'
import { channels } from '../diagnostics.js'
import { quietly } from '../guard.js'
import type { Hub } from '../values/feed.js'
import type { Log } from './backend.js'
import type { Published } from './published.js'
import { delivered } from './telling.js'

/** An event of a channel, on its way to the sinks. */
class Delivering {
  readonly hub: Hub
  readonly channel: string
  /** When it was appended, by the clock. */
  readonly since: number
  /** A group has taken it in, and writes it later. */
  isGathered = false

  constructor(hub: Hub, channel: string, since: number) {
    this.hub = hub
    this.channel = channel
    this.since = since
  }

  handed(streams: number, events: number): void {
    const { hub, channel, since } = this
    const ms = Math.max(0, clock.now() - since)
    if (streams > 0) delivered({ hub, channel, streams, events, ms })
  }
}

/** What is being delivered now. */
let current: Delivering | undefined

/** The events of one channel that a group has gathered. */
export class Gathered {
  readonly first: Delivering
  events = 1

  constructor(first: Delivering) {
    this.first = first
  }

  handed(streams: number): void {
    this.first.handed(streams, this.events)
  }
}

/** A group has taken in the event that is being delivered. Costs nothing while nobody listens. */
export function gathered(before: Gathered[] | undefined): Gathered[] | undefined {
  if (current === undefined) return before
  const { channel, hub } = current
  current.isGathered = true
  const same = before?.find(({ first }) => first.channel === channel && first.hub === hub)
  if (!same) return [...(before ?? []), new Gathered(current)]
  same.events += 1
  return before
}

/** The channel that delivers. */
interface Delivered {
  readonly hub: Hub
  readonly name: string
  readonly log: Log
  readonly subscribers: number
}

/** Whether anybody listens. */
export function isMeasured(): boolean {
  return channels.delivery.hasSubscribers
}

/** Delivers an event to all sinks, and measures how long that takes. */
export function delivering(channel: Delivered, event: Published, deliver: () => void): void {
  const outer = current
  const { hub, name, log, subscribers } = channel
  const mine = new Delivering(hub, name, appended(log, event))
  current = mine
  try {
    deliver()
  } finally {
    current = outer
  }
  if (!mine.isGathered) mine.handed(subscribers, 1)
}

function appended(log: Log, { id }: Published): number {
  const now = clock.now()
  let date: number | undefined
  // of a backend of the user's
  quietly(() => {
    date = log.appendedAt?.(id)
  })
  return date === undefined ? now : now - Math.max(0, clock.date() - date)
}
