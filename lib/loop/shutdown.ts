// Decides when each stream of a closing endpoint ends, and when it is cut: `endpoint.close()`.
import { clock, type Deadline } from '../clock.js'
import { nextTurn } from '../promise.js'
import { checkKeys, isTime, type Rules } from '../rules.js'
import type { Streaming } from '../values/diagnostics.js'
import type { Reason } from '../values/open-stream.js'
import type { Outlet } from '../wire/outlet.js'

/** How an endpoint is closed. */
export interface Closing {
  /** Milliseconds over which the ends of the open streams are spread. Default 0. */
  over?: number
  /** Seconds after which refused clients may retry, at the earliest. Default 5. */
  retryAfter?: number
}

const closingRules: Rules = {
  over: [isTime, 'milliseconds, 0 or more'],
  retryAfter: [isTime, 'seconds, 0 or more'],
}

/** Throws a TypeError for options that `close()` does not take. */
export function checkClosing(how: Closing): void {
  checkKeys('close', how, closingRules)
}

/** A held response, as its endpoint sees it. */
export interface Holding extends Streaming {
  readonly outlet: Outlet
  /** Why the loop ended; undefined while it has not. */
  readonly reason: Reason | undefined
  end(reason: Reason): void
}

/** The shortest time between two ends, in milliseconds. */
const beat = 10

/** How long a middleware may delay an end, in milliseconds. */
const grace = 1000

export class Shutdown {
  readonly #open: ReadonlySet<Holding>
  /** Seconds. */
  readonly retryAfter: number
  #over: number
  /** Keeps the process alive until close() resolves: the clock's timer is unref'ed. */
  readonly #staying = setInterval(() => {}, 2 ** 31 - 1)
  #next: Deadline | undefined
  #resolve = () => {}
  /** Resolves when all streams have closed. */
  readonly done = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  constructor(open: ReadonlySet<Holding>, { over = 0, retryAfter = 5 }: Closing) {
    this.#open = open
    this.#over = over
    this.retryAfter = retryAfter
  }

  /** Ends the open streams, evenly over the time, then cuts the rest. */
  begin(): void {
    const all: (Holding | undefined)[] = [...this.#open]
    const over = this.#over
    const began = clock.now()
    let next = 0
    const step = () => {
      const passed = clock.now() - began
      const share = over === 0 ? 1 : passed / over
      const until = Math.min(all.length, Math.floor(share * all.length) + (share < 1 ? 1 : 0))
      for (; next < until; next++) {
        all[next]?.end({ kind: 'shutdown' })
        all[next] = undefined
      }
      if (share >= 1) void this.#cut()
      else this.#wait(Math.min(over - passed, Math.max(beat, over / all.length)), step)
    }
    if (all.length === 0) this.emptied()
    else step()
  }

  /** The last stream has closed. */
  emptied(): void {
    clearInterval(this.#staying)
    this.#next?.cancel()
    this.#resolve()
  }

  /** Cuts streams whose clients have not taken the last bytes. An end that a middleware delays gets a grace period. */
  async #cut(): Promise<void> {
    await written()
    for (const each of this.#open) if (!isLate(each)) each.outlet.cut()
    this.#wait(grace, async () => {
      await written()
      for (const each of this.#open) each.outlet.cut()
    })
  }

  #wait(milliseconds: number, then: () => unknown): void {
    if (this.#open.size > 0) this.#next = clock.after(milliseconds, then)
  }
}

/** Whether a middleware still delays a complete end. The connection of a cut stream has ended. */
function isLate({ reason, outlet }: Holding): boolean {
  const { writableEnded, writableLength, socket } = outlet.res
  // bytes that a client has not taken make it slow, not its end late
  return reason !== undefined && !writableEnded && writableLength === 0 && socket?.writable !== false
}

/** Waits until written bytes have reached the kernel. */
async function written(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await nextTurn()
}
