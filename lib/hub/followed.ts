// Defines a feed as its subscriptions see it: read first, then followed alone or in a group.
import type { Format } from '../formats/format.js'
import type { Awaitable } from '../promise.js'
import type { Feed } from '../values/feed.js'
import type { Where } from './backend.js'
import type { Group } from './group.js'
import type { Replay } from './replay.js'
import type { Keeps, Origin } from './sink.js'
import type { Beginning, Start } from './start.js'

/** A feed, and where a client without an id begins in it, if that was said. */
export interface Member {
  readonly whole: Followed
  readonly start: Beginning | undefined
}

export interface Followed extends Origin {
  /** Reads the retained events after an id, or from another beginning on, as the feed delivers them. */
  read(where: Where): Awaitable<Replay>
  /** Which events of its root it lets through; undefined if it is all of them. */
  readonly keeps: Keeps | undefined
  /** The streams of the feed in a format, which gather events for so many milliseconds. */
  group(format: Format, gather: number): Group
  /** The feeds that it delivers, one for each of its channels. */
  members(): readonly Member[]
}

/** A feed without its beginning, and the beginning. */
export function startOf(feed: Feed<unknown>): Member {
  // a feed of another copy of the package is no instance of `Start`
  const { whole = feed, start } = feed as Partial<Start<unknown>>
  return { whole: whole as unknown as Followed, start }
}
