import { figure, markdown, spread } from '../fanout/table.js'
import type { Measure, Taken } from './measures.js'
import type { Name } from './peers.js'

const beside: Name = 'SUBSCRIBE, res.write'

export function byProcesses(samples: Taken, names: readonly Name[], processes: readonly number[]): string {
  return markdown(
    [
      '',
      'processes',
      'CPU µs for each delivery',
      'p50, p99 ms to the last stream',
      'p99 to SUBSCRIBE',
      'CPU µs of Redis for each event',
      'commands for each event',
      'commands of a process for a burst of 50',
      'confirmed/s at most',
      'deliveries/s at most',
    ],
    names.flatMap((name) =>
      processes.map((count) => {
        const median = (measure: Measure) => {
          const found = samples.summary(name, measure)
          return found ? figure(found.median) : '–'
        }
        const ratio = (measure: Measure) => {
          const found = samples.ratio(name, measure, beside)
          return found ? spread(found) : '–'
        }
        return [
          name,
          String(count),
          `${median(`cpu, ${count}`)} (× ${ratio(`cpu, ${count}`)})`,
          `${median(`p50 to last, ${count}`)}, ${median(`p99 to last, ${count}`)}`,
          ratio(`p99 to last, ${count}`),
          median(`redis, ${count}`),
          median(`commands an event, ${count}`),
          median(`commands a burst, ${count}`),
          median(`confirmed, ${count}`),
          median(`deliveries, ${count}`),
        ]
      }),
    ),
  )
}
