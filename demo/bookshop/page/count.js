/**
 * Counts the events of the firehose by their ids: nothing may be missed, and nothing come twice.
 *
 * An id of the shop's channel is its epoch, which is another one after each start of the server, and a number that
 * counts up: `5b0c61f2a9-17`.
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
    if (last && event.epoch === last.epoch && event.number <= last.number) {
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
   * Something was missed, and the server has said so. How much is known within an epoch; what happened before a
   * restart, nobody knows.
   *
   * @param {string} id the place before the oldest event that comes after it
   * @returns {number | undefined} how much; undefined if nobody knows
   */
  gap(id) {
    const [last, next] = [this.#last, placeOf(id)]
    this.#last = next
    if (last?.epoch !== next.epoch) {
      this.isMore = true
      return undefined
    }
    const lost = Math.max(0, next.number - last.number)
    this.missed += lost
    return lost
  }
}

/** @typedef {{ epoch: string, number: number }} Place */

/**
 * @param {string} id
 * @returns {Place}
 */
export function placeOf(id) {
  const dash = id.lastIndexOf('-')
  return { epoch: id.slice(0, dash), number: Number(id.slice(dash + 1)) }
}
