import type { Format, Wire } from '../../lib/formats/format.js'
import { isFormat, wire } from '../../lib/formats/format.js'
import type { Event } from '../../lib/values/event.js'
import { event, isEvent } from '../../lib/values/event.js'

/** What only the built-in formats say of themselves. */
export function wireOf(format: Format): Wire {
  return (isFormat(format) && format[wire]) || {}
}

/** The bytes of one event, as text. */
export function encoded(format: Format, data: unknown): string {
  return asText(format.encode(asEvent(data)))
}

/** A whole stream as the loop writes it, complete; data or events, each followed by `beats` heartbeats. */
export function written(format: Format, list: readonly unknown[], beats = 0): Buffer {
  const { separator = '' } = wireOf(format)
  const pause = Array.from({ length: beats }, () => format.heartbeat ?? '')
  const chunks: (string | Uint8Array)[] = [format.open ?? '', ...pause]
  let first = true
  for (const data of list) {
    const bytes = format.encode(asEvent(data))
    if (bytes.length === 0) continue
    chunks.push(first ? '' : separator, bytes, ...pause)
    first = false
  }
  return Buffer.concat([...chunks, format.close ?? ''].map((chunk) => Buffer.from(chunk)))
}

export function asText(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString()
}

function asEvent(data: unknown): Event {
  return isEvent(data) ? data : event(data)
}
