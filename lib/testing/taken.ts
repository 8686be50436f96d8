// Takes the library's clock over for as long as a stage is open. Stages that are open at once share it.
import { shared } from '../brand.js'
import { clock } from '../clock.js'
import { ManualTime } from './clock.js'

/** The clock, by who has taken it. */
export interface Taken {
  readonly time: ManualTime
  giveBack(): void
}

interface Takers {
  time: ManualTime | undefined
  restore: () => void
  count: number
}

/** The time of all stages, whichever copy of the package they are of: the clock has one. */
const takers = shared('takers', (): Takers => ({ time: undefined, restore() {}, count: 0 }))

export function takeClock(): Taken {
  takers.count += 1
  if (!takers.time) {
    takers.time = new ManualTime()
    takers.restore = clock.use(takers.time)
  }
  const { time } = takers
  return {
    time,
    giveBack() {
      takers.count -= 1
      if (takers.count > 0) return
      takers.time = undefined
      takers.restore()
    },
  }
}
