// Says in plain words what an operator should look at: slow clients, reconnect storms, a lost store, requests that are
// refused, gaps, and caps that are near.
import { clock } from '../clock.js'
import type { Hub } from '../values/feed.js'
import type { Group } from './groups.js'
import { minute, remembered } from './lately.js'
import { insideOf } from './options.js'
import { keyOf, type Recorder } from './record.js'
import { cut } from './text.js'

export interface Finding {
  readonly level: 'error' | 'warn' | 'info'
  readonly text: string
  /** The query of the view that shows more of it. */
  readonly view?: string
}

/** How many streams in a minute are no storm, however short they are. */
const calm = 20

/** The share of a cap from which on it is near. */
const near = 0.9

/** Refusals are many kinds: these are told. */
const told = 5

export function findings(
  groups: readonly Group[],
  hubs: readonly Hub[],
  record: Recorder,
  isClosing: boolean,
): readonly Finding[] {
  const found: Finding[] = [
    ...hubs.flatMap((hub) => [...ofBackend(hub, record)]),
    ...groups.flatMap((group) => [
      ...ofFailures(group, record),
      ...ofSlowClients(group, record),
      ...ofStorms(group, record),
      ...ofGaps(group, record),
      ...ofCaps(group),
    ]),
    ...ofRefusals(record),
  ]
  if (isClosing)
    found.unshift({ level: 'info', text: 'All endpoints are closing: new requests are answered 503.' })
  const order = ['error', 'warn', 'info']
  return found.sort((one, other) => order.indexOf(one.level) - order.indexOf(other.level))
}

function* ofBackend(hub: Hub, { backends }: Recorder): Iterable<Finding> {
  const turn = backends.get(hub)
  const { backend, isUp } = insideOf(hub)
  const name = backend === 'redis' ? 'Redis' : `The backend (${cut(backend, 40)})`
  const view = 'view=channels'
  if (!isUp) {
    const since = turn?.state === 'down' ? ` since ${time(turn.at)} (${ago(turn.at)})` : ''
    yield {
      level: 'error',
      text: `${name} is away${since}: publishing is refused, and open streams get no events until it is back.`,
      view,
    }
  } else if (turn?.state === 'up' && turn.away !== undefined && clock.date() - turn.at < remembered)
    yield {
      level: 'info',
      text: `${name} was away for ${span(turn.away)}, and is back since ${time(turn.at)}.`,
      view,
    }
}

function* ofFailures({ route, format }: Group, { lately, errors }: Recorder): Iterable<Finding> {
  const failed = lately.count(keyOf('ended', route, format, 'error'))
  if (failed === 0) return
  const why = errors.get(route)
  yield {
    level: 'error',
    text: `${streamsOf(failed, route)} failed in the last minute${why === undefined ? '' : `: ${why}`}.`,
    view: viewOf('ended', { state: 'error', route }),
  }
}

function* ofSlowClients(group: Group, { lately }: Recorder): Iterable<Finding> {
  const { route, format, open, behind, worst } = group
  const cutOff = lately.count(keyOf('ended', route, format, 'overflow'))
  const dropped = lately.count(keyOf('dropped', route, format))
  if (worst) {
    const { stream, queuedBytes } = worst
    const clients = `${behind} of ${open} ${open === 1 ? 'client' : 'clients'} of ${cut(route)}`
    const most = `${stream.queued} events (${size(queuedBytes)}) wait for ${behind > 1 ? 'the slowest, ' : ''}${cut(stream.client, 100) || 'it'}`
    yield {
      level: 'warn',
      text: `${clients} ${behind === 1 ? 'does' : 'do'} not keep up: ${most}.`,
      view: viewOf('streams', { route, state: 'behind', sort: '-queuedBytes' }),
    }
  }
  if (cutOff > 0)
    yield {
      level: 'warn',
      text: `${streamsOf(cutOff, route)} ended in the last minute because the client was too slow.`,
      view: viewOf('ended', { route, state: 'overflow' }),
    }
  if (dropped > 0)
    yield {
      level: 'warn',
      text: `${count(dropped, 'event')} of ${cut(route)} were dropped in the last minute for clients that are too slow.`,
      view: viewOf('streams', { route, state: 'dropped', sort: '-dropped' }),
    }
}

