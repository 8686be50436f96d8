// Counts what happens, by name, over the last minutes.
import { clock } from '../clock.js'

const span = 5000
const spans = 60
/** Names that are counted by themselves within one span: they come from routes, reasons and statuses, and are few. */
const most = 1000

/** Milliseconds: a minute, and all that is remembered. */
export const minute = 60_000
export const remembered = span * spans

export class Lately {
  /** Counts by name, for each span of the last minutes, in a circle. */
  readonly #counts: Map<string, number>[] = Array.from({ length: spans }, () => new Map())
  #at = 0

  add(name: string, count = 1): void {
    this.#turn()
    const counts = this.#counts[this.#at % spans] as Map<string, number>
    if (counts.size >= most && !counts.has(name)) return
    counts.set(name, (counts.get(name) ?? 0) + count)
  }

  /** How often it happened. */
  count(name: string, within = minute): number {
    let sum = 0
    for (const counts of this.#spans(within)) sum += counts.get(name) ?? 0
    return sum
  }

  /** How often each happened whose name begins so, by the rest of the name. */
  of(prefix: string, within = minute): Map<string, number> {
    const sums = new Map<string, number>()
    for (const counts of this.#spans(within))
      for (const [name, count] of counts) {
        if (!name.startsWith(prefix)) continue
        const rest = name.slice(prefix.length)
        sums.set(rest, (sums.get(rest) ?? 0) + count)
      }
    return sums
  }

  #spans(within: number): readonly Map<string, number>[] {
    this.#turn()
    const backs = Array.from({ length: Math.min(spans, within / span) }, (_, back) => back)
    return backs.map((back) => this.#counts[(this.#at - back + spans) % spans] as Map<string, number>)
  }

  #turn(): void {
    const now = Math.floor(clock.now() / span)
    if (now - this.#at >= spans) for (const each of this.#counts) each.clear()
    else for (let at = this.#at + 1; at <= now; at++) this.#counts[at % spans]?.clear()
    this.#at = Math.max(this.#at, now)
  }
}
