// Reads what the script for reading has answered: a page of a log.
import { Published } from '../hub/published.js'
import { dataOf } from './payload.js'
import type { Place } from './place.js'
import type { Answer } from './store.js'

export interface Entry {
  readonly place: Place
  readonly kind: string
  readonly text: string
  readonly type: string | undefined
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
  const [, epoch, outcome, number, ms, ended, start, beforeMs, limits, gone, entries] = answer as readonly string[]
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
      const entry = { place: placeAt(ms, Number(number)), kind: '', text: '', type: undefined as string | undefined }
      // the first two are the bytes before it
      for (let at = 2; at < fields.length; at += 2) {
        const [name, value] = [fields[at] as string, fields[at + 1] as string]
        if (name === 'type') entry.type = value
        else {
          entry.kind = name
          entry.text = value
        }
      }
      return entry
    }),
  }
}

type RawEntry = readonly [id: string, fields: readonly string[]]

function goneOf(text: string): Place {
  const [epoch = '', ms, number] = text.split(' ')
  return { epoch, ms: Number(ms), number: Number(number) }
}

export function eventOf({ kind, text, type }: Entry, id: string): Published {
  return new Published(id, dataOf(kind, text), type)
}
