// Begins the page: shows the view that the address names, from the feed of the server, and the item opened beside it.
import { say } from './actions.js'
import { channelsList } from './channels.js'
import { DecisionPane } from './decision.js'
import { decisionsList } from './decisions.js'
import { byId, h, setAttribute, setText } from './dom.js'
import { endedList } from './ended.js'
import { Feed } from './feed.js'
import { listenToKeys } from './keys.js'
import { Overview } from './overview.js'
import { channelPane, endedPane, streamPane } from './panes.js'
import { hrefOf, place } from './place.js'
import { streamsList } from './streams.js'
import { clock, span, visible } from './words.js'

/**
 * @typedef {import('./shapes.js').About} About
 * @typedef {import('./shapes.js').Snapshot} Snapshot
 * @typedef {{ element: Element, update(snapshot: Snapshot, at: number): void, tick(): void, focusSearch(): void, summarise?(snapshot: Snapshot): void }} View
 * @typedef {{ element: Element, update(row: any, at: number): void, tick(): void, close(): void }} Pane
 * @typedef {object} Opened what is open beside the list
 * @property {string} key
 * @property {string} id
 * @property {Pane} pane
 * @property {number} from how far down the page was
 * @property {number} soughtAt when it was asked for last
 */

/** @type {Record<string, { title: string, sort?: string, make: () => View, keyOf?: (row: any) => string, pane?: (id: string, about: About) => Pane }>} */
const views = {
  overview: { title: 'Overview', make: () => new Overview() },
  streams: { title: 'Streams', sort: '-age', make: streamsList, keyOf: ({ id }) => id, pane: streamPane },
  ended: { title: 'Ended', make: endedList, keyOf: ({ id }) => id, pane: endedPane },
  channels: {
    title: 'Channels',
    sort: 'name',
    make: channelsList,
    keyOf: ({ name }) => name,
    pane: channelPane,
  },
  decisions: {
    title: 'Decisions',
    make: decisionsList,
    keyOf: ({ id }) => id,
    pane: (id) => new DecisionPane(id),
  },
}
const names = Object.keys(views)

/** @type {Map<string, View>} */
const made = new Map()
/** What was told last of each view: shown at once when one comes back to it. @type {Map<string, { snapshot: Snapshot, at: number }>} */
const told = new Map()
/** What was shown when the reader paused. @type {typeof told} */
const held = new Map()
/** @type {{ url: string, feed: Feed } | undefined} */
let following
/** @type {Opened | undefined} */
let opened
/** @type {About | undefined} */
let about
/** @type {import('./feed.js').State} */
let state = { kind: 'connecting' }
let isPaused = false

function current() {
  const here = place()
  const view = here.view in views ? here.view : 'overview'
  return { ...here, view, ...views[view] }
}

/** @param {string} name */
function viewOf(name) {
  const view = made.get(name) ?? /** @type {NonNullable<(typeof views)[string]>} */ (views[name]).make()
  made.set(name, view)
  return view
}

