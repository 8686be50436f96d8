// Reads what the script for reading has answered: a page of a log.
import { Published } from '../hub/published.js'
import { dataOf } from './payload.js'
import { idOf, type Place } from './place.js'
import type { Answer } from './store.js'

/** An entry of a log. All that read the same page share its event, and so the bytes of that. */
export class Entry {
  readonly place: Place
  readonly #fields: readonly string[]
  #event: Published | undefined

  /** @param fields names and values, of which the first two are the bytes before it */
  constructor(place: Place, fields: readonly string[]) {
    this.place = place
    this.#fields = fields
  }

  get event(): Published {
    this.#event ??= this.#made()
    return this.#event
  }

  #made(): Published {
    let data: unknown
    let type: string | undefined
    for (let at = 2; at < this.#fields.length; at += 2) {
      const [name, value] = [this.#fields[at], this.#fields[at + 1]] as [string, string]
      if (name === 'type') type = value
      else data = dataOf(name, value)
    }
    return new Published(idOf(this.place), data, type)
  }
}

export interface Page {
  readonly outcome: 'found' | 'trimmed' | 'unknown'
  /** The place of the latest event there is. */
  readonly top: Place
  readonly hasEnded: boolean
  /** The place before the first entry, or where the next will come. */
  readonly before: Place
  /** The limits that the store applies; no text if there are none yet. */
  readonly limits: string
  /** The latest place of the log that was dropped. */
  readonly gone: Place | undefined
  readonly entries: readonly Entry[]
}

export function pageOf(answer: Answer): Page {
  const [, epoch, outcome, number, ms, ended, start, beforeMs, limits, gone, entries] =
    answer as readonly string[]
  const placeAt = (ms: unknown, number: number): Place => ({ epoch: epoch as string, ms: Number(ms), number })
  return {
    outcome: outcome as Page['outcome'],
    top: placeAt(ms, Number(number)),
    hasEnded: ended === '1',
    before: placeAt(beforeMs, Number(start) - 1),
    limits: limits as string,
    gone: gone ? goneOf(gone) : undefined,
    entries: (entries as unknown as readonly RawEntry[]).map(([id, fields]) => {
      const [number, ms] = id.split('-') as [string, string]
      return new Entry(placeAt(ms, Number(number)), fields)
    }),
  }
}

type RawEntry = readonly [id: string, fields: readonly string[]]

function goneOf(text: string): Place {
  const [epoch = '', ms, number] = text.split(' ')
  return { epoch, ms: Number(ms), number: Number(number) }
}
