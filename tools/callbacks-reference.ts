// Writes the table of callbacks into docs/guide/callbacks.md.
import { callbacks } from '../lib/declare/callbacks.js'

const begin = '<!-- callbacks: generated from lib/declare/callbacks.ts by npm run docs -->'
const end = '<!-- /callbacks -->'

/** The page with the table between its marks made anew; the rest of the page stays. */
export function withReference(page: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from)
    throw new Error(`docs/guide/callbacks.md: expected the marks ${begin} and ${end}`)
  return `${page.slice(0, from)}${begin}\n\n${table()}\n\n${page.slice(to)}`
}

/** Every callback, in the order in which they are asked. */
function table(): string {
  const rows = Object.entries(callbacks).map(([name, { question, expected, fallback, otherwise }]) =>
    [`<a id="${name}"></a>[\`${name}\`](#${name})`, question, expected, shown(fallback), otherwise].map(cell),
  )
  const head = ['callback', 'question', 'may answer', 'default', 'otherwise']
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function shown(fallback: unknown): string {
  if (typeof fallback === 'boolean') return String(fallback)
  return Array.isArray(fallback) && fallback.length > 0 ? fallback.join(', ') : 'none'
}

function cell(words: string): string {
  return words.replaceAll('|', '\\|')
}
