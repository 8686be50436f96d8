// Reads which rows of which view a request asks for.
import { isWhole } from '../rules.js'
import { cut } from './text.js'

export const views = ['overview', 'streams', 'ended', 'channels', 'decisions'] as const
export type ViewName = (typeof views)[number]

/** What each view can be sorted by; those without an order show the newest first. */
const orders = {
  overview: [],
  streams: [
    'age',
    'rate',
    'sent',
    'bytes',
    'queued',
    'queuedBytes',
    'dropped',
    'route',
    'path',
    'client',
    'format',
  ],
  ended: [],
  channels: ['name', 'subscribers', 'rate', 'retained', 'bytes', 'age'],
  decisions: [],
} as const satisfies Record<ViewName, readonly string[]>

export type StreamOrder = (typeof orders.streams)[number]
export type ChannelOrder = (typeof orders.channels)[number]

const states: Readonly<Record<ViewName, readonly string[]>> = {
  overview: [],
  streams: ['behind', 'ok', 'dropped'],
  ended: ['stop', 'end', 'down', 'disconnect', 'expired', 'revoked', 'shutdown', 'overflow', 'error'],
  channels: ['none', 'running', 'lingering', 'stopped', 'ended'],
  decisions: [],
}

export interface Query {
  readonly view: ViewName
  /** Text that a row has somewhere, in lower case. */
  readonly q: string
  readonly route: string
  readonly format: string
  readonly state: string
  /** Three digits, or one and `xx`. */
  readonly status: string
  readonly question: string
  readonly sort: string
  readonly isDescending: boolean
  readonly page: number
}

/** A mistake in a query, for the client. */
export interface Mistake {
  readonly detail: string
}

export function isMistake(query: Query | Mistake): query is Mistake {
  return 'detail' in query
}

/** The parameters of a request, whose URL may be anything that Node lets pass. */
export function parametersOf(url: string): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at))
}

export function queryOf(url: string): Query | Mistake {
  const given = parametersOf(url)
  const of = (name: string) => cut(given.get(name) ?? '')
  const view = (of('view') || 'overview') as ViewName
  if (!views.includes(view)) return { detail: `view is ${quoted(view)}: expected ${views.join(', ')}` }
  const sort = of('sort')
  const key = sort.replace(/^-/, '')
  const sorted: readonly string[] = orders[view]
  if (key && !sorted.includes(key)) return expected('sort', sort, sorted)
  const state = of('state') || (view === 'ended' ? of('reason') : '')
  if (state && !states[view].includes(state)) return expected('state', state, states[view])
  const status = of('status').toLowerCase()
  if (!/^(?:|\d(?:\d\d|xx))$/.test(status))
    return { detail: `status is ${quoted(status)}: expected a status, such as 406, or 4xx` }
  const page = of('page') === '' ? 1 : Number(of('page'))
  if (!isWhole(page) || page < 1)
    return { detail: `page is ${quoted(of('page'))}: expected a number, 1 or more` }
  return {
    view,
    q: of('q').trim().toLowerCase(),
    route: of('route'),
    format: of('format'),
    state,
    status,
    question: of('question'),
    sort: key,
    isDescending: sort.startsWith('-'),
    page,
  }
}

function expected(name: string, value: string, known: readonly string[]): Mistake {
  const instead = known.length > 0 ? `expected ${known.join(', ')}` : 'this view has none'
  return { detail: `${name} is ${quoted(value)}: ${instead}` }
}

function quoted(text: string): string {
  return JSON.stringify(cut(text, 60))
}
