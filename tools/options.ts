// Renders the table of stream options for the documentation.
import { type Option, type StreamOptions, streamOptions } from '../lib/declare/options.js'

const begin = '<!-- options -->'
const end = '<!-- /options -->'

/** Where the documentation says more, seen from the page with the table. */
const more: { readonly [Name in keyof StreamOptions]?: string } = {
  heartbeat: 'formats.md#heartbeats',
  overflow: 'slow-clients.md#policies',
  maxDuration: '../operate/operating.md#authorisation-while-held',
  reauthorize: '../operate/operating.md#authorisation-while-held',
  maxStreams: '../operate/operating.md#caps',
  maxStreamsPerClient: '../operate/operating.md#caps',
  clientKey: '../operate/operating.md#caps',
}

/** A page whose table of options, between its marks, is made anew. */
export function withOptions(page: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`The page has no block between ${begin} and ${end}`)
  return `${page.slice(0, from)}${begin}\n\n${optionsTable()}\n\n${page.slice(to)}`
}

/** Every option with its default and its words, as a table. */
export function optionsTable(): string {
  const rows = Object.entries(streamOptions).map(([name, option]) => [
    `\`${name}\``,
    defaultOf(option),
    `${option.words}${linkOf(name as keyof StreamOptions)}`,
  ])
  const head = ['option', 'default', 'effect']
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function defaultOf({ fallback, shown }: Option<unknown>): string {
  if (shown !== undefined) return shown
  if (fallback === undefined) return 'none'
  if (typeof fallback === 'number') return fallback.toLocaleString('en').replaceAll(',', ' ')
  return typeof fallback === 'string' ? `\`'${fallback}'\`` : `\`${fallback}\``
}

function linkOf(name: keyof StreamOptions): string {
  const page = more[name]
  return page ? ` ([more](${page}))` : ''
}
