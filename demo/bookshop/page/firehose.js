import { placeOf } from './count.js'
import { follow } from './follow.js'
import { shareWhileVisible } from './held.js'

export const firehose = '/api/events/stream'
const types = ['created', 'updated', 'deleted', 'restocked', 'gap']

/**
 * What has happened, or a gap; `at` is its id, the place after it.
 *
 * @typedef {{ type: string, at: string, data: any }} Happening
 * @typedef {'open' | 'shared' | 'lost' | 'away'} State `shared`: open, in another window; `away`: hidden, or let go
 * @typedef {Happening | { at: string, state: 'open' | 'lost' }} Update
 */

/**
 * Follows the firehose, by one connection for all windows of this browser. Each window knows its own place, and takes
 * from another what is next there; where something is between, it reads that itself, once.
 *
 * @param {string} position the place to begin after
 * @param {object} how
 * @param {(happening: Happening) => void} how.take
 * @param {(state: State) => void} how.state
 * @returns {{ letGo(): void, hold(): void }}
 */
export function followFirehose(position, { take, state }) {
  let at = position
  /** @type {'open' | 'lost'} */
  let now = 'lost'
  /** What this window reads itself, until it has what another window has had. */
  /** @type {ReturnType<typeof follow> | undefined} */
  let catchingUp
  let goal = at

  /** @param {string} place */
  const isPast = (place) => {
    const [mine, theirs] = [placeOf(at), placeOf(place)]
    return mine.epoch === theirs.epoch && mine.number >= theirs.number
  }

  /** @param {Happening} happening */
  const go = (happening) => {
    // told again of a gap that it is past already
    if (happening.type === 'gap' && happening.data.requested !== at) return
    if (!isPast(happening.at)) at = happening.at
    take(happening)
  }

  const stop = () => {
    catchingUp?.close()
    catchingUp = undefined
  }

  /** @param {string} place */
  const catchUp = (place) => {
    goal = place
    catchingUp ??= read((happening) => {
      go(happening)
      if (isPast(goal)) stop()
    })
  }

  /**
   * @param {(happening: Happening) => void} event
   * @param {(state: 'open' | 'lost') => void} [change]
   */
  const read = (event, change = () => {}) =>
    follow(firehose, { position: at, types, event: (message) => event(happeningOf(message)), state: change })

  return shareWhileVisible('firehose', {
    /** @param {(update: Update) => void} tell */
    open(tell) {
      stop()
      const stream = read(tell, (change) => {
        now = change
        tell({ at, state: change })
      })
      return () => stream.close()
    },
    show(update, isOwn) {
      if ('state' in update) state(isOwn || update.state === 'lost' ? update.state : 'shared')
      if (isOwn) return 'type' in update && go(update)
      if (isPast(update.at)) return
      if (!catchingUp && 'type' in update && isNext(update, at)) go(update)
      else catchUp(update.at)
    },
    all: () => [/** @type {Update} */ ({ at, state: now })],
    want(isIt) {
      if (isIt) return
      stop()
      state('away')
    },
  })
}

/**
 * @param {MessageEvent} message
 * @returns {Happening}
 */
function happeningOf({ type, lastEventId, data: text }) {
  return { type, at: lastEventId, data: JSON.parse(text) }
}

/**
 * @param {Happening} happening
 * @param {string} place
 */
function isNext({ type, at, data }, place) {
  if (type === 'gap') return data.requested === place
  const [next, last] = [placeOf(at), placeOf(place)]
  return next.epoch === last.epoch && next.number === last.number + 1
}
