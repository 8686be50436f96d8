import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect } from 'chai'

const lib = new URL('../lib/', import.meta.url)

interface Import {
  from: string
  isType: boolean
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[\w$*{}\s,]*\sfrom\s+)?'([^']+)'/gm

/** Each file of lib, without its extension, and what it imports: files of lib in the same way, packages by name. */
const files = new Map(
  readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.replaceAll('\\', '/').slice(0, -'.ts'.length))
    .map((file): [string, Import[]] => [
      file,
      [...source(file).matchAll(statement)].map(([, type, from]) => ({
        from: from!.startsWith('.') ? posix.join(posix.dirname(file), from!).slice(0, -'.js'.length) : from!,
        isType: type !== undefined,
      })),
    ]),
)

function source(file: string): string {
  return readFileSync(new URL(`${file}.ts`, lib), 'utf8')
}

/** The files that a file loads, by whichever way. */
function loads(file: string, seen = new Set<string>()): Set<string> {
  for (const { from, isType } of files.get(file) ?? []) {
    if (isType || seen.has(from)) continue
    seen.add(from)
    loads(from, seen)
  }
  return seen
}

describe('The architecture', () => {
  const rooms = ['index', 'endpoint', 'graph', 'loop', 'hub', 'formats', 'http']
  const room = (file: string) => rooms.indexOf(file.split('/', 1)[0]!)

  it(`A request passes ${rooms.join(' → ')}: no file loads one of a room to its left, by whichever way`, () => {
    const leftwards = [...files.keys()].flatMap((file) =>
      [...loads(file)]
        .filter((each) => room(each) !== -1 && room(each) < room(file))
        .map((each) => [file, each]),
    )
    expect(leftwards).to.deep.equal([])
  })

  it('No file loads itself, by whichever way', () => {
    expect([...files.keys()].filter((file) => loads(file).has(file))).to.deep.equal([])
  })

  it('Only the endpoint meets Express: all others import its types at most', () => {
    const loading = [...files].filter(([, imports]) =>
      imports.some(({ from, isType }) => from === 'express' && !isType),
    )
    expect(loading.map(([file]) => file)).to.deep.equal(['endpoint'])
  })

  it('The front door has exports and no code', () => {
    const rest = source('index')
      .replace(/^\/\/.*$/gm, '')
      .replace(/^export (?:type )?\{[^}]*\} from '[^']+'$/gm, '')
    expect(rest.trim()).to.equal('')
  })

  it('A file is named for its question: none is an attic', () => {
    const attics = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|types?|constants?)(?:\/|$)/
    expect([...files.keys()].filter((file) => attics.test(file))).to.deep.equal([])
  })

  it('A file is read in one sitting: none has more than 400 lines beside its comments', () => {
    const isCode = (line: string) => !/^\s*(?:\/\/|\/?\*|$)/.test(line)
    const long = [...files.keys()].filter((file) => source(file).split('\n').filter(isCode).length > 400)
    expect(long).to.deep.equal([])
  })
})
