// Renders the table of instruments for the documentation.
import { dotted, type Instrument, list } from '../lib/metrics/instruments.js'

const begin = '<!-- instruments -->'
const end = '<!-- /instruments -->'

/** A page whose table of instruments, between its marks, is made anew. */
export function withInstruments(page: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`The page has no block between ${begin} and ${end}`)
  return `${page.slice(0, from)}${begin}\n\n${instrumentsTable()}\n\n${page.slice(to)}`
}

/** Every instrument with both of its names, as a table. */
export function instrumentsTable(): string {
  const rows = list.map(([name, instrument]) => [
    `\`lariat_${name}\``,
    `\`${dotted(name)}\``,
    kindOf(instrument),
    instrument.labels.map((label) => `\`${label}\``).join(', '),
    instrument.help,
  ])
  const head = ['prom-client', 'OpenTelemetry', 'kind', 'labels', 'meaning']
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function kindOf({ kind, unit, buckets = [] }: Instrument): string {
  const shown = kind === 'total' ? 'counter' : kind
  const [first, last] = [buckets[0], buckets.at(-1)]
  const range = first === undefined || last === undefined ? '' : `, ${timeOf(first)} to ${timeOf(last)}`
  return `${shown}, \`${unit}\`${range}`
}

function timeOf(seconds: number): string {
  if (seconds < 1) return `${seconds * 1000} ms`
  return seconds < 86_400 ? `${seconds} s` : `${seconds / 86_400} day`
}
