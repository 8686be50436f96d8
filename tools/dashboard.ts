// Makes the dashboard for Grafana: docs/operate/grafana-dashboard.json.
import { instruments } from '../lib/metrics/instruments.js'

type Name = keyof typeof instruments

interface Panel {
  readonly title: string
  readonly type: 'stat' | 'timeseries'
  /** What it shows, and what to look for. */
  readonly words: string
  readonly unit: string
  /** Queries with their legends. */
  readonly queries: Readonly<Record<string, string>>
  readonly stacked?: boolean
  /** Values from which on a number is yellow, and red. */
  readonly worse?: readonly [yellow: number, red: number]
  /** The value below which a number is red. */
  readonly least?: number
}

const every = 'job=~"$job", instance=~"$instance"'

/** A series of an instrument, of what the variables choose. */
function of(name: Name, more = ''): string {
  const labels: readonly string[] = instruments[name].labels
  const route = labels.includes('route') ? ', route=~"$route"' : ''
  const channel = labels.includes('channel') ? ', channel=~"$channel"' : ''
  return `lariat_${name}{${every}${route}${channel}${more && `, ${more}`}}`
}

function rate(by: string, name: Name, more = ''): string {
  return `sum by (${by}) (rate(${of(name, more)}[$__rate_interval]))`
}

function sum(by: string, name: Name): string {
  return `sum by (${by}) (${of(name)})`
}

/** @param part of all, such as 0.99 */
function quantile(part: number, by: string, name: Name): string {
  const series = of(name).replace('{', '_bucket{')
  return `histogram_quantile(${part}, sum by (${by}, le) (rate(${series}[$__rate_interval])))`
}

function stat(title: string, unit: string, query: string, more: Partial<Panel> = {}): Panel {
  return { title, type: 'stat', words: '', unit, queries: { '': query }, ...more }
}

function lines(
  title: string,
  unit: string,
  words: string,
  queries: Panel['queries'],
  more: Partial<Panel> = {},
): Panel {
  return { title, type: 'timeseries', words, unit, queries, ...more }
}

const rows: Readonly<Record<string, readonly Panel[]>> = {
  Overview: [
    stat('Open streams', 'short', `sum(${of('streams_open')})`),
    stat('Slow clients', 'short', `sum(${of('slow_streams')})`, { worse: [5, 50] }),
    stat('Events a second', 'short', `sum(rate(${of('events_sent_total')}[$__rate_interval]))`),
    stat('Sent', 'Bps', `sum(rate(${of('bytes_sent_total')}[$__rate_interval]))`),
    stat('Refused a minute', 'short', `60 * sum(rate(${of('refused_total')}[$__rate_interval]))`, {
      worse: [10, 100],
    }),
    stat(
      'Gaps in an hour',
      'short',
      `sum(increase(${of('resumed_total', 'outcome=~"trimmed|unknown"')}[1h]))`,
      { worse: [1, 100] },
    ),
    stat(
      'Fullest limit',
      'percentunit',
      `max(${sum('job, instance, route', 'streams_open')} / ${sum('job, instance, route', 'streams_limit')})`,
      {
        worse: [0.75, 0.9],
      },
    ),
    stat('Backend', 'short', `min(${of('backend_up')})`, { least: 1 }),
  ],
  'By route': [
    lines(
      'Open streams',
      'short',
      'A fall to 0 is a deploy, or a proxy that has closed all connections.',
      { '{{route}}': sum('route', 'streams_open') },
      { stacked: true },
    ),
    lines('Opened a second', 'short', 'A peak that does not end is a reconnect storm.', {
      '{{route}}': rate('route', 'streams_opened_total'),
    }),
    lines(
      'Ended a second, by reason',
      'short',
      'disconnect: clients left, or a proxy cut them. overflow: too slow. error, down: a source or callback failed.',
      { '{{route}} {{reason}}': rate('route, reason', 'streams_ended_total') },
      { stacked: true },
    ),
    lines(
      'Refused a second',
      'short',
      'The status, and the question or limit that decided it.',
      { '{{route}} {{status}} {{question}}': rate('route, status, question', 'refused_total') },
      { stacked: true },
    ),
    lines('Time to the head', 's', 'What subscribe, and the search for the place of the client, take.', {
      'p50 {{route}}': quantile(0.5, 'route', 'head_seconds'),
      'p99 {{route}}': quantile(0.99, 'route', 'head_seconds'),
    }),
    lines('Life of streams', 's', 'A sharp median of 30, 60 or 300 s is the limit of a proxy.', {
      'p10 {{route}}': quantile(0.1, 'route', 'stream_life_seconds'),
      'p50 {{route}}': quantile(0.5, 'route', 'stream_life_seconds'),
    }),
    lines('Time to the first event', 's', 'Of streams that got one.', {
      'p50 {{route}}': quantile(0.5, 'route', 'first_event_seconds'),
      'p99 {{route}}': quantile(0.99, 'route', 'first_event_seconds'),
    }),
    lines('Events a second, by format', 'short', 'Events handed to responses.', {
      '{{route}} {{format}}': rate('route, format', 'events_sent_total'),
    }),
    lines('Room below the limit', 'percentunit', 'Open streams to maxStreams, of the fullest process.', {
      '{{route}}': `max by (route) (${sum('job, instance, route', 'streams_open')} / ${sum('job, instance, route', 'streams_limit')})`,
    }),
  ],
  'Slow clients': [
    lines('Clients that do not keep up', 'percentunit', 'The part of the open streams.', {
      '{{route}}': `${sum('route', 'slow_streams')} / (${sum('route', 'streams_open')} > 0)`,
    }),
    lines('Events that wait', 'short', 'In mailboxes, and for clients.', {
      '{{route}}': sum('route', 'queued_events'),
    }),
    lines('Bytes that wait', 'bytes', 'They are held in memory, up to maxQueuedBytes for each client.', {
      '{{route}}': sum('route', 'queued_bytes'),
    }),
    lines('Events dropped a second', 'short', 'By the overflow policies that drop.', {
      '{{route}}': rate('route', 'dropped_total'),
    }),
    lines('Cut for being slow, a second', 'short', 'By the overflow policy close, and by writeTimeout.', {
      '{{route}}': rate('route', 'streams_ended_total', 'reason="overflow"'),
    }),
  ],
  Resumes: [
    lines(
      'Places a second, by outcome',
      'short',
      'live: clients without an id. found: all that was missed is sent.',
      { '{{outcome}}': rate('outcome', 'resumed_total') },
      { stacked: true },
    ),
    lines('Gaps a second', 'short', 'Clients that have missed events, and were told.', {
      '{{route}} {{outcome}}': rate('route, outcome', 'resumed_total', 'outcome=~"trimmed|unknown"'),
    }),
  ],
  Channels: [
    lines('Published a second, by outcome', 'short', 'All but ok is a fault.', {
      '{{channel}} {{outcome}}': rate('channel, outcome', 'published_total'),
    }),
    lines('Time to publish', 's', 'Until the backend has confirmed.', {
      'p50 {{channel}}': quantile(0.5, 'channel', 'publish_seconds'),
      'p99 {{channel}}': quantile(0.99, 'channel', 'publish_seconds'),
    }),
    lines('Time to the last stream', 's', 'From appending an event until it was handed to the last stream.', {
      'p50 {{channel}}': quantile(0.5, 'channel', 'delivery_seconds'),
      'p99 {{channel}}': quantile(0.99, 'channel', 'delivery_seconds'),
    }),
    lines('Subscribers', 'short', 'Streams and iterations.', {
      '{{channel}}': sum('channel', 'channel_subscribers'),
    }),
    lines('Events retained', 'short', 'Of a store that processes share, each of them tells the same.', {
      '{{channel}}': `max by (channel) (${of('retained_events')})`,
    }),
    lines('Bytes retained', 'bytes', 'As far as the backend tells.', {
      '{{channel}}': `max by (channel) (${of('retained_bytes')})`,
    }),
  ],
  Backend: [
    lines('Backend is there', 'short', '1 where it is, 0 where it is lost.', {
      '{{instance}} {{backend}}': `min by (instance, backend) (${of('backend_up')})`,
    }),
    lines('Losses in five minutes', 'short', 'How often it was lost.', {
      '{{instance}} {{backend}}': `sum by (instance, backend) (increase(${of('backend_lost_total')}[5m]))`,
    }),
  ],
}

