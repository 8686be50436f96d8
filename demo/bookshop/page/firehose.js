import { isPast, placeOf } from './count.js'
import { follow } from './follow.js'
import { shareWhileVisible } from './held.js'

export const firehose = '/api/events/stream'
const types = ['created', 'updated', 'deleted', 'restocked', 'gap', 'process']

/**
 * What has happened, or a gap; `at` is its id, the place after it.
 *
 * @typedef {{ type: string, at: string, data: any }} Happening
 * @typedef {'open' | 'shared' | 'lost' | 'away'} State `shared`: open, in another window; `away`: hidden, or let go
 * @typedef {Happening | { at: string, state: 'open' | 'lost' } | { at: string, pid: number }} Update `pid`: of the server
 */

/**
 * Follows the firehose, by one connection for all windows of this browser. Each window knows its own place, and takes
 * from another what is next there; where something is between, it reads that itself, once.
 *
 * @param {string} position the place to begin after
 * @param {object} how
 * @param {(happening: Happening) => void} how.take
 * @param {(state: State) => void} how.state
 * @param {(pid: number) => void} how.process which process of the server it comes from, where there may be several
 * @returns {{ letGo(): void, hold(): void }}
 */
export function followFirehose(position, { take, state, process }) {
  let at = position
  /** @type {'open' | 'lost'} */
  let now = 'lost'
  /** @type {number | undefined} */
  let pid
  /** What this window reads itself, until it has what another window has had. */
  /** @type {ReturnType<typeof follow> | undefined} */
  let catchingUp
  let goal = at

  /** @param {string} place */
  const isBehind = (place) => isPast(placeOf(at), placeOf(place))

  /** @param {Happening} happening */
  const go = (happening) => {
    // told again of a gap that it is past already
    const isGap = happening.type === 'gap'
    if (isGap && happening.data.requested !== at) return
    if (isGap || !isBehind(happening.at)) at = happening.at
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
      if (isBehind(goal)) stop()
    })
  }

  /**
   * @param {(happening: Happening) => void} event
   * @param {(state: 'open' | 'lost') => void} [change]
   * @param {(pid: number) => void} [served]
   */
  const read = (event, change = () => {}, served = () => {}) =>
    follow(firehose, {
      position: at,
      types,
      event: (message) =>
        message.type === 'process' ? served(JSON.parse(message.data).pid) : event(happeningOf(message)),
      state: change,
    })

  return shareWhileVisible('firehose', {
    /** @param {(update: Update) => void} tell */
    open(tell) {
      stop()
      const stream = read(
        tell,
        (change) => {
          now = change
          pid = undefined
          tell({ at, state: change })
        },
        (served) => {
          pid = served
          tell({ at, pid })
        },
      )
      return () => stream.close()
    },
    show(update, isOwn) {
      if ('state' in update) state(isOwn || update.state === 'lost' ? update.state : 'shared')
      if ('pid' in update) process(update.pid)
      if (isOwn) return 'type' in update && go(update)
      if (!catchingUp && 'type' in update && isNext(update, at)) go(update)
      else if (!isBehind(update.at)) catchUp(update.at)
    },
    all: () => [
      /** @type {Update} */ ({ at, state: now }),
      ...(pid === undefined ? [] : [/** @type {Update} */ ({ at, pid })]),
    ],
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
