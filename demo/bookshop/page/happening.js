import { Count } from './count.js'
import { byId, h } from './dom.js'
import { follow } from './follow.js'
import { holdWhileVisible } from './held.js'

const most = 200
const away = 5000

/**
 * Follows the firehose, and counts what comes.
 *
 * @param {import('./shelf.js').Shelf} shelf what it keeps up to date
 * @param {string | undefined} position where the firehose stood when the shelf was loaded
 */
export function showHappening(shelf, position) {
  const events = byId('events')
  const state = byId('happening-state')
  /** @type {HTMLButtonElement} */
  const hangUp = byId('hang-up')
  const count = new Count(position)
  // what has no position yet has no past: nothing is lost from the beginning on
  let last = position ?? 'earliest'
  let returns = 0
  let wasOpen = false
  /** @type {ReturnType<typeof follow> | undefined} */
  let stream

  /** @param {HTMLElement} item */
  const show = (item) => {
    events.prepend(item)
    while (events.children.length > most) events.lastElementChild?.remove()
    for (const name of /** @type {const} */ (['seen', 'missed', 'twice'])) {
      const shown = byId(name)
      shown.textContent = String(count[name])
      shown.classList.toggle('bad', name !== 'seen' && count[name] > 0)
    }
    byId('returns').textContent = String(returns)
  }

  const open = () => {
    stream = follow('/api/events/stream', {
      position: last,
      types: ['created', 'updated', 'deleted', 'gap'],
      event: (message) => {
        const data = JSON.parse(message.data)
        if (message.type === 'gap') {
          count.gap()
          show(gapItem(data))
          // what is missing on the shelf cannot be known: it is loaded again
          void shelf.load()
          return
        }
        last = message.lastEventId
        if (count.see(message.lastEventId)) shelf.apply(data)
        show(eventItem(message, data))
      },
      state: (now) => {
        if (now === 'open') {
          if (wasOpen) byId('returns').textContent = String(++returns)
          wasOpen = true
        }
        state.textContent = now === 'open' ? 'Live.' : 'Lost the connection. Coming back …'
        state.dataset.state = now
      },
    })
  }
  const close = () => {
    stream?.close()
    stream = undefined
  }

  holdWhileVisible('firehose', {
    open() {
      open()
      return close
    },
    wait() {
      state.textContent = 'Waiting for a connection: other windows of this page hold all there are.'
    },
  })

  hangUp.addEventListener('click', () => {
    if (!stream) return
    close()
    hangUp.disabled = true
    let left = away / 1000
    const tick = () => {
      state.dataset.state = 'lost'
      state.textContent = `Hung up. Back in ${left} s: change a book meanwhile.`
    }
    tick()
    const ticking = setInterval(() => {
      left -= 1
      if (left > 0) return tick()
      clearInterval(ticking)
      hangUp.disabled = false
      // it may have become visible again meanwhile, or not be
      if (!stream && document.visibilityState === 'visible') open()
    }, 1000)
  })
}

/**
 * @param {MessageEvent} message
 * @param {{ kind: string, book: import('./books.js').Book }} data
 */
function eventItem({ lastEventId }, { kind, book }) {
  return h(
    'li',
    { class: kind, 'data-id': lastEventId },
    h('span', { class: 'kind' }, kind),
    h('span', { class: 'what' }, book.title),
    h('time', {}, new Date().toLocaleTimeString()),
  )
}

/** @param {{ requested: string, reason: string }} gap */
function gapItem({ requested, reason }) {
  const why =
    reason === 'unknown'
      ? 'the server was started anew, and its history was in memory'
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
