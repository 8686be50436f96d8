// Knows the store's time: how far it is ahead of the clock, from what its answers say.
import { clock } from '../clock.js'

export class StoreTime {
  /** Never more than it is. */
  #ahead = -Infinity

  /** A time of the clock in the store's time: never too late, and too early by no more than the quickest answer took. */
  at(time: number): number {
    return time + this.#ahead
  }

  /**
   * Takes the time that an answer says. An answer that was long on its way, as where this process stood still, says less
   * than others did.
   *
   * @param asked the time of the clock when it was asked
   */
  take(said: number, asked: number): void {
    const least = said - clock.now()
    const most = said - asked
    if (this.#ahead < least || this.#ahead > most) this.#ahead = least
  }
}
