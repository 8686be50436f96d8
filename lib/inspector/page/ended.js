// The list of streams that have ended, and how many for which reason.
import { beside, format, full, route, same, some, unlessNone } from './columns.js'
import { h, setAttribute, setChildren, setText } from './dom.js'
import { List } from './list.js'
import { hrefOf, place } from './place.js'
import { bytes, clock, count, reasons, span, took, visible } from './words.js'

/** @typedef {import('./shapes.js').EndedRow} EndedRow */

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
