// The lists: which columns they have, what is unusual in them, and what they say where they are empty.
import { h, setAttribute, setChildren, setText } from './dom.js'
import { List } from './list.js'
import { hrefOf, place } from './place.js'
import { bytes, clock, count, rate, reasons, span, took, visible } from './words.js'

/**
 * @typedef {import('./shapes.js').StreamRow} StreamRow
 * @typedef {import('./shapes.js').EndedRow} EndedRow
 * @typedef {import('./shapes.js').ChannelRow} ChannelRow
 * @typedef {import('./shapes.js').DecisionRow} DecisionRow
 */

/** @type {import('./list.js').Filter} */
const route = { name: 'route', label: 'All routes', from: 'routes' }
/** @type {import('./list.js').Filter} */
const format = { name: 'format', label: 'All formats', from: 'formats' }

/**
 * The address of a row: the list stays as it is beside it.
 *
 * @param {string} id
 */
function beside(id) {
  const { view, query } = place()
  return hrefOf({ view, open: id, query })
}

/** An option that is called what it is. @param {string} value @returns {[value: string, label: string]} */
function same(value) {
  return [value, value]
}

/** @param {number} value */
function some(value) {
  return value > 0 ? count(value) : '0'
}

/** @param {number} value @param {string} tone */
function unlessNone(value, tone) {
  return value > 0 ? tone : 'quiet'
}

export function streamsList() {
  return new List({
    view: 'streams',
    title: 'Streams',
    lead: 'Responses that are held open now.',
    things: 'streams',
    sort: '-age',
    keyOf: (/** @type {StreamRow} */ { id }) => id,
    filters: [
      route,
      format,
      {
        name: 'state',
        label: 'All clients',
        options: [
          ['behind', 'Behind'],
          ['ok', 'Keeping up'],
          ['dropped', 'Have lost events'],
        ],
      },
    ],
    columns: [
      {
        label: 'Path',
        name: 'path',
        sort: 'path',
        kind: 'code',
        text: ({ path }) => visible(path),
        title: ({ path }) => visible(path),
        href: ({ id }) => beside(id),
      },
      {
        label: 'Client',
        name: 'state',
        text: ({ isBehind }) => (isBehind ? 'Behind' : 'Keeps up'),
        tone: ({ isBehind }) => (isBehind ? 'warm' : 'quiet'),
        title: ({ isBehind }) =>
          isBehind ? 'The client reads slower than it is sent to' : 'The client takes what it is sent',
      },
      { label: 'Rate/s', name: 'rate', sort: 'rate', kind: 'number', text: (row) => rate(row.rate) },
      { label: 'Age', name: 'age', sort: 'age', kind: 'number', text: (row, age) => span(row.age + age) },
      { label: 'Sent', name: 'sent', sort: 'sent', kind: 'number', text: (row) => count(row.sent) },
      { label: 'Bytes', name: 'bytes', sort: 'bytes', kind: 'number', text: (row) => bytes(row.bytes) },
      {
        label: 'Waiting',
        name: 'waiting',
        sort: 'queued',
        kind: 'number',
        text: ({ queued }) => some(queued),
        tone: ({ queued }) => unlessNone(queued, ''),
        title: () => 'Events in the queue of this client',
      },
      {
        label: 'Queue',
        name: 'queue',
        sort: 'queuedBytes',
        kind: 'number',
        text: ({ queuedBytes }) => bytes(queuedBytes),
        tone: ({ queuedBytes }) => unlessNone(queuedBytes, ''),
      },
      {
        label: 'Dropped',
        name: 'dropped',
        sort: 'dropped',
        kind: 'number',
        text: ({ dropped }) => some(dropped),
        tone: ({ dropped }) => unlessNone(dropped, 'bad'),
        title: () => 'Events that this client has not received because it is slow',
      },
      { label: 'Format', name: 'format', sort: 'format', text: (row) => visible(row.format) },
      { label: 'Address', name: 'client', sort: 'client', kind: 'code', text: (row) => visible(row.client) },
    ],
    empty: () =>
      'No stream is open now. Each that a client opens at an endpoint of this process appears here: try curl -N with the address of one.',
  })
}

const calm = ['end', 'stop', 'disconnect', 'expired', 'shutdown']

/** @param {string} kind */
export function toneOfReason(kind) {
  if (kind === 'error' || kind === 'overflow') return 'bad'
  return calm.includes(kind) ? 'quiet' : 'warm'
}

