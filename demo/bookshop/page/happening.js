import { create, flawOf, keptIn, read, remove } from './books.js'
import { Count } from './count.js'
import { byId, enable, h, onPress } from './dom.js'
import { followFirehose } from './firehose.js'
import { say, sayFailed } from './reach.js'
import { showWait } from './wait.js'

const most = 200
const surprise = { isbn: '9780441013593', title: 'Dune', author: 'Frank Herbert', year: 1965 }
const away = 5000

const why = {
  memory: 'the server has restarted, and its history was in memory',
  Redis: 'Redis was emptied, or has come back without its latest writes',
}

/**
 * Follows the firehose, counts what comes, and keeps the shelf up to date by it.
 *
 * @param {import('./shelf.js').Shelf} shelf
 */
export function showHappening(shelf) {
  const events = byId('events')
  const state = byId('happening-state')
  const disconnect = byId('disconnect')
  showDune()
  /** @type {Count | undefined} */
  let count
  let returns = 0
  let wasOpen = false
  let isOpen = false
  let isDisconnected = false
  const served = new Served()

  /**
   * @param {HTMLElement} item
   * @param {Count} counts
   */
  const show = (item, { seen, missed, isMore, twice }) => {
    events.prepend(item)
    // a gap stays to be seen
    if (events.children.length > most)
      [...events.children].findLast((each) => !each.matches('.gap'))?.remove()
    const more = missed > 0 ? `${missed} or more` : 'unknown number'
    for (const [name, text] of Object.entries({ seen, missed: isMore ? more : missed, twice })) {
      const shown = byId(name)
      say(shown, String(text))
      shown.classList.toggle('bad', name !== 'seen' && text !== 0)
      shown.classList.toggle('words', typeof text === 'string')
    }
  }

  /** @param {import('./firehose.js').Happening} happening */
  const take = ({ type, at, data }) => {
    if (!count) return
    if (type === 'gap') {
      const lost = count.gap(at, data.reason)
      // what is missing on the shelf cannot be known
      shelf.load()
      const item = gapItem(data.requested, lost)
      show(item, count)
      if (lost === undefined) void sayFate(shelf, item)
      return
    }
    const { missed } = count
    const isNew = count.see(at)
    if (data.kind === 'restocked' || count.missed > missed) shelf.load()
    else if (isNew) shelf.apply(data)
    show(eventItem(at, data), count)
  }

  /** @type {import('./firehose.js').State} */
  let latest = 'away'
  /** @param {import('./firehose.js').State} now */
  const tell = (now) => {
    latest = now
    if (isDisconnected) return
    const isNowhere = now === 'lost' && !count
    if (isNowhere) shelf.isAway()
    say(state, isNowhere ? 'The server does not answer. Trying again …' : wordsOf(now, served.words))
    state.dataset.state = isOpen ? 'open' : 'lost'
    if (served.pid === undefined) delete state.dataset.process
    else state.dataset.process = String(served.pid)
  }

  const connection = followFirehose({
    // what is on the shelf is read after the place is known: nothing is between the two
    begin(position) {
      count = new Count(position)
      shelf.load()
    },
    take,
    state(now) {
      const wasLive = isOpen
      isOpen = now === 'open' || now === 'shared'
      if (isOpen && !wasLive) {
        if (wasOpen) say(byId('returns'), String(++returns))
        wasOpen = true
      }
      served.isBy(undefined)
      tell(now)
    },
    process(pid) {
      served.isBy(pid)
      tell(latest)
    },
  })

  onPress(disconnect, () => {
    enable(disconnect, false)
    isDisconnected = true
    connection.letGo()
    state.dataset.state = 'lost'
    say(state, `Disconnected, for ${away / 1000} seconds. Change a book meanwhile: it comes afterwards.`)
    const end = showWait('disconnected', { what: 'Disconnected', ms: away })
    setTimeout(() => {
      end()
      enable(disconnect, true)
      isDisconnected = false
      tell('away')
      connection.hold()
    }, away)
  })
}

/** Which process of the server the events come from, where it says so: there may be several. */
class Served {
  /** @type {number | undefined} */
  pid
  /** @type {number | undefined} */
  #last
  /** @type {number | undefined} The one before the last, another one. */
  #before

  /** @param {number | undefined} pid */
  isBy(pid) {
    this.pid = pid
    if (pid === undefined || pid === this.#last) return
    this.#before = this.#last
    this.#last = pid
  }

  get words() {
    if (this.pid === undefined) return ''
    return `, from process ${this.pid}${this.#before === undefined ? '' : `, after ${this.#before}`}`
  }
}

/**
 * @param {import('./firehose.js').State} state
 * @param {string} from
 */
function wordsOf(state, from) {
  if (state === 'open') return `Live${from}.`
  if (state === 'shared')
    return `Live${from}, by the connection of another window: a browser has six for all of them.`
  return state === 'lost' ? 'Lost the connection. Reconnecting …' : 'Connecting …'
}

/** The button that adds a book, or removes it where it is there. */
function showDune() {
  const flaw = byId('dune-flaw')
  byId('dune').addEventListener('click', async () => {
    say(flaw, '')
    const there = await read(surprise.isbn)
    const response = there.ok
      ? await remove(surprise.isbn, there.headers.get('ETag') ?? '')
      : await create(surprise)
    if (!response.ok) sayFailed(flaw, 'Dune was neither added nor removed', await flawOf(response))
  })
}

/**
 * The server does not know any more what came last: why is said at the gap, and what became of the books on the shelf.
 *
 * @param {import('./shelf.js').Shelf} shelf
 * @param {HTMLElement} item
 */
async function sayFate(shelf, item) {
  const kept = await keptIn()
  if (kept) say(/** @type {HTMLElement} */ (item.querySelector('.why')), `: ${why[kept]}`)
  if (kept !== 'memory') return
  shelf.notice(
    'The server has restarted. Its books were kept in memory: what was added, edited or deleted before is gone, and the shelf is again as it was at the beginning.',
  )
}

/**
 * @param {string} id
 * @param {{ kind: string, book?: import('./books.js').Book }} data
 */
function eventItem(id, { kind, book }) {
  return h(
    'li',
    { class: kind, 'data-id': id },
    h('span', { class: 'kind' }, kind),
    h('span', { class: 'what' }, book?.title ?? 'Anything may have changed: the shelf was loaded again.'),
    h('time', {}, new Date().toLocaleTimeString()),
  )
}

/**
 * @param {string} requested
 * @param {number | undefined} lost
 */
function gapItem(requested, lost) {
  const what =
    lost === undefined
      ? `An unknown number of events is missing after ${requested}`
      : `${lost === 1 ? 'One event is' : `${lost} events are`} missing after ${requested}`
  const because = lost === undefined ? '' : ': more has happened than is retained'
  return h(
    'li',
    { class: 'gap' },
    h('span', { class: 'kind' }, 'gap'),
    h('span', { class: 'what' }, what, h('span', { class: 'why' }, because), '. The shelf was loaded again.'),
    h('time', {}, new Date().toLocaleTimeString()),
  )
}
