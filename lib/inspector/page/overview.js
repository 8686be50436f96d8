// The first view: what should be looked at, in sentences, and the state of each route.
import { h, setAttribute, setChildren, setText } from './dom.js'
import { toneOfReason } from './ended.js'
import { Pages } from './pages.js'
import { hrefOf } from './place.js'
import { Table } from './table.js'
import { bytes, clock, count, plural, reasons, span, statusName, visible } from './words.js'

/**
 * @typedef {import('./shapes.js').RouteRow} RouteRow
 * @typedef {import('./shapes.js').Backend} Backend
 * @typedef {import('./shapes.js').Snapshot<RouteRow>} Snapshot
 */

/** How a finding is marked. */
const levels = { error: 'bad', warn: 'warm', info: 'note', fine: 'fine' }

export class Overview {
  element
  #findings = h('ul', { class: 'findings', 'aria-label': 'Findings' })
  #figures = h('dl', { class: 'figures' })
  #backends = h('ul', { class: 'backends', 'aria-label': 'Backends' })
  #table
  #pages = new Pages()
  #nothing = h('div', { class: 'nothing', hidden: true })
  /** @type {readonly Backend[]} */
  #told = []

  constructor() {
    this.#table = new Table({
      caption: 'Routes and formats',
      name: 'routes',
      keyOf: (/** @type {RouteRow} */ row) => `${row.route} ${row.format}`,
      columns: [
        {
          label: 'Route',
          name: 'path',
          kind: 'code',
          text: ({ route }) => visible(route),
          title: ({ route }) => visible(route),
          href: ({ route, format }) => streams({ route, format }),
        },
        { label: 'Format', name: 'format', text: ({ format }) => visible(format || '–') },
        {
          label: 'Open',
          name: 'count',
          kind: 'number',
          text: ({ open }) => count(open),
          tone: ({ open, limit }) => (limit && open > limit * 0.9 ? 'warm' : undefined),
          title: ({ limit }) =>
            limit == null ? 'There is no limit' : `At most ${count(limit)} for the route`,
        },
        {
          label: 'Behind',
          name: 'count',
          kind: 'number',
          text: ({ behind }) => count(behind),
          tone: ({ behind }) => (behind > 0 ? 'warm' : 'quiet'),
          title: () => 'Streams whose client reads slower than it is sent to',
        },
        {
          label: 'Waiting',
          name: 'waiting',
          kind: 'number',
          text: ({ queued }) => count(queued),
          tone: ({ queued }) => (queued > 0 ? '' : 'quiet'),
        },
        {
          label: 'In queues',
          name: 'bytes',
          kind: 'number',
          text: ({ queuedBytes }) => bytes(queuedBytes),
          tone: ({ queuedBytes }) => (queuedBytes > 0 ? '' : 'quiet'),
        },
        { label: 'Opened/min', name: 'minute', kind: 'number', text: ({ opened }) => count(opened) },
        { label: 'Ended/min', name: 'parts', text: () => '', paint: paintEnded },
        { label: 'Refused/min', name: 'parts c-refused', text: () => '', paint: paintRefused },
        {
          label: 'Dropped/min',
          name: 'dropped',
          kind: 'number',
          text: ({ dropped }) => count(dropped),
          tone: ({ dropped }) => (dropped > 0 ? 'bad' : 'quiet'),
          title: () => 'Events that clients have not received because they are slow',
        },
        {
          label: 'Gaps/min',
          name: 'gaps',
          kind: 'number',
          text: ({ gaps }) => count(gaps),
          tone: ({ gaps }) => (gaps > 0 ? 'bad' : 'quiet'),
          title: () => 'Clients that missed events, and were told so',
        },
      ],
    })
    this.#nothing.append(
      h(
        'p',
        {},
        'Nothing has been asked of these endpoints so far. Open a stream, and its route appears here.',
      ),
    )
    this.element = h(
      'div',
      { class: 'list overview' },
      h('div', { class: 'heading' }, h('h1', { id: 'view-title' }, 'Overview')),
      this.#figures,
      this.#findings,
      h('h2', {}, 'Routes'),
      this.#table.element,
      this.#nothing,
      this.#pages.element,
      this.#backends,
    )
  }

  focusSearch() {}

  /** @param {Snapshot} snapshot @param {number} at */
  update(snapshot, at) {
    const { rows, alerts = [], backends = [] } = snapshot
    this.#find(alerts)
    this.#sum(rows)
    this.#table.update(rows, { at })
    this.#table.element.hidden = rows.length === 0
    this.#nothing.hidden = rows.length > 0
    this.#pages.update(snapshot)
    this.#told = backends
    this.tick()
  }

  /** @param {NonNullable<Snapshot['alerts']>} alerts */
  #find(alerts) {
    /** @type {readonly { level: keyof typeof levels, text: string, view?: string }[]} */
    const found =
      alerts.length > 0
        ? alerts
        : [{ level: 'fine', text: 'Nothing stands out: clients keep up, nobody missed anything.' }]
    while (this.#findings.children.length > found.length) this.#findings.lastElementChild?.remove()
    found.forEach(({ level, text, view }, index) => {
      const item = this.#findings.children[index] ?? this.#findings.appendChild(h('li'))
      setAttribute(item, 'data-level', levels[level])
      const shown = view ? (item.querySelector('a') ?? h('a')) : undefined
      if (shown) setAttribute(shown, 'href', hrefOfQuery(view ?? ''))
      if (shown && shown.parentNode !== item) item.replaceChildren(shown)
      setText(shown ?? item, visible(text))
    })
  }

  /** @param {readonly RouteRow[]} rows */
  #sum(rows) {
    const sum = (/** @type {(row: RouteRow) => number} */ of) =>
      rows.reduce((total, row) => total + of(row), 0)
    const total = (/** @type {Readonly<Record<string, number>>} */ parts) =>
      Object.values(parts).reduce((one, other) => one + other, 0)
    const [open, behind, gaps] = [sum((row) => row.open), sum((row) => row.behind), sum((row) => row.gaps)]
    // a route has the same refusals in each of its rows, of whichever format
    const refusals = new Map(rows.map((row) => [row.route, total(row.refused)]))
    const refused = [...refusals.values()].reduce((one, other) => one + other, 0)
    /** @type {[label: string, value: string, tone: string, href?: string][]} */
    const figures = [
      ['Open streams', count(open), '', '#streams'],
      ['Behind', count(behind), behind ? 'warm' : 'quiet', '#streams?state=behind'],
      ['In queues', bytes(sum((row) => row.queuedBytes)), ''],
      ['Opened per minute', count(sum((row) => row.opened)), ''],
      ['Ended per minute', count(sum((row) => total(row.ended))), '', '#ended'],
      ['Refused per minute', count(refused), refused ? 'warm' : 'quiet', '#decisions?status=4xx'],
      ['Gaps per minute', count(gaps), gaps ? 'bad' : 'quiet'],
    ]
    figures.forEach(([label, value, tone, href], index) => {
      const box = this.#figures.children[index] ?? this.#figures.appendChild(figure(label, href))
      const shown = /** @type {Element} */ (box.lastElementChild)
      setText(shown, value)
      setAttribute(shown, 'data-tone', tone || undefined)
    })
  }

  tick() {
    while (this.#backends.children.length > this.#told.length) this.#backends.lastElementChild?.remove()
    this.#told.forEach(({ backend, isUp, since, channels }, index) => {
      const item = this.#backends.children[index] ?? this.#backends.appendChild(h('li'))
      setAttribute(item, 'data-level', isUp ? 'fine' : 'bad')
      const away = since ? ` since ${clock(since)}, ${span(Date.now() - since)}` : ''
      const used = `backend ${visible(backend)}, ${plural(channels, 'channel')}`
      setText(item, isUp ? `Up: ${used}` : `Away${away}: ${used}`)
    })
  }
}

