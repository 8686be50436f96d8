// Stops a backend at the moments at which a store takes its time, and lets it go on.

/**
 * A step of a store that takes its time. `publish`: before and after an append. `listen`: before and after a listener is
 * known. `read`: before a place is looked up. `event`: before each event of a reading. `delivery`: before each one that a
 * listener is given.
 */
export type Moment = 'publish' | 'listen' | 'read' | 'event' | 'delivery'

/** How long a moment takes: until the promise resolves; a microtask for undefined. */
export type Lag = (moment: Moment) => PromiseLike<unknown> | undefined

export class Moments {
  readonly #lag: Lag
  readonly #held = new Map<Moment, (() => void)[]>()
  readonly #watching = new Set<() => void>()

  constructor(lag: Lag = () => undefined) {
    this.#lag = lag
  }

  hold(moment: Moment): void {
    if (!this.#held.has(moment)) this.#held.set(moment, [])
  }

  held(moment: Moment, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if ((this.#held.get(moment)?.length ?? 0) < count) return
        this.#watching.delete(look)
        resolve()
      }
      this.#watching.add(look)
      look()
    })
  }

  async step(moment: Moment, count = 1): Promise<void> {
    for (let done = 0; done < count; done++) {
      await this.held(moment)
      this.#held.get(moment)?.shift()?.()
    }
  }

  release(moment: Moment): void {
    const waiting = this.#held.get(moment) ?? []
    this.#held.delete(moment)
    for (const goOn of waiting) goOn()
  }

  /** Resolves when who has come to a moment may go on. */
  async pass(moment: Moment): Promise<void> {
    await this.#lag(moment)
    const waiting = this.#held.get(moment)
    if (!waiting) return
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      for (const look of this.#watching) look()
    })
  }
}

/**
 * A lag that a seed decides, the same at each run: at every moment nothing, some microtasks, or a turn or two of the event
 * loop.
 *
 * @param seed any whole number
 */
export function randomLag(seed: number): Lag {
  let state = seed
  const next = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  return () => {
    const kind = next()
    if (kind < 0.5) return undefined
    return kind < 0.8 ? microtasks(next() * 8) : turns(1 + next() * 2)
  }
}

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await undefined
}

async function turns(count: number): Promise<void> {
  for (let done = 1; done < count; done++) await new Promise((resolve) => setImmediate(resolve))
}