export function endedList() {
  const list = new List({
    view: 'ended',
    title: 'Ended',
    lead: 'The last 200 streams that ended, and why.',
    things: 'ended streams',
    keyOf: (/** @type {EndedRow} */ { id }) => id,
    filters: [
      route,
      format,
      { name: 'state', label: 'All reasons', options: Object.keys(reasons).map(same) },
    ],
    columns: [
      { label: 'Ended', name: 'time', kind: 'number', text: ({ at }) => clock(at), title: full },
      {
        label: 'Path',
        name: 'path',
        kind: 'code',
        text: ({ path }) => visible(path),
        title: ({ path }) => visible(path),
        href: ({ id }) => beside(id),
      },
      {
        label: 'Reason',
        name: 'reason',
        text: ({ reason, error }) =>
          error ? `${reason}: ${visible(error.replace(/^Error: /, ''))}` : reason,
        tone: ({ reason }) => toneOfReason(reason),
        title: ({ reason, error }) => [reasons[reason], error && visible(error)].filter(Boolean).join('\n'),
      },
      {
        label: 'Life',
        name: 'age',
        kind: 'number',
        text: ({ life }) => (life < 1000 ? took(life) : span(life)),
      },
      { label: 'To head', name: 'took', kind: 'number', text: ({ msToHead }) => took(msToHead) },
      { label: 'To first', name: 'took', kind: 'number', text: ({ msToFirst }) => took(msToFirst) },
      { label: 'Sent', name: 'sent', kind: 'number', text: ({ sent }) => count(sent) },
      { label: 'Bytes', name: 'bytes', kind: 'number', text: (row) => bytes(row.bytes) },
      {
        label: 'Dropped',
        name: 'dropped',
        kind: 'number',
        text: ({ dropped }) => some(dropped),
        tone: ({ dropped }) => unlessNone(dropped, 'bad'),
      },
      { label: 'Format', name: 'format', text: (row) => visible(row.format) },
      { label: 'Address', name: 'client', kind: 'code', text: ({ client }) => visible(client) },
    ],
    empty: () => 'No stream has ended since this process began to record.',
  })
  const tally = h('ul', { class: 'tally', 'aria-label': 'Ended streams by reason' })
  list.addSummary(tally)
  return Object.assign(list, {
    /** @param {import('./shapes.js').Snapshot} snapshot */
    summarise({ reasons: counts = {} }) {
      const kinds = Object.entries(counts).sort(([, one], [, other]) => other - one)
      setChildren(
        tally,
        kinds.map(([kind, number]) => tallied(tally, kind, number)),
      )
    },
  })
}

/**
 * @param {Element} tally
 * @param {string} kind
 * @param {number} number
 */
function tallied(tally, kind, number) {
  const old = [...tally.children].find((each) => each.getAttribute('data-kind') === kind)
  const item = old ?? h('li', { 'data-kind': kind }, h('a', { title: reasons[kind] }, h('b'), ` ${kind}`))
  const link = /** @type {HTMLElement} */ (item.firstElementChild)
  const { view, open, query } = place()
  const isChosen = query.state === kind
  setText(/** @type {Element} */ (link.firstElementChild), count(number))
  setAttribute(link, 'data-tone', toneOfReason(kind))
  setAttribute(link, 'aria-current', isChosen ? 'true' : undefined)
  setAttribute(
    link,
    'href',
    hrefOf({ view, open, query: { ...query, page: '', state: isChosen ? '' : kind } }),
  )
  return item
}

export function channelsList() {
  return new List({
    view: 'channels',
    title: 'Channels',
    lead: 'What is published in this process, and what is retained for those who reconnect.',
    things: 'channels',
    sort: 'name',
    keyOf: (/** @type {ChannelRow} */ { name }) => name,
    filters: [
      {
        name: 'state',
        label: 'All states',
        options: [
          ['running', 'Source runs'],
          ['lingering', 'Source lingers'],
          ['stopped', 'Source stopped'],
          ['none', 'Without a source'],
          ['ended', 'Ended'],
        ],
      },
    ],
    columns: [
      {
        label: 'Channel',
        name: 'path',
        sort: 'name',
        kind: 'code',
        text: ({ name }) => visible(name),
        title: ({ name }) => visible(name),
        href: ({ name }) => beside(name),
      },
      {
        label: 'State',
        name: 'source',
        text: stateOfChannel,
        tone: ({ isUp, hasEnded, source }) =>
          !isUp ? 'bad' : hasEnded ? 'quiet' : source === 'stopped' ? 'warm' : 'quiet',
      },
      { label: 'Rate/s', name: 'rate', sort: 'rate', kind: 'number', text: (row) => rate(row.rate) },
      {
        label: 'Subscribers',
        name: 'subscribers',
        sort: 'subscribers',
        kind: 'number',
        text: ({ subscribers }) => count(subscribers),
      },
      {
        label: 'Retained',
        name: 'retained',
        sort: 'events',
        kind: 'number',
        text: ({ retained }) => (retained ? count(retained.events) : '–'),
      },
      {
        label: 'Bytes',
        name: 'bytes',
        sort: 'bytes',
        kind: 'number',
        text: ({ retained }) => bytes(retained?.bytes),
      },
      {
        label: 'Reaches back',
        name: 'back',
        sort: 'age',
        kind: 'number',
        text: ({ retained }, age) => (retained?.age == null ? '–' : span(retained.age + age)),
        title: () => 'A client that was away for longer has missed events: it is told of a gap',
      },
      {
        label: 'First id',
        name: 'id',
        kind: 'code',
        text: ({ first }) => visible(first ?? '–'),
        title: firstId,
      },
      { label: 'Last id', name: 'id', kind: 'code', text: ({ last }) => visible(last ?? '–'), title: lastId },
      { label: 'Backend', name: 'backend', text: ({ backend }) => visible(backend) },
    ],
    empty: () =>
      'No channel has been used in this process. If there is a hub, give it to the inspector: inspector({ of, hub }).',
  })
}

