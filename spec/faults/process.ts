import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { expect } from 'chai'
import { atEnd } from '../support/at-end.js'
import { bundled } from '../support/bundled.js'
import { Client } from '../support/raw.js'
import { dispatched, newsIn } from '../support/received.js'
import { expectReasons } from './fault.js'

const children = new Set<ChildProcess>()

function endAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

interface Running {
  readonly child: ChildProcess
  readonly port: number
  /** The kinds of reasons that `terminate` has been told. */
  readonly told: string[]
  /** What it has complained of, and how it ended. */
  readonly ended: Promise<{ code: number | null; complaints: string }>
}

/** A server in a process of its own, with so many file descriptors at most. */
async function run(given: { count: number; every: number; files?: number }): Promise<Running> {
  const { count, every, files = 1024 } = given
  const path = await bundled('spec/faults/server.ts')
  const command = `ulimit -n ${files}; exec "$0" "$1" ${count} ${every}`
  const child = spawn('sh', ['-c', command, process.execPath, path], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child)
    return { code: code as number | null, complaints }
  })
  const lines = createInterface(child.stdout as Readable)
  const [port] = await Promise.race([once(lines, 'line'), ended.then((how) => Promise.reject(how))])
  const told: string[] = []
  lines.on('line', (kind) => told.push(kind))
  return { child, port: Number(port), told, ended }
}

const streams = (port: number, count: number) =>
  Array.from({ length: count }, () => new Client(port).ask('/stream'))

/** The numbers of the events that came; each has to be whole. */
function numbers(body: string): number[] {
  expect(body).to.match(/^:\n/)
  expect(body.endsWith('\n\n'), 'no event in part').to.equal(true)
  return newsIn(dispatched(body)).map(({ data }) => {
    const { n, text } = data as { n: number; text: string }
    expect(text).to.have.length(100)
    return n
  })
}

/** Whether a client is answered, or its connection is dropped. */
async function isServed(client: Client): Promise<boolean> {
  return client.head().then(
    () => true,
    () => false,
  )
}

/** Something that happens to the whole process. */
interface ProcessFault {
  readonly reasons: readonly string[]
  /** Returns what `terminate` was told for it. */
  run(): Promise<readonly string[]>
}

export function tryProcesses(): void {
  let forget = () => {}
  before(() => {
    forget = atEnd(endAll)
  })
  after(() => {
    forget()
    endAll()
  })

  for (const [name, { reasons, run }] of Object.entries(processes)) {
    it(name, async () => expectReasons(await run(), reasons))
  }
}

export const processes: Readonly<Record<string, ProcessFault>> = {
  'SIGTERM in the midst of a burst': {
    reasons: ['shutdown'],
    async run() {
      const { child, port, told, ended } = await run({ count: 20, every: 10 })
      const clients = streams(port, 10)
      await Promise.all(clients.map((client) => client.taken(10_000)))
      child.kill('SIGTERM')
      expect(await ended).to.deep.equal({ code: 0, complaints: '' })
      for (const client of clients) {
        const { isWhole, body } = await client.closed()
        expect(isWhole).to.equal(true)
        const all = numbers(body)
        const [first = Number.NaN] = all
        expect(all, 'each, in order').to.deep.equal(all.map((_, at) => first + at))
      }
      return told
    },
  },
  'SIGKILL in the midst of a burst': {
    reasons: [],
    async run() {
      const { child, port, told, ended } = await run({ count: 20, every: 10 })
      const clients = streams(port, 10)
      await Promise.all(clients.map((client) => client.taken(10_000)))
      child.kill('SIGKILL')
      await ended
      for (const client of clients) expect((await client.closed()).isWhole).to.equal(false)
      return told
    },
  },
  'the process is out of file descriptors': {
    reasons: [],
    async run() {
      const { child, port, told, ended } = await run({ count: 1, every: 10, files: 64 })
      const held: Client[] = []
      let refused = 0
      for (let turn = 0; turn < 80; turn++) {
        const client = new Client(port).ask('/stream')
        if (await isServed(client)) held.push(client)
        else refused += 1
      }
      expect(refused).to.be.above(0)
      expect(held.length).to.be.above(10)
      // those that are there go on
      for (const client of held) await client.taken(client.size + 100)
      for (const client of held.splice(0, 10)) client.leave()
      let isAnswered = false
      for (let turn = 0; turn < 200 && !isAnswered; turn++) {
        const client = new Client(port).ask('/rest')
        isAnswered = (await isServed(client)) && (await client.whole()).status === 200
        client.leave()
      }
      expect(isAnswered, 'served once there is room').to.equal(true)
      for (const client of held) await client.taken(client.size + 100)
      child.kill('SIGTERM')
      expect(await ended).to.deep.equal({ code: 0, complaints: '' })
      for (const client of held) expect((await client.closed()).isWhole).to.equal(true)
      expect(told.splice(0, 10), 'of those that have left').to.deep.equal(Array(10).fill('disconnect'))
      expect(told.splice(0)).to.deep.equal(held.map(() => 'shutdown'))
      return told
    },
  },
}
