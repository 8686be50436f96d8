import type { Goal } from './goals.js'
import type { Name } from './peers.js'
import type { Measure, Samples, Summary } from './samples.js'
import type { Course } from './stalled.js'

/** A table for docs/design/performance.md. */
export function markdown(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  )
}

const beside: Name = 'raw, pre-framed'

/** CPU by number of streams: the median, and behind it the ratio to the raw writer's with its spread. */
export function byStreams(samples: Samples, names: readonly Name[], streams: readonly number[], how: string) {
  const measure = (count: number) => `cpu, ${how}, ${count}` as Measure
  return markdown(
    ['', ...streams.map((count) => count.toLocaleString('en'))],
    names.map((name) => [
      name,
      ...streams.map((count) => {
        const cpu = samples.summary(name, measure(count))
        const ratio = samples.ratio(name, measure(count), beside)
        return cpu ? `${figure(cpu.median)}${ratio ? ` (× ${spread(ratio)})` : ''}` : '–'
      }),
    ]),
  )
}

export function atOneNumber(samples: Samples, names: readonly Name[], count: number) {
  const cell = (name: Name, measure: Measure, scale = 1) => {
    const found = samples.summary(name, measure)
    return found ? figure(found.median / scale) : '–'
  }
  const columns = [
    '',
    'p50 ms',
    'p99 ms',
    'deliveries/s at most',
    'KiB heap idle',
    'KiB RSS idle',
    'CPU µs to open',
  ]
  return markdown(
    columns,
    names.map((name) => [
      name,
      cell(name, `p50, ${count}`),
      cell(name, `p99, ${count}`),
      cell(name, 'saturation'),
      cell(name, `heap, ${count}`, 1024),
      cell(name, `rss, ${count}`, 1024),
      cell(name, `opening, ${count}`),
    ]),
  )
}

/** What a fast channel costs: CPU with its ratio to the raw writer's, and how late events are. */
export function gathered(samples: Samples, names: readonly Name[]): string {
  return markdown(
    ['', 'CPU µs for each event delivered', 'p99 ms'],
    names.map((name) => {
      const cpu = samples.summary(name, 'cpu, a fast channel')!
      const ratio = samples.ratio(name, 'cpu, a fast channel', beside)
      const late = figure(samples.summary(name, 'p99, a fast channel')!.median)
      return [name, `${figure(cpu.median)}${ratio ? ` (× ${spread(ratio)})` : ''}`, late]
    }),
  )
}

/** Memory beside those that never read, by the second, above what it was at first. */
export function overTime(samples: Samples, courses: ReadonlyMap<Name, Course>, seconds: number): string {
  const at = [0.25, 0.5, 0.75, 1].map((part) => Math.round(part * seconds))
  return markdown(
    [
      '',
      ...at.map((second) => `MiB RSS (heap) after ${second} s`),
      'p99 ms alone',
      'p99 ms beside',
      'closed',
    ],
    [...courses].map(([name, { memory, closed }]) => [
      name,
      ...at.map((second) => {
        const grown = (of: 'rss' | 'heap') => figure((memory[second]![of] - memory[0]![of]) / 2 ** 20)
        return `${grown('rss')} (${grown('heap')})`
      }),
      figure(samples.summary(name, 'p99 of readers, none stalled')!.median),
      figure(samples.summary(name, 'p99 of readers, some stalled')!.median),
      String(closed),
    ]),
  )
}

export function spread({ median, least, most }: Summary): string {
  return median === least && median === most
    ? median.toFixed(2)
    : `${median.toFixed(2)}, ${least.toFixed(2)}–${most.toFixed(2)}`
}

export function figure(value: number): string {
  const size = Math.abs(value)
  return size >= 1000
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(size >= 100 ? 0 : size >= 1 ? 1 : 2)
}

export function tableOf(reached: readonly Goal[]): string {
  return markdown(
    ['goal', 'asked', 'measured', 'reached'],
    reached.map(({ what, goal, measured, reached }) => [what, goal, measured, reached ? 'yes' : 'no']),
  )
}
