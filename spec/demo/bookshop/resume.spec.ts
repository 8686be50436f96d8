import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { BooksInMemory } from '../../../demo/bookshop/books-in-memory.js'
import { type Demo, runDemo, until } from './demo.js'

const page = readFileSync(new URL('../../../docs/guide/resume.md', import.meta.url), 'utf8')
const [, session = ''] = /^```sh\n(\$ curl -N .*?)^```$/ms.exec(page) ?? []

interface Step {
  command: string
  shown: string
}

/** The commands of the page, and what each prints; `^C` is where it is stopped. */
const steps: readonly Step[] = session
  .split(/^\$ /m)
  .slice(1)
  .map((each) => {
    const [command = '', ...shown] = each.split('\n')
    return { command, shown: shown.join('\n').replace('^C\n', '').trim() }
  })

/** Runs a command, until it has printed so much or ends. */
async function run(command: string, isEnough: (printed: string) => boolean): Promise<string> {
  const shell = spawn('sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'pipe', 'ignore'] })
  let printed = ''
  shell.stdout.setEncoding('utf8').on('data', (piece) => {
    printed += piece
    if (isEnough(printed)) shell.kill('SIGINT')
  })
  await once(shell, 'close')
  return printed.trim()
}

describe('The demo: curl, stopped and started again', () => {
  const books = new BooksInMemory()
  let demo: Demo

  before(async () => {
    demo = await runDemo({ books })
  })

  after(() => demo.close())

  it('prints what the page shows: each event once, whether it listened or not (docs/guide/resume.md)', async () => {
    const [first, add, another, again] = steps as readonly [Step, Step, Step, Step]
    expect(steps).to.have.length(4)
    const here = (command: string) => command.replace('localhost:3000', demo.url.replace('http://', ''))
    const created = JSON.parse(/^data: (.*"kind".*)/m.exec(first.shown)![1]!).book
    const listening = run(here(first.command), (printed) => /^event: created\n.*\ndata: /m.test(printed))
    await until(() => books.events.subscribers)
    await books.change(created.isbn, undefined, created)
    const before = await listening
    await run(here(add.command), () => false)
    await run(here(another.command), () => false)
    // the page's ids are of another life of the server
    const [, shownEpoch = '-'] = /^id: (.*)-/m.exec(first.shown) ?? []
    const [, epoch = '-'] = /^id: (.*)-/m.exec(before) ?? []
    const after = await run(here(again.command).replace(shownEpoch, epoch), (printed) =>
      printed.includes(`id: ${epoch}-3\ndata: `),
    )
    const asShown = (printed: string) => printed.replaceAll(epoch, shownEpoch)
    expect(asShown(before)).to.equal(first.shown)
    expect(asShown(after)).to.equal(again.shown)
  })
})
