// The list of requests, and what each came to.
import { beside, full, route, same } from './columns.js'
import { h, setAttribute, setText } from './dom.js'
import { List } from './list.js'
import { clock, took, visible } from './words.js'

/** @typedef {import('./shapes.js').DecisionRow} DecisionRow */

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
