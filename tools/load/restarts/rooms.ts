import type { ChannelOptions } from '../../../lib/index.js'

/** What is published to a room. */
export interface Said {
  readonly room: string
  /** Counted by its publisher: no two events of a room have the same. */
  readonly number: number
  /** When it was published for the first time. */
  readonly at: number
}

/** How a stream follows its rooms: a channel, a filter, an `info`, an envelope, a merge. */
export type Feed = 'plain' | 'even' | 'told' | 'records' | 'both'

/** A stream of one client. */
export interface Target {
  readonly feed: Feed
  /** Two for a merge. */
  readonly rooms: readonly string[]
}

export function roomsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `room ${at}`)
}

/** One room of ten retains so little that whoever is away misses something, and is told. */
export function isForgetful(room: string): boolean {
  return Number(room.slice(5)) % 10 === 3
}

export function limitsOf(room: string): ChannelOptions<Said> {
  return isForgetful(room) ? { history: 3 } : { history: 100_000 }
}

export function isEven({ number }: Pick<Said, 'number'>): boolean {
  return number % 2 === 0
}

/** So many streams: half of them on a channel as it is, and each room in each way. */
export function targetsOf(count: number, rooms: readonly string[]): readonly Target[] {
  const mixture: readonly Feed[] = ['plain', 'even', 'plain', 'told', 'plain', 'records', 'plain', 'both']
  return Array.from({ length: count }, (_, at) => {
    const feed = mixture[at % mixture.length]!
    // each time that all ways have been used, the next room
    const first = Math.floor(at / mixture.length) % rooms.length
    const second = (first + 1) % rooms.length
    return { feed, rooms: (feed === 'both' ? [first, second] : [first]).map((which) => rooms[which]!) }
  })
}

export function pathOf({ feed, rooms }: Target): string {
  return `/${feed}/${rooms.map(encodeURIComponent).join('/')}`
}
