// Lets a feed say where a client begins that brings no id: `from`.
import { types } from 'node:util'
import { is } from '../brand.js'
import { misuse, show } from '../errors.js'
import { isWhole } from '../rules.js'
import type { Event } from '../values/event.js'
import type { Content, Feed, From } from '../values/feed.js'
import type { Where } from './backend.js'

/** Where a stream begins: `now`, or a place to read from. */
export type Beginning = Where

/** Iterates over a feed from a place on. */
export const iterateFrom: unique symbol = Symbol.for('express-lariat.iterateFrom') as never

/** A feed that can be iterated from a place on. */
export interface Whole extends Feed<unknown> {
  [iterateFrom](start: Beginning | undefined): AsyncIterator<Event>
}

/** A feed with a beginning. Its streams are streams of the whole. */
export class Start implements Feed<unknown> {
  readonly [is] = 'feed'
  readonly whole: Whole
  readonly start: Beginning

  constructor(whole: Whole, start: Beginning) {
    this.whole = whole
    this.start = start
  }

  filter(keep: (data: never, event: never) => boolean): Feed<never> {
    return new Start(this.whole.filter(keep as never) as Whole, this.start) as unknown as Feed<never>
  }

  map<To>(change: (data: unknown, event: Event) => To): Feed<Content<To>> {
    return new Start(this.whole.map(change) as unknown as Whole, this.start) as unknown as Feed<Content<To>>
  }

  from(where: From): Feed<unknown> {
    return this.whole.from(where)
  }

  replay(lastEventId: string): AsyncIterable<Event> {
    return this.whole.replay(lastEventId)
  }

  get subscribers(): number {
    return this.whole.subscribers
  }

  [Symbol.asyncIterator](): AsyncIterator<Event> {
    return this.whole[iterateFrom](this.start)
  }
}

/** A feed without its beginning, and the beginning; undefined if none was given. */
export function startOf(feed: Feed<unknown>): { whole: Feed<unknown>; start: Beginning | undefined } {
  // a feed of another copy of the package is no instance of this class
  const { whole = feed, start } = feed as Partial<Start>
  return { whole, start }
}

/** @throws TypeError for what is no place */
export function beginningOf(from: From): Beginning {
  if (typeof from === 'string' && from !== '') return from
  const { last, since, ...others } = Object(from) as { last?: unknown; since?: unknown }
  if (Object.keys(others).length === 0) {
    if (isWhole(last) && since === undefined) return { last: last as number }
    // under Jest, a Date of the test is no instance of the Date that this file sees
    if (types.isDate(since) && !Number.isNaN(since.getTime()) && last === undefined) {
      return { since: since.getTime() }
    }
  }
  const expected = "expected an event's id, 'earliest', 'now', { last: n } or { since: Date }"
  throw misuse('LARIAT_SPEC', `from(${show(from)}): ${expected}`)
}
