// Keeps the callers of `drained()` that wait for a client.

type Drained = 'ok' | 'closed'

export class Drains {
  #waiting: ((result: Drained) => void)[] = []

  wait(): Promise<Drained> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** All of them go on: the client has caught up, or the stream has ended. */
  release(result: Drained): void {
    for (const resolve of this.#waiting.splice(0)) resolve(result)
  }
}
