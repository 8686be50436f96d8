import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { parse } from 'csv-parse/sync'
import { commands } from '../../../demo/bookshop/page/commands.js'
import { type Demo, runDemo } from '../bookshop/demo.js'

const book = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }

/** How what comes of each format is read: the records of it, whole ones alone. */
const readers: Record<string, (printed: string) => unknown[]> = {
  'JSON array': (printed) => JSON.parse(printed.endsWith(']') ? printed : `${printed}]`),
  NDJSON: (printed) => linesOf(printed).map((line) => JSON.parse(line)),
  'json-seq': (printed) =>
    printed
      .split('\x1e')
      .slice(1)
      .map((record) => JSON.parse(record)),
  SSE: (printed) => [...printed.matchAll(/^data: (.+)$/gm)].map(([, data]) => data),
  CSV: (printed) => parse(printed.slice(0, printed.lastIndexOf('\n')), { columns: true }),
  multipart: (printed) => [...printed.matchAll(/\r\n\r\n(.*)\r\n--/g)].map(([, body]) => JSON.parse(body!)),
}

function linesOf(text: string): string[] {
  return text.slice(0, text.lastIndexOf('\n')).split('\n').filter(Boolean)
}

describe('The demo: what the page says to try from the shell', function () {
  this.timeout(30_000)
  let demo: Demo

  before(async () => {
    demo = await runDemo({ pace: 1 })
    const headers = { 'Content-Type': 'application/json' }
    await demo.ask('POST /api/books', { headers, body: JSON.stringify(book) })
    await demo.ask(`DELETE /api/books/${book.isbn}`)
  })

  after(() => demo.close())

  /** Runs a command until it has printed enough, or ends. */
  async function run(command: string, isEnough: (printed: string) => boolean): Promise<string> {
    const shell = spawn('sh', ['-c', command.replace('HOST', demo.url)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    let printed = ''
    shell.stdout.setEncoding('utf8').on('data', (piece) => {
      printed += piece
      if (isEnough(printed)) process.kill(-shell.pid!, 'SIGINT')
    })
    await once(shell, 'close')
    return printed
  }

  for (const [panel, list] of Object.entries(commands)) {
    for (const { format, command } of list.filter((each) => each.format in readers)) {
      it(`${panel}: ${command} prints ${format}`, async () => {
        const read = readers[format]!
        const records = (printed: string) => {
          try {
            return read(printed)
          } catch {
            return [] // the last one has not come as a whole
          }
        }
        const printed = await run(command, (so) => records(so).length >= 2)
        expect(records(printed), printed).to.have.length.above(1)
        if (panel === 'happening') expect(printed).to.include('created').and.include('The Little Schemer')
        if (panel === 'machine') expect(printed).to.match(/"?cpu/)
        if (panel === 'shelf') expect(printed).to.include('Programming Erlang')
      })
    }
  }

  const texts: [panel: string, format: string, prints: RegExp][] = [
    ['happening', 'add Dune', /^\{"isbn":"9780441013593","title":"Dune"/],
    ['shelf', 'a stale delete: 412', /^HTTP\/1.1 412 Precondition Failed\r\n/],
    ['machine', 'kill the source', /^HTTP\/1.1 204 No Content\r\n/],
    ['shelf', 'plain text, in German', /^Bücher im Regal: \d+\n- Structure/],
    ['ask', 'plain text', /^There are \d+ books .*Programming Erlang by Joe Armstrong/],
    ['log', 'plain text', /^\d{4}-\S+ (?:POST|GET|DELETE) \/api\/\S+ \d{3} \d+ ms\n/],
    ['negotiate', 'the decisions', /^Decision-Trace: serviceAvailable, .*, isPartial\r?\n$/i],
    ['negotiate', 'a refusal', /^HTTP\/1.1 406 Not Acceptable\r\n.*"offered"/s],
  ]

  for (const [panel, format, prints] of texts) {
    it(`${panel}: ${format}`, async () => {
      const { command } = commands[panel]!.find((each) => each.format === format)!
      expect(await run(command, (so) => prints.test(so))).to.match(prints)
    })
  }

  it('has each command in a format that is read here', () => {
    const formats = Object.values(commands).flatMap((list) => list.map(({ format }) => format))
    const known = [...Object.keys(readers), ...texts.map(([, format]) => format)]
    expect(formats.filter((each) => !known.includes(each))).to.deep.equal([])
  })
})