/** The address of what the server calls by its query. @param {string} search */
function hrefOfQuery(search) {
  const { view = 'overview', ...query } = Object.fromEntries(new URLSearchParams(search))
  return hrefOf({ view, open: undefined, query })
}

/** @param {Record<string, string>} query */
function streams(query) {
  return hrefOf({ view: 'streams', open: undefined, query })
}

/**
 * @param {string} label
 * @param {string} [href]
 */
function figure(label, href) {
  return h('div', {}, h('dt', {}, href ? h('a', { href }, label) : label), h('dd'))
}

/**
 * Counts by name, each a link to what is counted.
 *
 * @param {HTMLElement} cell
 * @param {Readonly<Record<string, number>>} parts
 * @param {(name: string) => { href: string, title: string, tone: string }} told
 */
function paintParts(cell, parts, told) {
  const entries = Object.entries(parts).filter(([, number]) => number > 0)
  entries.sort(([, one], [, other]) => other - one)
  const links = new Map([...cell.children].map((each) => [each.getAttribute('data-name'), each]))
  const shown = entries.map(([name, number]) => {
    const { href, title, tone } = told(name)
    const link =
      links.get(name) ?? h('a', { 'data-name': name, title, 'data-tone': tone }, h('b'), ` ${name}`)
    setAttribute(link, 'href', href)
    setText(/** @type {Element} */ (link.firstElementChild), count(number))
    return link
  })
  if (shown.length === 0)
    shown.push(links.get('') ?? h('span', { 'data-name': '', 'data-tone': 'quiet' }, '0'))
  setChildren(cell, shown)
}

/** @param {HTMLElement} cell @param {RouteRow} row */
function paintEnded(cell, { route, ended }) {
  paintParts(cell, ended, (reason) => ({
    href: hrefOf({ view: 'ended', open: undefined, query: { route, state: reason } }),
    title: reasons[reason] ?? '',
    tone: toneOfReason(reason),
  }))
}

/** @param {HTMLElement} cell @param {RouteRow} row */
function paintRefused(cell, { route, refused }) {
  paintParts(cell, refused, (status) => ({
    href: hrefOf({ view: 'decisions', open: undefined, query: { route, status } }),
    title: statusName(Number(status)),
    tone: status.startsWith('5') ? 'bad' : 'warm',
  }))
}