const datasource = { type: 'prometheus', uid: '$datasource' }

/** The dashboard as Grafana imports it. */
export function dashboard(): string {
  const panels: object[] = []
  let id = 0
  let y = 0
  for (const [title, own] of Object.entries(rows)) {
    panels.push({
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    })
    y += 1
    const isStats = own.every(({ type }) => type === 'stat')
    const [w, h] = isStats ? [3, 4] : [8, 8]
    own.forEach((panel, at) => {
      const place = { x: (at * w) % 24, y: y + Math.floor((at * w) / 24) * h, w, h }
      panels.push(shown(panel, ++id, place))
    })
    y += Math.ceil((own.length * w) / 24) * h
  }
  return `${JSON.stringify({ ...frame, panels }, null, 2)}\n`
}

function shown(panel: Panel, id: number, gridPos: object): object {
  const { title, type, words, unit, queries, stacked = false } = panel
  const lineStyle = {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: stacked ? 25 : 5,
    showPoints: 'never',
    stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
  }
  const custom = type === 'timeseries' ? { custom: lineStyle } : {}
  return {
    id,
    type,
    title,
    description: words,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        color: { mode: colourOf(panel) },
        thresholds: thresholdsOf(panel),
        ...custom,
      },
      overrides: [],
    },
    options:
      type === 'stat'
        ? {
            colorMode: 'value',
            graphMode: 'area',
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
          }
        : {
            legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
    targets: Object.entries(queries).map(([legendFormat, expr], at) => ({
      refId: String.fromCharCode(65 + at),
      datasource,
      expr,
      legendFormat,
      range: true,
    })),
  }
}

function colourOf({ worse, least }: Panel): string {
  return worse || least !== undefined ? 'thresholds' : 'palette-classic'
}

function thresholdsOf({ worse, least }: Panel): object {
  const steps: { color: string; value: number | null }[] =
    least === undefined
      ? [
          { color: 'green', value: null },
          ...(worse ?? []).map((value, at) => ({ color: ['yellow', 'red'][at]!, value })),
        ]
      : [
          { color: 'red', value: null },
          { color: 'green', value: least },
        ]
  return { mode: 'absolute', steps }
}

function variable(name: string, label: string, query: string): object {
  return {
    name,
    label,
    type: 'query',
    datasource,
    query: { query, refId: `variable-${name}` },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  }
}

const frame = {
  title: 'express-lariat',
  uid: 'express-lariat',
  description:
    'Streams, slow clients, resumes, channels and backends, as express-lariat/metrics counts them.',
  tags: ['express-lariat'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  graphTooltip: 1,
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} },
      variable('job', 'Job', 'label_values(lariat_streams_open, job)'),
      variable('instance', 'Instance', 'label_values(lariat_streams_open{job=~"$job"}, instance)'),
      variable('route', 'Route', 'label_values(lariat_streams_open{job=~"$job"}, route)'),
      variable('channel', 'Channel', 'label_values(lariat_channel_subscribers{job=~"$job"}, channel)'),
    ],
  },
}
