// Makes one feed of several: `merge`.
import { misuse, show } from '../errors.js'
import { type Feed, isFeed } from '../values/feed.js'
import { asFeedsSay, Branches } from './branches.js'
import { type Followed, type Member, startOf } from './followed.js'
import { earliest, now } from './gap.js'
import type { Published } from './published.js'
import { type Beginning, Start } from './start.js'
import { keyOf, placesIn } from './vector.js'
import { View } from './view.js'

/** The data of a feed. */
type DataOf<Of> = Of extends Feed<infer Data> ? Data : never

/**
 * Makes one feed of several: the events of each in its own order, and one place to come back to for all. An id names the
 * place in each part by the name of its channel: a part that is new to a client begins where its `from` says (default:
 * `now`), and one that was taken away is ignored. A gap says which channel. The feed ends when all parts have ended, and is
 * down when one is.
 *
 * @param feeds channels and parts of them, each of another channel; merged feeds count as their parts
 * @throws TypeError without a feed, for a value that is none, and for two of one channel or of channels of one name
 */
export function merge<const Feeds extends readonly Feed<unknown>[]>(
  ...feeds: Feeds
): Feed<DataOf<Feeds[number]>> {
  if (feeds.length === 0) throw misuse('LARIAT_SPEC', 'merge(): expected a feed, or several')
  const members = feeds.flatMap(membersOf)
  checkDistinct(members)
  const merged = new Merged<DataOf<Feeds[number]>>(members)
  const isPlain = members.every(({ start = now }) => start === now)
  return isPlain ? merged : new Start(merged, asFeedsSay)
}

class Merged<Data> extends View<Data> {
  readonly root: Branches
  readonly #members: readonly Member[]

  constructor(members: readonly Member[]) {
    super()
    this.#members = members
    this.root = new Branches(members, this)
  }

  of(event: Published): Published | undefined {
    return this.root.of(event)
  }

  override members(): readonly Member[] {
    return this.#members
  }

  protected begin(): void {
    this.root.attach()
  }

  protected cease(): void {
    this.root.detach()
  }
}

/** The parts of a feed, each with its beginning. */
function membersOf(feed: Feed<unknown>): readonly Member[] {
  if (!isFeed(feed)) {
    const remedy = Array.isArray(feed) ? 'write merge(...feeds)' : 'expected channels, and parts of channels'
    throw misuse('LARIAT_SPEC', `merge(${show(feed)}): ${remedy}`)
  }
  const { whole, start } = startOf(feed)
  return whole.members().map((member) => ({ whole: member.whole, start: startIn(member, start) }))
}

/** Where a part begins, if the whole that it was merged into begins at a place. */
function startIn({ whole, start: own }: Member, start: Beginning | undefined): Beginning | undefined {
  if (start === undefined || start === asFeedsSay) return own
  if (typeof start !== 'string' || start === earliest || start === now) return start
  const places = placesIn(start)
  return places ? (places.get(keyOf(whole.root.names[0] as string)) ?? own) : start
}

function checkDistinct(members: readonly Member[]): void {
  const known = new Map<string, Followed>()
  for (const { whole } of members) {
    const [name] = whole.root.names as [string]
    const other = known.get(name)
    known.set(name, whole)
    if (!other) continue
    const what =
      other.root === whole.root
        ? `two parts of channel ${show(name)}; write one, with a \`filter\` that lets through what both do`
        : `two channels named ${show(name)}; expected different names, since an id says the place in each by its name`
    throw misuse('LARIAT_SPEC', `merge(…): ${what}`)
  }
}
