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
export interface Whole<out Data> extends Feed<Data> {
  [iterateFrom](start: Beginning | undefined): AsyncIterator<Event<Data>>
}

/** A feed with a beginning. Its streams are streams of the whole. */
export class Start<Data> implements Feed<Data> {
  readonly [is] = 'feed'
  readonly whole: Whole<Data>
  readonly start: Beginning

  constructor(whole: Whole<Data>, start: Beginning) {
    this.whole = whole
    this.start = start
  }

  filter(keep: (data: never, event: never) => boolean): Feed<never> {
    return new Start(this.whole.filter(keep as never) as Whole<never>, this.start)
  }

  map<To>(change: (data: Data, event: Event<Data>) => To): Feed<Content<To>> {
    return new Start(this.whole.map(change) as Whole<Content<To>>, this.start)
  }

  from(where: From): Feed<Data> {
    return this.whole.from(where)
  }

  replay(lastEventId: string): AsyncIterable<Event<Data>> {
    return this.whole.replay(lastEventId)
  }

  get subscribers(): number {
    return this.whole.subscribers
  }

  [Symbol.asyncIterator](): AsyncIterator<Event<Data>> {
    return this.whole[iterateFrom](this.start)
  }
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
