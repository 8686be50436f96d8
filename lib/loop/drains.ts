type Drained = 'ok' | 'closed'

/** Those who wait until the client has caught up, or the stream has ended: all of them are told. */
export class Drains {
  #waiting: ((result: Drained) => void)[] = []

  wait(): Promise<Drained> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  settle(result: Drained): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve(result)
  }
}