function* ofStorms({ route, format, open }: Group, { lately, ended }: Recorder): Iterable<Finding> {
  const opened = lately.count(keyOf('opened', route, format))
  if (opened < calm) return
  const view = viewOf('ended', { route })
  const short = lately.count(keyOf('short', route, format))
  if (short >= calm && short >= opened / 2) {
    const since = clock.date() - minute
    const mine = [...ended].filter((row) => row.route === route && row.at > since)
    const [reason] = commonest(mine.map((row) => row.reason))
    const [client, times] = commonest(mine.map((row) => row.client))
    const whose = client && times > mine.length / 2 ? `, most of them of ${client}` : ''
    yield {
      level: 'warn',
      text: `Reconnect storm: ${streamsOf(opened, route)} opened in the last minute${whose}, and ${short} ended within 10 seconds${reason ? `, most with reason "${reason}"` : ''}.`,
      view,
    }
    return
  }
  const resumed = lately.count(keyOf('resumed', route, format, 'found')) + gapsOf(route, format, lately)
  if (resumed >= calm && resumed >= open / 2)
    yield {
      level: 'info',
      text: `${resumed} clients of ${cut(route)} reconnected in the last minute: after a deploy, or a network that failed.`,
      view,
    }
}

function* ofGaps({ route, format }: Group, { lately }: Recorder): Iterable<Finding> {
  const gaps = gapsOf(route, format, lately)
  if (gaps === 0) return
  yield {
    level: 'warn',
    text: `${count(gaps, 'client')} of ${cut(route)} missed events in the last minute: what followed their last id is no longer retained, or the id is unknown.`,
    view: viewOf('streams', { route }),
  }
}

function gapsOf(route: string, format: string, lately: Recorder['lately']): number {
  const of = (outcome: string) => lately.count(keyOf('resumed', route, format, outcome))
  return of('trimmed') + of('unknown')
}

function* ofCaps({ route, open, limit }: Group): Iterable<Finding> {
  if (limit === undefined || open < limit * near) return
  yield {
    level: open >= limit ? 'error' : 'warn',
    text: `${cut(route)} has ${open} of at most ${limit} streams${open >= limit ? ': one more is answered 503' : ''}.`,
    view: viewOf('streams', { route }),
  }
}

/** The kinds of refusals of the last minutes, the most frequent first, each with the last request as its example. */
function ofRefusals({ lately, refusals }: Recorder): readonly Finding[] {
  const kinds = [...lately.of(keyOf('refused', ''), remembered)].sort(([, one], [, other]) => other - one)
  return kinds.slice(0, told).map(([key, times]) => {
    const [route = '', status = '', question = ''] = key.split('\n')
    const last = refusals.get(keyOf('refused', key))
    const who = last ? ` The last was ${last.method} by ${whoIs(last)}` : ''
    const example =
      last && status === '406' ? `${who}, which accepts ${quoted(last.accept)}.` : who && `${who}.`
    const why = question === '' ? '' : ` at the question ${question}`
    const error = last?.error ? ` (${last.error})` : ''
    return {
      level: status >= '500' ? 'error' : 'warn',
      text: `${cut(route)} answered ${status}${why} to ${count(times, 'request')} in the last 5 minutes${error}.${example}`,
      view: viewOf('decisions', { route, status }),
    } as const
  })
}

function whoIs({ client, userAgent }: { readonly client: string; readonly userAgent: string }): string {
  const agent = userAgent === '' ? 'a client without a User-Agent' : cut(userAgent, 80)
  return client === '' ? agent : `${client} (${agent})`
}

/** The most frequent of some words, and how often it is there. */
function commonest(words: readonly string[]): readonly [word: string | undefined, times: number] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  const [found] = [...counts].sort(([, one], [, other]) => other - one)
  return found ?? [undefined, 0]
}

function viewOf(view: string, given: Readonly<Record<string, string>>): string {
  return String(new URLSearchParams({ view, ...given }))
}

function streamsOf(number: number, route: string): string {
  return `${count(number, 'stream')} of ${cut(route)}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function quoted(text: string): string {
  return text === '' ? 'nothing that it names' : `only ${text}`
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 2 ** 20 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

function time(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)} UTC`
}

function ago(at: number): string {
  return span(clock.date() - at)
}

function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  return seconds < 120 ? count(seconds, 'second') : `${Math.round(seconds / 60)} minutes`
}
