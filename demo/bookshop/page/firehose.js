import { follow } from '../../../lib/client.js' // elsewhere: 'express-lariat/client'
import { isPast, placeOf } from './count.js'
import { shareWhileVisible } from './held.js'
import { lookedOn } from './reach.js'

/**
 * What has happened, or a gap; `at` is its id, the place after it.
 *
 * @typedef {{ type: string, at: string, data: any }} Happening
 * @typedef {'open' | 'shared' | 'lost' | 'away'} State `shared`: open, in another window; `away`: hidden, or let go
 * @typedef {{ at: string | undefined, state?: 'open' | 'lost', pid?: number | undefined }} News `pid`: of the server
 * @typedef {Happening | News} Update
 */

/**
 * Follows the firehose, by one connection for all windows of this browser. Each window knows its own place, and takes
 * from another what is next there; where something is between, it reads that itself, once.
 *
 * @param {object} how
 * @param {(position: string) => void} how.begin the place that it begins after
 * @param {(happening: Happening) => void} how.take
 * @param {(state: State) => void} how.state
 * @param {(pid: number) => void} how.process which process of the server it comes from, where there may be several
 * @returns {{ letGo(): void, hold(): void }}
 */
export function followFirehose({ begin, take, state, process }) {
  /** @type {string | undefined} where this window stands */
  let at
  /** @type {News} */
  let news = { at }
  /** What this window reads itself, until it has what another window has had. */
  /** @type {AbortController | undefined} */
  let catchingUp
  let goal = ''

  /** @param {string} place */
  const isBehind = (place) => at !== undefined && isPast(placeOf(at), placeOf(place))

  /** @param {Happening} happening */
  const go = (happening) => {
    // told again of a gap that it is past already
    const isGap = happening.type === 'gap'
    if (isGap && happening.data.requested !== at) return
    if (isGap || !isBehind(happening.at)) at = happening.at
    take(happening)
  }

  /**
   * Reads from the place of this window on.
   *
   * @param {AbortSignal} signal
   * @param {(update: Update) => void} tell
   */
  const read = async (signal, tell) => {
    /** @type {import('../../../lib/client.js').Gap | undefined} */
    let gap
    const stream = follow('/api/events/stream', {
      accept: 'text/event-stream',
      ...lookedOn,
      signal,
      store: {
        get: () => at,
        // each id comes here; before an event's, that of the place where it begins, or of a gap
        set(id) {
          if (gap) tell({ type: 'gap', at: id, data: gap })
          else if (at === undefined) tell({ at: id })
          gap = undefined
        },
      },
      onGap(missing) {
        gap = missing
      },
      onState(now) {
        if (now !== 'connecting') tell({ at, state: now === 'open' ? 'open' : 'lost' })
      },
    })
    for await (const { type, id, data } of stream) {
      if (type === 'process') tell({ at, pid: /** @type {any} */ (data).pid })
      else if (id !== undefined) tell({ type, at: id, data })
    }
  }

  const stop = () => {
    catchingUp?.abort()
    catchingUp = undefined
  }

  /** @param {string} place */
  const catchUp = (place) => {
    goal = place
    if (catchingUp) return
    catchingUp = new AbortController()
    void read(catchingUp.signal, (update) => {
      if (!('type' in update)) return
      go(update)
      if (isBehind(goal)) stop()
    })
  }

  return shareWhileVisible('firehose', {
    /** @param {(update: Update) => void} tell */
    open(tell, signal) {
      stop()
      void read(signal, tell)
    },
    show(update, isOwn) {
      if (at === undefined && update.at !== undefined) {
        at = update.at
        begin(at)
      }
      if ('type' in update) {
        if (isOwn || (!catchingUp && at !== undefined && isNext(update, at))) return go(update)
      } else {
        if (update.state) {
          news = { at, state: update.state }
          state(isOwn || update.state === 'lost' ? update.state : 'shared')
        }
        if (update.pid !== undefined) {
          news.pid = update.pid
          process(update.pid)
        }
      }
      if (!isOwn && update.at !== undefined && !isBehind(update.at)) catchUp(update.at)
    },
    all: () => [{ ...news, at }],
    left() {
      stop()
      state('away')
    },
  })
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
