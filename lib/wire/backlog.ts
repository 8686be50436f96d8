// Measures the events that wait for a client, and decides how many go out in one write.
import { batchBytes } from './batch.js'
import { type Chunk, type Encoded, gather } from './chunk.js'
import { type Limits, type Measure, Queue } from './queue.js'

/** Notices are queued like events, and never dropped. */
const measure: Measure<Encoded> = {
  count: (encoded) => encoded.events || 1,
  size: (encoded) => encoded.size,
  data: (encoded) => encoded.data,
  isKept: (encoded) => encoded.events === 0,
}

/** From this size on, copying an event into a batch costs more than a write of its own. */
const largeEvent = 2 ** 12

/** A queue of references to bytes that all streams of a format share. */
export function newBacklog(limits: Limits): Queue<Encoded> {
  return new Queue(measure, limits)
}

/** Takes the next events for one write: small ones together. A large one starts a write of its own: it is not copied. */
export function takeBatch(
  backlog: Queue<Encoded>,
  separated: (encoded: Encoded) => Chunk,
): { chunk: Chunk; events: number } {
  const chunks: Chunk[] = []
  let size = 0
  let events = 0
  do {
    const encoded = backlog.take()
    chunks.push(separated(encoded))
    size += encoded.size
    events += encoded.events
  } while (backlog.size > 0 && size < batchBytes && backlog.next.size < largeEvent)
  return { chunk: gather(chunks), events }
}
