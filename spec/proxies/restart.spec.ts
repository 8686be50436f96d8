import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { bundled } from '../support/bundled.js'
import { staysClean } from '../support/clean.js'
import { needs } from '../support/installed.js'
import {
  type Front,
  haproxyPlain,
  haproxyRecommended,
  nginxPlain,
  nginxRecommended,
  patience,
  visitorOf,
} from './fronts.js'
import type { RunningProxy } from './proxy.js'
import { haproxyCutOverHttp2 } from './versions.js'
import type { Ending, Version, Visit, Visitor } from './visitor.js'

/** HAProxy tries for three seconds to reach a server that is away; not here. */
const fronts: readonly [Front, changes?: Readonly<Record<string, string>>][] = [
  [nginxRecommended],
  [nginxPlain],
  [haproxyRecommended, { 'timeout connect 5s': 'timeout connect 5s\n retries 0' }],
  [haproxyPlain, { 'timeout connect 5000': 'timeout connect 5000\n retries 0' }],
]

/** The server of counting.ts, and where it is. */
class Server {
  #process: ChildProcess | undefined
  port = 0

  async start(): Promise<void> {
    const file = await bundled('spec/proxies/counting.ts')
    this.#process = fork(file, [String(this.port)])
    const [port] = await once(this.#process, 'message')
    this.port = port as number
  }

  async kill(): Promise<void> {
    const running = this.#process
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }
}

/** A proxy, and what its clients went through. */
class Case {
  readonly #front: Front
  readonly #changes: Readonly<Record<string, string>> | undefined
  #proxy: RunningProxy | undefined
  #visitors: readonly Visitor[] = []
  #visits: readonly Visit[] = []
  readonly endings: Partial<Record<Version, Ending>> = {}
  /** What those were answered that came while the server was away: a status, or nothing. */
  readonly away: Partial<Record<Version, Readonly<Record<string, number | 'nothing'>>>> = {}
  readonly resumed: Partial<Record<Version, string>> = {}

  constructor(front: Front, changes?: Readonly<Record<string, string>>) {
    this.#front = front
    this.#changes = changes
  }

  async open(port: number): Promise<void> {
    const proxy = await this.#front.start(port, this.#changes)
    this.#proxy = proxy
    this.#visitors = this.#front.versions.map((version) => visitorOf(this.#front, proxy, version))
    this.#visits = this.#visitors.map((visitor) => visitor.visit('/', events()))
    await Promise.all(this.#visits.map((visit) => visit.until('id: 3\n')))
  }

  async ended(): Promise<void> {
    await this.#each(async ({ version }, visit) => {
      this.endings[version] = await visit.ended()
    })
  }

  async comeMeanwhile(): Promise<void> {
    await this.#each(async (visitor) => {
      const status = (accept: string) => answerTo(visitor.visit('/', { headers: { accept } }))
      this.away[visitor.version] = {
        events: await status('text/event-stream'),
        json: await status('application/json'),
      }
    })
  }

  /** Comes back as EventSource does, until it is answered. */
  async resume(): Promise<void> {
    await this.#each(async (visitor) => {
      for (let attempt = 0; attempt < 300; attempt++) {
        const visit = visitor.visit('/', events('3'))
        if ((await answerTo(visit)) === 200) {
          this.resumed[visitor.version] = await visit.until('id: 6\n')
          return
        }
        await setTimeout(100)
      }
    })
  }

  async close(): Promise<void> {
    for (const each of this.#visitors) each.close()
    await this.#proxy?.close()
  }

  async #each(run: (visitor: Visitor, visit: Visit) => Promise<void>): Promise<void> {
    await Promise.all(this.#visitors.map((visitor, index) => run(visitor, this.#visits[index]!)))
  }
}

const events = (last?: string) => ({
  headers: { accept: 'text/event-stream', ...(last && { 'last-event-id': last }) },
})

const answerTo = (visit: Visit): Promise<number | 'nothing'> =>
  visit.head().then(
    ({ status }) => status,
    () => 'nothing',
  )

describe('A server that is killed and started again behind a proxy (docs/operate/proxies.md)', function () {
  this.timeout(patience)
  needs('nginx')
  needs('haproxy')
  needs('openssl')
  staysClean()

  const server = new Server()
  const cases = new Map(fronts.map(([front, changes]) => [front, new Case(front, changes)]))

  before(async () => {
    const all = (run: (each: Case) => Promise<void>) => Promise.all([...cases.values()].map(run))
    await server.start()
    await all((each) => each.open(server.port))
    await server.kill()
    await all((each) => each.ended())
    await all((each) => each.comeMeanwhile())
    await server.start()
    await all((each) => each.resume())
  })
  after(async () => {
    await Promise.all([...cases.values()].map((each) => each.close()))
    await server.kill()
  })

  for (const [front, each] of cases) {
    it(`${front.name}: who comes back with the last event's id gets what comes after it`, () => {
      for (const version of front.versions) {
        expect(each.resumed[version], version).to.equal(
          ':\nid: 4\ndata\n\nid: 5\ndata\n\nid: 6\ndata\n\n'.replaceAll('data\n', 'data: \n'),
        )
      }
    })
  }

  it('nginx over HTTP/1.1: the stream of a killed server is seen as cut', () => {
    expect(cases.get(nginxRecommended)?.endings).to.deep.equal({ 'HTTP/1.1': 'cut', 'HTTP/2': 'cut' })
  })

  it('nginx over HTTP/1.0, its default: it looks complete, since the system closes the connection', () => {
    expect(cases.get(nginxPlain)?.endings).to.deep.equal({ 'HTTP/1.1': 'complete' })
  })

  it('HAProxy: it is seen as cut over HTTP/1.1; over HTTP/2 it looks complete in 2.6', () => {
    const { endings } = cases.get(haproxyRecommended)!
    expect(endings['HTTP/1.1']).to.equal('cut')
    expect(endings['HTTP/2']).to.be.oneOf([...haproxyCutOverHttp2()])
    expect(cases.get(haproxyPlain)?.endings).to.deep.equal({ 'HTTP/1.1': 'cut' })
  })

  it('while it is away, an EventSource is answered by nothing, as it needs to be to come back; others by 503', () => {
    for (const front of [nginxRecommended, haproxyRecommended]) {
      const answers = { events: 'nothing', json: 503 }
      const { away } = cases.get(front)!
      expect(away, front.name).to.deep.equal({ 'HTTP/1.1': answers, 'HTTP/2': answers })
    }
  })

  it('by their defaults they answer 502 and 503, which an EventSource takes for the end', () => {
    expect(cases.get(nginxPlain)?.away).to.deep.equal({ 'HTTP/1.1': { events: 502, json: 502 } })
    expect(cases.get(haproxyPlain)?.away).to.deep.equal({ 'HTTP/1.1': { events: 503, json: 503 } })
  })
})
