// Writes the map of lib into docs/design/architecture.md: each room, and one line for each of its files.
import { readdirSync, readFileSync } from 'node:fs'
import { order, roomOf, rooms } from './rooms.js'

const lib = new URL('../lib/', import.meta.url)
const begin = '<!-- map -->'
const end = '<!-- /map -->'

/** A file of lib, without its extension, and what its first comment says of it: nothing where it has none. */
export interface Described {
  readonly file: string
  readonly words: string
}

/** Every file of lib. */
export function described(): readonly Described[] {
  return readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => ({
      file: path.slice(0, -'.ts'.length),
      words: firstSentence(readFileSync(new URL(path, lib), 'utf8')),
    }))
}

/** The first sentence of the comment that a file begins with. */
export function firstSentence(source: string): string {
  const [comment = ''] = /^(?:\/\/.*\n)*/.exec(source) ?? []
  const words = comment.replace(/^\/\/ ?/gm, '').replace(/\s+/g, ' ')
  const [sentence = ''] = /^.*?\.(?= [A-Z]| ?$)|^.*/.exec(words.trim()) ?? []
  return sentence
}

/** The page with the map between its marks made anew; the rest of the page stays. */
export function withMap(page: string): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/design/architecture.md: expected ${begin} and ${end}`)
  return `${page.slice(0, from)}${begin}\n\n${map()}\n\n${page.slice(to)}`
}

function map(): string {
  const files = described()
  return order
    .map((room) => {
      const rows = files
        .filter(({ file }) => roomOf(file) === room)
        .map(({ file, words }) => `| [\`${file}.ts\`](../../lib/${file}.ts) | ${cell(words)} |`)
      return [`### ${room}\n`, `${rooms[room]}\n`, '| file | |', '| --- | --- |', ...rows].join('\n')
    })
    .join('\n\n')
}

function cell(words: string): string {
  return words.replaceAll('|', '\\|')
}
