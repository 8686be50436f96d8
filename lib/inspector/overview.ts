// Shows how each route does: its streams, and what became of them in the last minute.
import type { Hub } from '../values/feed.js'
import type { EndpointInside } from '../values/inside.js'
import { type Finding, findings } from './findings.js'
import { emptyGroup, type Group, groupsOf } from './groups.js'
import { insideOf } from './options.js'
import type { Query } from './query.js'
import { keyOf, type Recorder } from './record.js'
import { type Page, pageOf } from './rows.js'
import type { Streams } from './streams.js'
import { cut } from './text.js'

type Counts = Record<string, number>

export interface OverviewRow {
  readonly route: string
  readonly format: string
  readonly open: number
  /** `maxStreams`, of the endpoint; null if it has none. */
  readonly limit: number | null
  /** Clients that do not keep up. */
  readonly behind: number
  readonly queued: number
  readonly queuedBytes: number
  /** In the last minute: events dropped, streams opened, ended by reason, refused by status, and gaps told. */
  readonly dropped: number
  readonly opened: number
  readonly ended: Counts
  readonly refused: Counts
  readonly gaps: number
}

export interface BackendRow {
  readonly backend: string
  readonly isUp: boolean
  /** When it was lost or came back last: milliseconds since the epoch. */
  readonly since: number | null
  readonly channels: number
}

export interface Overview extends Page<OverviewRow> {
  readonly backends: readonly BackendRow[]
  readonly alerts: readonly Finding[]
}

export function overview(
  query: Query,
  streams: Streams,
  endpoints: readonly EndpointInside[],
  hubs: readonly Hub[],
  record: Recorder,
): Overview {
  const groups = groupsOf(streams, endpoints)
  const refused = refusedBy(record)
  // what refuses everything, or never streams, has no streams
  for (const route of refused.keys())
    if (!groups.some((group) => group.route === route)) groups.push(emptyGroup(route, ''))
  const found = groups.filter(
    ({ route, format }) =>
      (!query.route || route === query.route) && (!query.format || format === query.format),
  )
  return {
    ...pageOf(found, groups.length, query.page, (group) => rowOf(group, record, refused)),
    backends: hubs.map((hub) => backendOf(hub, record)),
    alerts: findings(groups, hubs, record, streams.isClosing),
  }
}

const reasons = ['stop', 'end', 'down', 'disconnect', 'expired', 'revoked', 'shutdown', 'overflow', 'error']

function rowOf(group: Group, { lately }: Recorder, refused: ReadonlyMap<string, Counts>): OverviewRow {
  const { route, format, open, behind, queued, queuedBytes, limit = null } = group
  const count = (what: string, ...more: readonly string[]) =>
    lately.count(keyOf(what, route, format, ...more))
  const ended = reasons.map((reason) => [reason, count('ended', reason)] as const)
  return {
    route: cut(route),
    format: cut(format),
    open,
    limit,
    behind,
    queued,
    queuedBytes,
    dropped: count('dropped'),
    opened: count('opened'),
    ended: Object.fromEntries(ended.filter(([, times]) => times > 0)),
    refused: refused.get(route) ?? {},
    gaps: count('resumed', 'trimmed') + count('resumed', 'unknown'),
  }
}

/** The refusals of the last minute, of each route by status. */
function refusedBy({ lately }: Recorder): ReadonlyMap<string, Counts> {
  const byRoute = new Map<string, Counts>()
  for (const [key, times] of lately.of(keyOf('refused', ''))) {
    const [route = '', status = ''] = key.split('\n')
    const counts = byRoute.get(route) ?? {}
    counts[status] = (counts[status] ?? 0) + times
    byRoute.set(route, counts)
  }
  return byRoute
}

function backendOf(hub: Hub, { backends }: Recorder): BackendRow {
  const { backend, isUp, channels } = insideOf(hub)
  return { backend, isUp, since: backends.get(hub)?.at ?? null, channels: [...channels].length }
}
