// Sums up the open streams by route and format.
import { clock } from '../clock.js'
import type { EndpointInside } from '../values/inside.js'
import type { Known, Streams } from './streams.js'

/** The streams of a route in a format. */
export interface Group {
  readonly route: string
  readonly format: string
  open: number
  behind: number
  queued: number
  queuedBytes: number
  /** The one for which most waits. */
  worst: Known | undefined
  limit: number | undefined
}

export function groupsOf(streams: Streams, endpoints: readonly EndpointInside[]): Group[] {
  const groups = new Map<string, Map<string, Group>>()
  const groupOf = (route: string, format: string): Group => {
    let ofRoute = groups.get(route)
    if (!ofRoute) {
      ofRoute = new Map()
      groups.set(route, ofRoute)
    }
    let group = ofRoute.get(format)
    if (!group) {
      group = emptyGroup(route, format)
      ofRoute.set(format, group)
    }
    return group
  }
  for (const { mounts } of endpoints)
    for (const { route, formats, maxStreams } of mounts) {
      if (route !== undefined) for (const format of formats) groupOf(route, format).limit = maxStreams
    }
  const now = clock.now()
  for (const known of streams) {
    const group = groupOf(known.route, known.format)
    const { queuedBytes } = known
    group.open += 1
    group.queued += known.stream.queued
    group.queuedBytes += queuedBytes
    if (!known.isSlow(now)) continue
    group.behind += 1
    if (!group.worst || queuedBytes > group.worst.queuedBytes) group.worst = known
  }
  return [...groups.values()].flatMap((each) => [...each.values()])
}

export function emptyGroup(route: string, format: string): Group {
  return { route, format, open: 0, behind: 0, queued: 0, queuedBytes: 0, worst: undefined, limit: undefined }
}
