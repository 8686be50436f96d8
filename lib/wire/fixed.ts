// Makes, once for each format, the bytes that are the same for all streams: opening, heartbeat and tail.
import { type Format, type Wired, wire } from '../formats/format.js'
import { type Chunk, chunk, toBytes } from './chunk.js'
import { noticeIn } from './notice.js'

interface Fixed {
  readonly openings: Map<number | undefined, Chunk>
  readonly heartbeat: Chunk
  readonly tail: Uint8Array
  /** Determined on demand. */
  tellsGaps?: boolean
}

const known = new WeakMap<Format, Fixed>()

function fixed(format: Format): Fixed {
  let own = known.get(format)
  if (!own) {
    own = {
      openings: new Map(),
      heartbeat: chunk([toBytes(format.heartbeat ?? '')]),
      tail: toBytes(format.close ?? ''),
    }
    known.set(format, own)
  }
  return own
}

/** The opening bytes: the format's own, and the reconnection time if the format can set one. */
export function openingOf(format: Wired, retry: number | undefined): Chunk {
  const { openings } = fixed(format)
  let opening = openings.get(retry)
  if (!opening) {
    const told = retry === undefined ? '' : (format[wire]?.retry?.(retry) ?? '')
    opening = chunk([toBytes(format.open ?? ''), toBytes(told)])
    openings.set(retry, opening)
  }
  return opening
}

/** The bytes of a heartbeat; empty if the format has none. */
export function heartbeatOf(format: Format): Chunk {
  return fixed(format).heartbeat
}

/** The bytes of a complete end. */
export function tailOf(format: Format): Uint8Array {
  return fixed(format).tail
}

/** Whether a format reports gaps in-band. Tested once, with a sample gap. */
export function tellsGaps(format: Format): boolean {
  const own = fixed(format)
  own.tellsGaps ??=
    noticeIn(format, 'gap', { requested: '', from: '', reason: 'unknown' }, 'a format').size > 0
  return own.tellsGaps
}
