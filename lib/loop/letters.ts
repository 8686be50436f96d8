// Defines what a mailbox holds beside plain messages: ends, deaths, and what no policy drops; and measures all of it.
import type { Format } from '../formats/format.js'
import { Gap } from '../hub/gap.js'
import { Published } from '../hub/published.js'
import { SnapshotEvent } from '../hub/snapshot.js'
import { isEvent } from '../values/event.js'
import type { Reason } from '../values/open-stream.js'
import { Encoded } from '../wire/chunk.js'
import type { Measure } from '../wire/queue.js'

/** Marks the end of a source. It is queued, so earlier messages come first. */
export const ended: unique symbol = Symbol.for('express-lariat.ended') as never

/** A message that ends the loop. */
export class Ending {
  readonly reason: Reason

  constructor(reason: Reason) {
    this.reason = reason
  }
}

/** A message that no policy drops: an end, a timeout. Gaps, and the events of a snapshot, need no mark. */
export class Kept {
  readonly message: unknown

  constructor(message: unknown) {
    this.message = message
  }
}

/** The death of a target: what the source has ready comes first. */
export class Death extends Kept {}

/** Measures messages. Without `info`, each is an event with a size in the format; with it, only the number counts. */
export function measureIn(format: Format | undefined): Measure<unknown> {
  return {
    count: () => 1,
    size(message) {
      if (!format) return 0
      if (message instanceof Published) return message.in(format).size
      return message instanceof Encoded ? message.size : 0
    },
    data: (message) => (message instanceof Encoded || isEvent(message) ? message.data : message),
    isKept: (message) =>
      message instanceof Kept ||
      message instanceof Gap ||
      message instanceof SnapshotEvent ||
      message === ended,
  }
}
