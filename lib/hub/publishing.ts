// Decides whether an event can be published: what it is made of, and whether any format can write it.
import { misuse, show } from '../errors.js'
import { json } from '../formats/data.js'
import type { Format } from '../formats/format.js'
import { checkKeys, type Rules } from '../rules.js'
import { asBytes } from '../values/bytes.js'
import { type Event, isEvent } from '../values/event.js'
import type { Meta } from './backend.js'
import type { Published } from './published.js'

const metaRules: Rules = {
  type: [isType, 'text without CR, LF or NUL'],
  key: [(value) => typeof value === 'string' && value !== '', 'text that is not empty'],
}

export const noMeta: Meta & { type?: string; key?: string } = Object.freeze({})

/** The data and the meta of what is published: of an `event()`, the data and the type that it has. */
export function messageOf(published: unknown, meta: Meta): { readonly data: unknown; readonly meta: Meta } {
  if (meta !== noMeta) checkKeys('publish', meta, metaRules)
  const bare: { data: unknown; type?: string } = isEvent(published)
    ? unwrapped(published)
    : { data: published }
  const { type = bare.type, key } = meta
  if (bare.data === undefined && type === undefined) {
    throw misuse('LARIAT_DATA', 'publish(undefined): expected data, or a type')
  }
  return { data: bare.data, meta: { type, key } }
}

/** Checks events in the formats of a channel's streams; while there are none, in the last. */
export class Check {
  #lastFormat: Format | undefined

  /**
   * Throws for data that no format can write. Data that one format cannot write ends only the streams of that format:
   * one client's choice of format must not block publishing to all others.
   */
  event(event: Published, formats: Iterable<Format>): void {
    if (event.data === undefined && event.type !== undefined) return
    let failure: unknown
    for (const format of this.#orLast(formats)) {
      try {
        event.in(format)
        this.#lastFormat = format
        return
      } catch (error) {
        failure ??= error
      }
    }
    if (asBytes(event.data)) return
    try {
      json(event.data)
    } catch (error) {
      throw failure ?? error
    }
  }

  #orLast(formats: Iterable<Format>): readonly Format[] {
    const all = [...formats]
    return all.length === 0 && this.#lastFormat ? [this.#lastFormat] : all
  }
}

/** Refuses CR, LF and NUL in a type, in every format. */
function isType(value: unknown): boolean {
  return typeof value === 'string' && !/[\r\n]/.test(value) && !value.includes('\0')
}

/** Takes data and type from a published event. */
function unwrapped({ data, id, type, retry, comment }: Event): { data: unknown; type?: string } {
  if (id !== undefined || retry !== undefined || comment !== undefined) {
    const expected = 'expected data and type alone, since a channel gives ids of its own'
    throw misuse('LARIAT_DATA', `publish(event(…, ${show({ id, retry, comment })})): ${expected}`)
  }
  if (type === undefined) return { data }
  checkKeys('publish', { type }, metaRules)
  return { data, type }
}
