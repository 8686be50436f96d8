import { atMost, type Goal } from '../fanout/goals.js'
import type { Taken } from './measures.js'
import type { Name } from './peers.js'

const ours: Name = 'express-lariat'
const byHand: Name = 'SUBSCRIBE, res.write'

/** What this library means to reach on several processes, with what it did reach. */
export function goals(samples: Taken, processes: readonly number[]): Goal[] {
  const found = processes.flatMap((count) => {
    const on = `${count} ${count === 1 ? 'process' : 'processes'}`
    return [
      count > 1 &&
        atMost(`CPU per delivery, ${on} to 1`, 1.1, samples.ratio(ours, `cpu, ${count}`, ours, 'cpu, 1')),
      atMost(
        `p99 from publish to the last stream, ${on}, to SUBSCRIBE`,
        1.5,
        samples.ratio(ours, `p99 to last, ${count}`, byHand),
      ),
      atMost(
        `commands of a process for 50 events at once, ${on}`,
        1.5,
        samples.summary(ours, `commands a burst, ${count}`),
      ),
    ]
  })
  return found.filter((goal) => goal !== undefined && goal !== false)
}
