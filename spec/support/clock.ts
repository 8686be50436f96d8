import { clock } from '../../lib/clock.js'
import { ManualTime } from '../../lib/testing/clock.js'

export { ManualTime }

/** A manual time in the place of the system's, for the specs of the block that it is called in. */
export function useManualTime(): ManualTime {
  const time = new ManualTime()
  let restore: () => void
  beforeEach(() => {
    restore = clock.use(time)
  })
  afterEach(() => restore())
  return time
}
