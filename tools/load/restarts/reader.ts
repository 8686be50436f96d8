import { serve } from '../../../bench/fanout/remote.js'
import { type Counts, EventSource } from './eventsource.js'
import { isEven, type Target } from './rooms.js'
import { compare, type Fact, type Facts, placeOf } from './truth.js'
import { type Flaw, flawsOf, type Seen } from './view.js'

export interface Judged {
  readonly flaws: readonly Flaw[]
  /** When each gap was told, and why. */
  readonly gaps: readonly { readonly at: number; readonly reason: string }[]
  readonly events: number
}

/** A map does not pass from a process to another. */
type Listed = readonly (readonly [room: string, facts: readonly Fact[]])[]

const counts: Counts = {
  reconnects: 0,
  ended: 0,
  cut: 0,
  unavailable: 0,
  unanswered: 0,
  wrong: 0,
  events: 0,
}
const known = new Map<string, Seen>()
let clients: EventSource[] = []

function intern(seen: Seen, room: string): Seen {
  if (seen.kind === 'gap') return seen
  const key = `${seen.kind} ${room} ${seen.id} ${seen.kind === 'event' ? seen.number : ''}`
  const same = known.get(key)
  if (!same) known.set(key, seen)
  return same ?? seen
}

async function until(isSo: (client: EventSource) => boolean, within: number): Promise<number> {
  const end = performance.now() + within
  for (;;) {
    const others = clients.filter((client) => !isSo(client)).length
    if (others === 0 || performance.now() > end) return others
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function isAtEnd({ target: { feed }, views }: EventSource, facts: Facts): boolean {
  return [...views].every(([room, view]) => {
    const last = facts.get(room)?.findLast(({ isLost, said }) => !isLost && (feed !== 'even' || isEven(said)))
    const seen = view.at(-1)
    return !last || (seen !== undefined && compare(placeOf(seen.id), last) >= 0)
  })
}

const handlers = {
  open: async ({
    port,
    targets,
    within,
  }: {
    port: number
    targets: readonly Target[]
    within: number
  }): Promise<number> => {
    clients = targets.map((target) => new EventSource(target, port, counts, intern))
    return await until(({ isOpen }) => isOpen, within)
  },
  /** Waits until all are open, and have got an event that was published since; how many have not, in the end. */
  back: ({ since, within }: { since: number; within: number }): Promise<number> =>
    until(({ isOpen, latest }) => isOpen && latest >= since, within),
  counts: (_: null): Counts => ({ ...counts }),
  /** Waits until all have what came last in their rooms, and says what is wrong with what they have. */
  judge: async ({ facts: all, within }: { facts: Listed; within: number }): Promise<Judged> => {
    const facts: Facts = new Map(all)
    await until((client) => isAtEnd(client, facts), within)
    const flawsIn = ({ target, views }: EventSource) =>
      [...views].flatMap(([room, view]) => flawsOf(view, room, target, facts))
    return {
      flaws: clients.flatMap(flawsIn),
      gaps: clients.flatMap(({ views }) =>
        [...views.values()].flat().flatMap((seen) => (seen.kind === 'gap' ? [seen] : [])),
      ),
      events: counts.events,
    }
  },
  leave: (_: null) => {
    for (const client of clients) client.close()
    clients = []
  },
}

export type Reader = typeof handlers
serve(handlers)
