/**
 * Counts the events of the firehose by their ids: nothing may be missed, and nothing come twice.
 *
 * An id of the shop's channel is its epoch, which is another one after each start of the server, and a number that
 * counts up: `5b0c61f2a9-17`.
 */
export class Count {
  seen = 0
  missed = 0
  twice = 0
  /** @type {{ epoch: string, number: number } | undefined} */
  #last
  /** A gap was told: what comes next may be anywhere. */
  #isAfterGap = false

  /** @param {string | undefined} position the id to begin after */
  constructor(position) {
    this.#last = position === undefined ? undefined : parse(position)
  }

  /**
   * An event has come.
   *
   * @param {string} id
   * @returns {boolean} false if it was there before
   */
  see(id) {
    const event = parse(id)
    const last = this.#last
    if (last && event.epoch === last.epoch && event.number <= last.number) {
      this.twice += 1
      return false
    }
    if (!this.#isAfterGap) {
      // of another epoch without a word: at least one was missed
      if (last && event.epoch !== last.epoch) this.missed += 1
      else this.missed += event.number - (last?.number ?? 0) - 1
    }
    this.seen += 1
    this.#last = event
    this.#isAfterGap = false
    return true
  }

  /** What was missed is not known, and the server has said so. */
  gap() {
    this.#isAfterGap = true
  }
}

/** @param {string} id */
function parse(id) {
  const dash = id.lastIndexOf('-')
  return { epoch: id.slice(0, dash), number: Number(id.slice(dash + 1)) }
}
