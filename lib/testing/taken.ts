// Takes the library's clock over for as long as a stage is open. Stages that are open at once share it.
import { isBranded, shared } from '../brand.js'
import { type Alarm, clock } from '../clock.js'
import { type Entry, ledger } from '../ledger.js'
import { ManualTime } from './clock.js'

/** The clock, by who has taken it. */
export interface Taken {
  readonly time: ManualTime
  /** No other stage is open: what is left of the process is left of this one. */
  readonly isLast: boolean
  /** What is open, of whichever stage. */
  readonly entries: readonly Entry[]
  /** Deadlines that have come since. */
  readonly deadlines: readonly Alarm[]
  giveBack(): void
}

interface Takers {
  time: ManualTime | undefined
  restore: () => void
  count: number
  /** Alarms that had been set. */
  before: WeakSet<Alarm>
}

/** The time of all stages, whichever copy of the package they are of: the clock has one. */
const takers = shared(
  'takers',
  (): Takers => ({ time: undefined, restore() {}, count: 0, before: new WeakSet() }),
)

export function takeClock(): Taken {
  takers.count += 1
  if (!takers.time) {
    takers.time = new ManualTime()
    takers.before = new WeakSet(clock.alarms)
    ledger.entries = new Map()
    takers.restore = clock.use(takers.time)
  }
  const { time } = takers
  return {
    time,
    get isLast() {
      return takers.count === 1
    },
    get entries() {
      return [...(ledger.entries?.values() ?? [])]
    },
    get deadlines() {
      return clock.alarms.filter((alarm) => !isBranded(alarm, 'upkeep') && !takers.before.has(alarm))
    },
    giveBack() {
      takers.count -= 1
      if (takers.count > 0) return
      takers.time = undefined
      ledger.entries = undefined
      takers.restore()
    },
  }
}
