import type { Name } from './peers.js'
import { median } from './statistics.js'

export type Measure =
  | `cpu, one a turn, ${number}`
  | `cpu, bursts, ${number}`
  | `p50, ${number}`
  | `p99, ${number}`
  | `saturation`
  | `cpu, a fast channel`
  | `p99, a fast channel`
  | `cpu, operated`
  | `p99, operated`
  | `opening, operated`
  | `heap, ${number}`
  | `rss, ${number}`
  | `opening, ${number}`
  | `p99 of readers, none stalled`
  | `p99 of readers, some stalled`
  | `heap grown by`
  | `rss grown by`

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Each measure of each peer, by round. */
export class Samples<Who extends string = Name, What extends string = Measure> {
  readonly #taken = new Map<string, Map<number, number>>()

  add(name: Who, measure: What, round: number, value: number): void {
    const key = `${name}: ${measure}`
    const rounds = this.#taken.get(key) ?? new Map<number, number>()
    this.#taken.set(key, rounds.set(round, value))
  }

  measures(name: Who): What[] {
    const start = `${name}: `
    return [...this.#taken.keys()]
      .filter((key) => key.startsWith(start))
      .map((key) => key.slice(start.length) as What)
  }

  summary(name: Who, measure: What): Summary | undefined {
    return summaryOf([...this.#of(name, measure).values()])
  }

  /** What is compared is of one round: a machine has better and worse minutes. */
  ratio(name: Who, measure: What, other: Who, otherMeasure = measure): Summary | undefined {
    const others = this.#of(other, otherMeasure)
    const both = [...this.#of(name, measure)].filter(([round]) => others.has(round))
    return summaryOf(both.map(([round, value]) => value / others.get(round)!))
  }

  difference(name: Who, measure: What, other: Who): Summary | undefined {
    const others = this.#of(other, measure)
    const both = [...this.#of(name, measure)].filter(([round]) => others.has(round))
    return summaryOf(both.map(([round, value]) => value - others.get(round)!))
  }

  #of(name: Who, measure: What): Map<number, number> {
    return this.#taken.get(`${name}: ${measure}`) ?? new Map()
  }
}

function summaryOf(values: number[]): Summary | undefined {
  if (values.length === 0) return undefined
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) }
}