function arrive() {
  const { view, title = '', sort, query } = current()
  document.title = `${title} · Inspector`
  for (const link of byId('views').querySelectorAll('a'))
    setAttribute(link, 'aria-current', link.dataset.view === view ? 'page' : undefined)
  const { element } = viewOf(view)
  if (byId('view').firstElementChild !== element) {
    byId('view').replaceChildren(element)
    scrollTo(0, 0)
    document.querySelector('[aria-current="page"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }
  const url = `feed?${new URLSearchParams({ view, ...(sort && { sort }), ...query })}`
  if (following?.url !== url) {
    following?.feed.close()
    const feed = new Feed(url, { view: (snapshot) => take(url, snapshot) }, (to) => turn(to))
    following = { url, feed }
  }
  paint()
}

/**
 * @param {string} url
 * @param {Snapshot} snapshot
 */
function take(url, snapshot) {
  if (following?.url !== url) return
  if (about && about.pid !== snapshot.about.pid)
    say(`Another process answers now: ${snapshot.about.pid} on ${visible(snapshot.about.host)}.`)
  about = snapshot.about
  const { view } = current()
  told.set(view, { snapshot, at: Date.now() })
  if (isPaused && held.has(view)) return
  if (isPaused) hold()
  paint()
}

/** Writes what has been told into the view and into what is opened. */
function paint() {
  const { view, open, keyOf = () => '' } = current()
  const last = held.get(view) ?? told.get(view)
  const shown = viewOf(view)
  if (last) {
    shown.update(last.snapshot, last.at)
    shown.summarise?.(last.snapshot)
  }
  if (about) describe(about)
  showPane()
  const row = last?.snapshot.rows.find((each) => keyOf(each) === open)
  if (row) opened?.pane.update(row, last?.at ?? Date.now())
  else if (last && opened) void seek(opened)
}

/** Asks for what is opened where it is not on the page of the list: at most once in two seconds. @param {Opened} seeking */
async function seek(seeking) {
  const { view, open = '', keyOf = () => '' } = current()
  if (Date.now() < seeking.soughtAt + 2000 || view === 'decisions') return
  seeking.soughtAt = Date.now()
  const headers = { Accept: 'application/json' }
  const response = await fetch(`feed?${new URLSearchParams({ view, q: open })}`, { headers }).catch(
    () => undefined,
  )
  if (!response?.ok) return
  const { rows } = /** @type {Snapshot} */ (await response.json())
  if (opened === seeking)
    seeking.pane.update(
      rows.find((each) => keyOf(each) === open),
      Date.now(),
    )
}

function showPane() {
  const { view, open, pane: make, query } = current()
  const host = byId('pane')
  const key = open === undefined || !make ? '' : `${view} ${open}`
  if ((opened?.key ?? '') === key || (key && !about)) return
  const before = opened
  before?.pane.close()
  opened = undefined
  const hadFocus = host.contains(document.activeElement)
  host.hidden = !key
  byId('main').classList.toggle('split', key !== '')
  host.replaceChildren()
  if (key && make && about && open !== undefined) {
    const pane = make(open, about)
    const row = document.activeElement
    opened = { key, pane, id: open, from: before?.from ?? scrollY, soughtAt: 0 }
    const back = hrefOf({ view, open: undefined, query })
    const close = h('a', { class: 'back', href: back, 'aria-label': 'Close' }, h('span', {}, 'Close'))
    host.append(close, pane.element)
    host.scrollTop = 0
    // in a narrow window the list has made room
    if (row instanceof HTMLElement && row !== document.body && row.offsetParent === null) close.focus()
    if (byId('view').offsetParent === null) scrollTo(0, 0)
  } else if (before) {
    if (byId('view').scrollHeight > innerHeight) scrollTo(0, before.from)
    if (hadFocus) focusOn(hrefOf({ view, open: before.id, query }))
  }
}

/** Gives the focus to the row of an address. @param {string} href */
function focusOn(href) {
  const links = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('#view .rows a'))
  const link = [...links].find((each) => each.getAttribute('href') === href)
  const next = link ?? byId('main')
  next.focus({ preventScroll: true })
}

/** Says which process this is. @param {About} about */
function describe({ pid, host, processes, closing, recordingSince }) {
  const since = recordingSince ? `, decisions since ${clock(recordingSince)}` : ''
  setText(byId('process'), `Process ${pid} on ${visible(host)}${since}`)
  byId('others').hidden = processes !== 'several'
  setText(byId('others'), 'One of several processes: the others are not shown.')
  byId('closing').hidden = !closing
}

/** @param {import('./feed.js').State} to */
function turn(to) {
  state = to
  tell()
}

function tell() {
  const connection = byId('connection')
  const words = {
    connecting: 'Connecting…',
    live: 'Live',
    asleep: 'Asleep',
    lost: 'Not connected',
    refused: 'Refused',
  }
  setText(connection, isPaused && state.kind === 'live' ? 'Paused' : words[state.kind])
  setAttribute(connection, 'data-state', isPaused && state.kind === 'live' ? 'paused' : state.kind)
  const lost = byId('lost')
  lost.hidden = state.kind !== 'lost' && state.kind !== 'refused'
  document.body.classList.toggle('stale', !lost.hidden)
  if (state.kind === 'lost')
    setText(
      lost,
      `The server does not answer since ${clock(state.since)}, for ${span(Date.now() - state.since)}. Trying again; what is shown is from before.`,
    )
  if (state.kind === 'refused') setText(lost, refusedWords(state.status))
}

/** @param {number} status */
function refusedWords(status) {
  if (status === 401 || status === 403)
    return `The server does not let you look at it (${status}). Sign in again, and load the page anew.`
  return `The server answers ${status}. Trying again; what is shown is from before.`
}

function pause() {
  isPaused = !isPaused
  setAttribute(byId('pause'), 'aria-pressed', String(isPaused))
  setText(byId('pause'), isPaused ? 'Go on' : 'Pause')
  held.clear()
  if (isPaused) hold()
  tell()
  paint()
}

/** Keeps what is shown of this view as it is. */
function hold() {
  const { view } = current()
  const last = told.get(view)
  if (last) held.set(view, last)
}

byId('views').append(
  ...names.map((name, index) =>
    h(
      'li',
      {},
      h(
        'a',
        { href: `#${name}`, 'data-view': name, 'aria-keyshortcuts': index + 1 },
        views[name]?.title ?? '',
      ),
    ),
  ),
)
byId('pause').addEventListener('click', pause)
listenToKeys({
  view: (index) => {
    location.hash = `#${names[index]}`
  },
  search: () => viewOf(current().view).focusSearch(),
  pause,
  back: () => {
    const { view, open, query } = current()
    if (open === undefined) return
    byId('pane').querySelector('a')?.focus()
    location.hash = hrefOf({ view, open: undefined, query })
  },
})
addEventListener('hashchange', arrive)
setInterval(() => {
  tell()
  if (isPaused || state.kind !== 'live') return
  viewOf(current().view).tick()
  opened?.pane.tick()
}, 1000)
arrive()
