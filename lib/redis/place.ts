// Writes and reads the ids of events in Redis, and names the keys of a channel.

/** A place in a log: that of an event, or, by the number 0, the one before all events. */
export interface Place {
  /** A random text for each life of the log. */
  readonly epoch: string
  /** The store's time of the event: a number is given twice where the store has lost its tail, this is not. */
  readonly ms: number
  /** Dense: each event has the next. */
  readonly number: number
}

const form = /^([0-9a-z]{10})-(0|[1-9a-z][0-9a-z]{0,9})-(0|[1-9]\d{0,14})$/

export function idOf({ epoch, ms, number }: Place): string {
  return `${epoch}-${ms.toString(36)}-${number}`
}

/** The place of an id; undefined for whatever has another form. */
export function placeOf(id: string): Place | undefined {
  const [, epoch, ms, number] = form.exec(id) ?? []
  return epoch === undefined
    ? undefined
    : { epoch, ms: Number.parseInt(ms as string, 36), number: Number(number) }
}

/** The order of two places of one epoch. A tail that was written anew comes after the one that was lost. */
export function compare(one: Place, other: Place): number {
  return one.ms - other.ms || one.number - other.number
}

/** The keys of a channel, which are in one slot of a cluster, and its pub/sub channel. */
export interface Keys {
  readonly meta: string
  readonly log: string
  readonly channel: string
}

export function keysOf(prefix: string, name: string): Keys {
  const channel = `${prefix}{${encoded(name)}}`
  return { meta: `${channel}:meta`, log: `${channel}:log`, channel }
}

/** So that braces in a name cannot break the tag of its slot. A surrogate on its own has no UTF-8, and stays one of its kind. */
function encoded(name: string): string {
  return name.replace(/\p{Surrogate}|\P{Surrogate}+/gu, (part) =>
    /^\p{Surrogate}$/u.test(part) ? `%u${part.charCodeAt(0).toString(16)}` : encodeURIComponent(part),
  )
}