/** @param {ChannelRow} row */
function firstId({ first }) {
  return visible(first)
}

/** @param {ChannelRow} row */
function lastId({ last }) {
  return visible(last)
}

/** @param {ChannelRow} row */
export function stateOfChannel({ isUp, hasEnded, source }) {
  if (!isUp) return 'Backend away'
  if (hasEnded) return 'Ended'
  return { running: 'Source runs', lingering: 'Source lingers', stopped: 'Source stopped' }[source] ?? 'Open'
}

export function decisionsList() {
  return new List({
    view: 'decisions',
    title: 'Decisions',
    lead: 'The last requests, and what decided each.',
    things: 'requests',
    keyOf: (/** @type {DecisionRow} */ { id }) => id,
    filters: [
      route,
      {
        name: 'status',
        label: 'All statuses',
        options: ['2xx', '3xx', '4xx', '5xx'].map(same),
      },
      { name: 'question', label: 'All questions', of: ({ question }) => question },
    ],
    columns: [
      { label: 'Time', name: 'time', kind: 'number', text: ({ at }) => clock(at), title: full },
      { label: 'Method', name: 'method', kind: 'code', text: ({ method }) => visible(method) },
      {
        label: 'Target',
        name: 'path',
        kind: 'code',
        text: ({ url }) => visible(url),
        title: ({ url }) => visible(url),
        href: ({ id }) => beside(id),
      },
      {
        label: 'Status',
        name: 'status',
        text: () => '',
        paint: (cell, row) => {
          if (!cell.firstElementChild) cell.append(h('span', { class: 'status' }))
          const pill = /** @type {HTMLElement} */ (cell.firstElementChild)
          setText(pill, statusOf(row))
          setAttribute(pill, 'data-kind', kindOf(row))
        },
      },
      { label: 'Decided by', name: 'question', text: ({ question }) => visible(question) },
      { label: 'Took', name: 'took', kind: 'number', text: ({ ms }) => took(ms) },
      {
        label: 'Accept',
        name: 'accept',
        kind: 'code',
        text: (row) => visible(row.accept || '–'),
        title: acceptOf,
      },
      { label: 'Address', name: 'client', kind: 'code', text: ({ client }) => visible(client) },
      { label: 'User agent', name: 'agent', text: (row) => visible(row.userAgent || '–'), title: agentOf },
    ],
    empty: ({ about }) =>
      about.recordingSince
        ? `No request since ${clock(about.recordingSince)}, when recording began. Send one, and it appears here with the way it took.`
        : 'Recording begins now. Send a request, and it appears here with the way it took.',
  })
}

/** @param {{ at: number }} row */
function full({ at }) {
  return new Date(at).toISOString()
}

/** @param {DecisionRow} row */
function acceptOf({ accept }) {
  return visible(accept)
}

/** @param {DecisionRow} row */
function agentOf({ userAgent }) {
  return visible(userAgent)
}

/** @param {DecisionRow} row */
export function statusOf({ outcome, status }) {
  if (outcome === 'loop') return 'Stream'
  return status == null ? (outcome === 'left' ? 'Left' : 'Error') : String(status)
}

/** @param {DecisionRow} row */
export function kindOf({ outcome, status }) {
  if (outcome === 'loop') return 'held'
  return status == null ? (outcome === 'left' ? 'left' : 's5') : `s${Math.floor(status / 100)}`
}
