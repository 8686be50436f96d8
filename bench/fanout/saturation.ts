import { eventSize } from './rounds.js'
import type { Station } from './station.js'

const streams = 1000
const interval = 10
const seconds = 1.5
const grace = 150
const delivered = 0.98
const p99 = 100
const attempts = 3

export interface Saturation {
  /** Deliveries a second, to all streams together. */
  readonly perSecond: number
  /** Whether the client was what could do no more. */
  readonly byClient: boolean
}

/** So little of it came that a higher rate need not be tried. */
const hopeless = 0.6
const slowest = 8

/**
 * The highest rate at which all but some is delivered in time: doubled until it is far too much, then halved in
 * between. Events are stamped with the time when they were due, so that a server that falls behind is late.
 *
 * One failure is not the end of doubling: who gathers does better the more there is.
 */
export async function saturation(station: Station, bisections: number): Promise<Saturation> {
  let held = 0
  let tooMuch = Infinity
  let byClient = false
  await station.open(streams)
  for (let rate = slowest; ; rate *= 2) {
    const step = await tried(station, rate)
    if (step.ok) {
      held = rate
      tooMuch = Infinity
    } else {
      tooMuch = Math.min(tooMuch, rate)
      byClient = step.busy > 0.9
    }
    if (step.part < hopeless) break
  }
  for (let left = bisections; left > 0 && held > 0; left--) {
    const rate = Math.sqrt(held * tooMuch)
    if ((await tried(station, rate)).ok) held = rate
    else tooMuch = rate
  }
  await station.close()
  return { perSecond: Math.round(held * streams), byClient }
}

interface Step {
  readonly ok: boolean
  readonly part: number
  readonly busy: number
}

/** What fails is tried again, unless by far: something else may have wanted the core. */
async function tried(station: Station, rate: number): Promise<Step> {
  for (let tries = 1; ; tries++) {
    const step = await attempt(station, rate)
    if (step.ok) return step
    await station.close()
    await station.open(streams)
    if (tries === attempts || step.part < hopeless) return step
  }
}

async function attempt(station: Station, rate: number): Promise<Step> {
  const events = Math.round(rate * seconds)
  const perTurn = (rate * interval) / 1000
  const publishing = { events, perTurn, interval, size: eventSize, catchUp: true }
  const run = await station.run(publishing, seconds * 1000 + grace)
  const part = run.delivered / (events * streams)
  return { ok: part >= delivered && run.p99 < p99 && run.closed + run.gaps === 0, part, busy: run.busy }
}
