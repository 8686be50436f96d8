/**
 * Counts the events of the firehose by their ids: nothing may be missed, and nothing come twice.
 *
 * An id of the shop's channel is its epoch, and a number that counts up: `5b0c61f2a9-17`. In memory the epoch is another
 * one after each start of the server. In Redis it is another one where Redis was emptied, and there is a time between the
 * two, `5b0c61f2a9-mx3gurb4-17`: a Redis that comes back without its latest events gives their numbers again, but later.
 */
export class Count {
  seen = 0
  missed = 0
  /** More was missed, and nobody knows how much. */
  isMore = false
  twice = 0
  /** @type {Place | undefined} */
  #last

  /** @param {string | undefined} position the id to begin after */
  constructor(position) {
    this.#last = position === undefined ? undefined : placeOf(position)
  }

  /**
   * An event has come.
   *
   * @param {string} id
   * @returns {boolean} false if it was there before
   */
  see(id) {
    const event = placeOf(id)
    const last = this.#last
    if (last && isPast(last, event)) {
      this.twice += 1
      return false
    }
    // of another epoch without a word: at least one was missed
    if (last && event.epoch !== last.epoch) this.missed += 1
    else this.missed += event.number - (last?.number ?? 0) - 1
    this.seen += 1
    this.#last = event
    return true
  }

  /**
   * Something was missed, and the server has said so. How much is known where it was trimmed; where the server does not
   * know the last event any more, nobody knows.
   *
   * @param {string} id the place before the oldest event that comes after it
   * @param {'trimmed' | 'unknown'} reason
   * @returns {number | undefined} how much; undefined if nobody knows
   */
  gap(id, reason) {
    const [last, next] = [this.#last, placeOf(id)]
    this.#last = next
    if (reason === 'unknown' || last?.epoch !== next.epoch) {
      this.isMore = true
      return undefined
    }
    const lost = Math.max(0, next.number - last.number)
    this.missed += lost
    return lost
  }
}

/** @typedef {{ epoch: string, time: number, number: number }} Place */

/**
 * @param {string} id
 * @returns {Place}
 */
export function placeOf(id) {
  const [epoch = '', ...others] = id.split('-')
  const number = Number(others.pop())
  return { epoch, time: Number.parseInt(others[0] ?? '0', 36), number }
}

/**
 * Whether one place is another one, or after it.
 *
 * @param {Place} mine
 * @param {Place} theirs
 */
export function isPast(mine, theirs) {
  if (mine.epoch !== theirs.epoch) return false
  return mine.time === theirs.time ? mine.number >= theirs.number : mine.time > theirs.time
}
