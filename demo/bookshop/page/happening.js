import { create, read, remove } from './books.js'
import { Count } from './count.js'
import { byId, h } from './dom.js'
import { follow, positionOf } from './follow.js'
import { holdWhileVisible } from './held.js'

const firehose = '/api/events/stream'
const most = 200
const surprise = { isbn: '9780441013593', title: 'Dune', author: 'Frank Herbert', year: 1965 }
const away = 5000

/**
 * Follows the firehose, counts what comes, and keeps the shelf up to date by it.
 *
 * @param {import('./shelf.js').Shelf} shelf
 */
export async function showHappening(shelf) {
  const events = byId('events')
  const state = byId('happening-state')
  /** @type {HTMLButtonElement} */
  const hangUp = byId('hang-up')
  // where it stands is read before the shelf, and it is followed from there: nothing is between the two
  let last = await positionOf(firehose)
  const count = new Count(last)
  shelf.load()
  let returns = 0
  let wasOpen = false

  /** @param {HTMLElement} item */
  const show = (item) => {
    events.prepend(item)
    // a gap stays to be seen
    if (events.children.length > most)
      [...events.children].findLast((each) => !each.matches('.gap'))?.remove()
    for (const name of /** @type {const} */ (['seen', 'missed', 'twice'])) {
      const shown = byId(name)
      shown.textContent = String(count[name])
      shown.classList.toggle('bad', name !== 'seen' && count[name] > 0)
    }
  }

  /** @param {MessageEvent} message */
  const take = (message) => {
    const data = JSON.parse(message.data)
    if (message.type === 'gap') {
      count.gap()
      // what is missing on the shelf cannot be known
      shelf.load()
      // where nothing is retained nothing comes now: it goes on from here, and is told of the gap once
      if (data.from.endsWith('-0')) last = data.from
      return show(gapItem(data))
    }
    last = message.lastEventId
    const { missed } = count
    const isNew = count.see(last)
    if (data.kind === 'restocked' || count.missed > missed) shelf.load()
    else if (isNew) shelf.apply(data)
    show(eventItem(message, data))
  }

  const connection = holdWhileVisible('firehose', state, () => {
    const stream = follow(firehose, {
      position: last,
      types: ['created', 'updated', 'deleted', 'restocked', 'gap'],
      event: take,
      state: (now) => {
        if (now === 'open') {
          if (wasOpen) byId('returns').textContent = String(++returns)
          wasOpen = true
        }
        state.textContent = now === 'open' ? 'Live.' : 'Lost the connection. Reconnecting …'
        state.dataset.state = now
      },
    })
    return () => stream.close()
  })

  byId('happen').addEventListener('click', async () => {
    const isAdded = (await create(surprise)).ok
    if (isAdded) return
    const response = await read(surprise.isbn)
    if (response.ok) await remove(surprise.isbn, response.headers.get('ETag') ?? '')
  })

  hangUp.addEventListener('click', () => {
    hangUp.disabled = true
    connection.letGo()
    let left = away / 1000
    const tick = () => {
      state.dataset.state = 'lost'
      state.textContent = `Hung up. Back in ${left} s: change a book meanwhile.`
      if (left-- > 0) return void setTimeout(tick, 1000)
      hangUp.disabled = false
      connection.hold()
    }
    tick()
  })
}

/**
 * @param {MessageEvent} message
 * @param {{ kind: string, book?: import('./books.js').Book }} data
 */
function eventItem({ lastEventId }, { kind, book }) {
  return h(
    'li',
    { class: kind, 'data-id': lastEventId },
    h('span', { class: 'kind' }, kind),
    h('span', { class: 'what' }, book?.title ?? 'Anything may have changed: the shelf was loaded again.'),
    h('time', {}, new Date().toLocaleTimeString()),
  )
}

/** @param {{ requested: string, reason: string }} gap */
function gapItem({ requested, reason }) {
  const why =
    reason === 'unknown'
      ? 'the server has restarted, and its history was in memory'
      : 'more has happened than is retained'
  return h(
    'li',
    { class: 'gap' },
    h('span', { class: 'kind' }, 'gap'),
    h(
      'span',
      { class: 'what' },
      `What happened after ${requested} cannot be told: ${why}. The shelf was loaded again.`,
    ),
    h('time', {}, new Date().toLocaleTimeString()),
  )
}
