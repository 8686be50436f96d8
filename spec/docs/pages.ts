import { readdirSync, readFileSync } from 'node:fs'

/** What a page shows of an example: a command, and what it prints. */
interface Command {
  readonly command: string
  readonly shown: string
}

/** A block of code, with the console that follows it. */
export interface Example {
  readonly where: string
  readonly file: string
  readonly language: 'ts' | 'js'
  readonly code: string
  readonly commands: Command[]
}

/** The project's folder: names of pages are relative to it. */
export const root = new URL('../../', import.meta.url)

/** The pages of the documentation: those beside the package, and all below docs. */
export const pages: ReadonlyMap<string, string> = new Map(
  [
    ...readdirSync(root),
    ...readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' }).map(inDocs),
  ]
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name, readFileSync(new URL(name, root), 'utf8')]),
)

function inDocs(name: string): string {
  return `docs/${name.replaceAll('\\', '/')}`
}

/**
 * Every block of TypeScript and JavaScript; a console belongs to the last such block before it. One that names its file
 * (```ts app.ts) is saved under that name, for others to import.
 */
export const examples: readonly Example[] = [...pages].flatMap(([name, page]) => examplesOf(name, page))

function examplesOf(name: string, page: string): Example[] {
  const found: Example[] = []
  for (const { 1: language, 2: named, 3: text = '', index } of page.matchAll(
    /^```(\w+)(?: (\S+))?\n(.*?)^```$/gms,
  )) {
    const line = page.slice(0, index).split('\n').length + 1
    const last = found.at(-1)
    if (language === 'ts' || language === 'js') {
      const file =
        named ?? `${name.replace(/^docs\/|\.md$/g, '').replaceAll('/', '-')}-line-${line}.${language}`
      found.push({ where: `${name}:${line}`, file, language, code: text, commands: [] })
    } else if (language === 'console') {
      if (!last) throw new Error(`${name}:${line}: no example before this console`)
      last.commands.push(...commandsOf(text))
    }
  }
  return found
}

function commandsOf(text: string): Command[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((each) => {
      const [command = ''] = /^(?:.*\\\n)*.*/.exec(each) ?? []
      return { command: command.replaceAll('\\\n', ' '), shown: each.slice(command.length + 1) }
    })
}
