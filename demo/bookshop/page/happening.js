import { create, flawOf, keptIn, read, remove } from './books.js'
import { Count } from './count.js'
import { byId, enable, h, onPress } from './dom.js'
import { firehose, followFirehose } from './firehose.js'
import { positionOf } from './follow.js'
import { say, sayFailed } from './reach.js'
import { showWait } from './wait.js'

const most = 200
const surprise = { isbn: '9780441013593', title: 'Dune', author: 'Frank Herbert', year: 1965 }
const away = 5000

const states = {
  open: 'Live.',
  shared: 'Live, by the connection of another window: a browser has six for all of them.',
  lost: 'Lost the connection. Reconnecting …',
  away: 'Connecting …',
}

/**
 * Follows the firehose, counts what comes, and keeps the shelf up to date by it.
 *
 * @param {import('./shelf.js').Shelf} shelf
 */
export async function showHappening(shelf) {
  const events = byId('events')
  const state = byId('happening-state')
  const disconnect = byId('disconnect')
  showDune()
  // where it stands is read before the shelf, and it is followed from there: nothing is between the two
  const position = await positionOf(firehose, () => {
    say(state, 'The server does not answer. Trying again …')
    shelf.isAway()
  })
  const count = new Count(position)
  shelf.load()
  let returns = 0
  let wasOpen = false
  let isOpen = false
  let isDisconnected = false

  /** @param {HTMLElement} item */
  const show = (item) => {
    events.prepend(item)
    // a gap stays to be seen
    if (events.children.length > most)
      [...events.children].findLast((each) => !each.matches('.gap'))?.remove()
    const { seen, missed, isMore, twice } = count
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
    if (type === 'gap') {
      const lost = count.gap(at)
      // what is missing on the shelf cannot be known
      shelf.load()
      show(gapItem(data.requested, lost))
      if (lost === undefined) void sayFate(shelf)
      return
    }
    const { missed } = count
    const isNew = count.see(at)
    if (data.kind === 'restocked' || count.missed > missed) shelf.load()
    else if (isNew) shelf.apply(data)
    show(eventItem(at, data))
  }

  const connection = followFirehose(position, {
    take,
    state(now) {
      const wasLive = isOpen
      isOpen = now === 'open' || now === 'shared'
      if (isOpen && !wasLive) {
        if (wasOpen) say(byId('returns'), String(++returns))
        wasOpen = true
      }
      if (isDisconnected) return
      say(state, states[now])
      state.dataset.state = isOpen ? 'open' : 'lost'
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
      say(state, states.away)
      connection.hold()
    }, away)
  })
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
 * The server has restarted: what became of the books is said on the shelf.
 *
 * @param {import('./shelf.js').Shelf} shelf
 */
async function sayFate(shelf) {
  if ((await keptIn()) !== 'memory') return
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
      ? `An unknown number of events is missing after ${requested}: the server has restarted, and its history was in memory.`
      : `${lost === 1 ? 'One event is' : `${lost} events are`} missing after ${requested}: more has happened than is retained.`
  return h(
    'li',
    { class: 'gap' },
    h('span', { class: 'kind' }, 'gap'),
    h('span', { class: 'what' }, `${what} The shelf was loaded again.`),
    h('time', {}, new Date().toLocaleTimeString()),
  )
}
