import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DurableStream, IdempotentProducer, type LiveMode, stream } from '@durable-streams/client'
import { expect } from 'chai'
import { Demo } from '../support/demo.js'
import { needs } from '../support/installed.js'
import { newerNode } from '../support/newer-node.js'
import { needsRegistry } from '../support/packages.js'
import { sharedServer } from '../support/redis/shared.js'
import { isFull } from '../support/runs.js'

/** The vitest that the tests are written for. */
const tests = createRequire(import.meta.url).resolve('@durable-streams/server-conformance-tests')
const vitest = join(dirname(createRequire(tests).resolve('vitest/package.json')), 'vitest.mjs')
const judges = fileURLToPath(new URL('judges', import.meta.url))

/** Milliseconds after which a long-poll of the demo has waited enough: the conformance tests wait for it often. */
const patience = '500'

interface Judged {
  title: string
  status: string
  why: string
}

/** Has a server judged, by all tests or by those whose names match; says what was said of each. */
async function judge(url: string, node: string, only = ''): Promise<Judged[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lariat-judged-'))
  const report = join(folder, 'report.json')
  const options = ['--reporter=json', `--outputFile=${report}`, '--testTimeout=30000', '--cache=false']
  const chosen = only === '' ? [] : ['--testNamePattern', only]
  await new Promise((resolve) => {
    execFile(
      node,
      [vitest, 'run', '--root', judges, ...options, ...chosen, 'durable-streams'],
      { env: { ...process.env, JUDGED: url, LONG_POLL: patience } },
      resolve,
    )
  })
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as {
    testResults: { assertionResults: { fullName: string; status: string; failureMessages?: string[] }[] }[]
  }
  await rm(folder, { recursive: true })
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ fullName, status, failureMessages = [] }) => ({
      title: fullName,
      status,
      why: failureMessages.join('\n').slice(0, 1000),
    })),
  )
}

describe('Recipe: a Durable Streams server', function () {
  this.timeout(300_000)
  const demos: Demo[] = []
  let node: string

  async function run(env: NodeJS.ProcessEnv = {}): Promise<Demo> {
    const demo = new Demo('durable-streams', [], { LONG_POLL: patience, ...env })
    demos.push(demo)
    return demo.listening()
  }

  after(() => Promise.all(demos.map((demo) => demo.kill())))

  describe('in memory', () => {
    describe('judged by the conformance tests of the protocol', () => {
      needsRegistry(async () => {
        node = await newerNode()
      })

      it('Passes all of them; what is skipped are the subscriptions, which are reserved', async () => {
        const demo = await run()
        const judged = await judge(demo.url, node)
        expect(judged.filter(({ status }) => status === 'failed')).to.deep.equal([])
        expect(judged.filter(({ status }) => status === 'passed')).to.have.length(332)
        const others = judged.filter(({ status }) => status !== 'passed')
        for (const { title } of others) expect(title).to.match(/^Reserved subscription APIs /)
        expect(others).to.have.length(6)
      })
    })

    readers(async () => {
      const demo = await run()
      return [demo, demo]
    })
  })

  describe('on Redis', () => {
    needs('redis-server')

    const redis = async () => ({ REDIS_URL: (await sharedServer()).url })

    describe('judged by the conformance tests of the protocol', () => {
      needsRegistry(async () => {
        node = await newerNode()
      })

      it('Passes them; those that wait for times, and that try very much, are for long runs', async () => {
        const [demo] = await both()
        const long = '^(?!TTL Expiration|Property-Based|Fork - TTL|Chunking)'
        const judged = await judge(demo.url, node, isFull ? '' : long)
        expect(judged.filter(({ status }) => status === 'failed')).to.deep.equal([])
        expect(judged.filter(({ status }) => status === 'passed')).to.have.length(isFull ? 332 : 290)
      })
    })

    let pair: Promise<[Demo, Demo]> | undefined
    /** Two processes on one Redis, for all that only need them. */
    const both = () => {
      pair ??= redis().then((env) => Promise.all([run(env), run(env)]))
      return pair
    }

    readers(both)

    it('What two processes append at once is there once, and is the same at both; of what excludes each other one holds', async () => {
      const demos = await both()
      const path = `/streams/both-${Date.now()}`
      await DurableStream.create({ url: demos[0].url + path, contentType: 'text/plain' })
      const post = (demo: Demo, body: string, headers: Record<string, string> = {}) =>
        demo.post(path, body, { 'Content-Type': 'text/plain', ...headers })
      const words = Array.from({ length: 40 }, (_, n) => `${n} `)
      const answers = await Promise.all(words.map((word, n) => post(demos[n % 2]!, word)))
      const offsets = answers.map(({ headers }) => headers.get('stream-next-offset')!)
      expect(new Set(offsets)).to.have.property('size', words.length)
      const [one, other] = await Promise.all(demos.map(async (demo) => (await demo.ask(path)).text()))
      expect(one).to.equal(other)
      expect(one!.trim().split(' ').sort()).to.deep.equal(words.map((word) => word.trim()).sort())
      // each offset is where its word ends
      for (const [n, offset] of offsets.entries())
        expect(one!.slice(0, Number(offset.split('_')[1])).endsWith(words[n]!), offset).to.equal(true)

      for (let round = 1; round <= 5; round++) {
        const seq = { 'Stream-Seq': `round ${round}` }
        const rivals = await Promise.all(demos.map((demo) => post(demo, '!', seq)))
        expect(rivals.map(({ status }) => status).sort()).to.deep.equal([204, 409])
      }
      for (let seq = 0; seq < 5; seq++) {
        const batch = { 'Producer-Id': 'spec', 'Producer-Epoch': '0', 'Producer-Seq': String(seq) }
        const twice = await Promise.all(demos.map((demo) => post(demo, '?', batch)))
        for (const { status } of twice) expect(status).to.be.oneOf([200, 204])
      }
      const closing = { 'Stream-Closed': 'true' }
      const last = await Promise.all(demos.map((demo) => post(demo, '.', closing)))
      expect(last.map(({ status }) => status).sort()).to.deep.equal([204, 409])
      const [end, same] = await Promise.all(demos.map(async (demo) => (await demo.ask(path)).text()))
      expect(end).to.equal(`${one}!!!!!?????.`)
      expect(same).to.equal(end)
    })

    it('A stream outlives its server: a reader goes on at another one, where it was', async () => {
      const first = await run(await redis())
      const path = '/streams/outlives'
      const made = await DurableStream.create({ url: first.url + path, contentType: 'text/plain' })
      await made.append('before ')
      const head = await made.head()
      const offset = head.exists ? head.offset : undefined
      expect(offset).to.be.a('string')
      await first.kill()
      const [second] = await both()
      await new DurableStream({ url: second.url + path, contentType: 'text/plain' }).append('after')
      const all = await stream({ url: second.url + path, live: false })
      expect(await all.text()).to.equal('before after')
      const rest = await stream({ url: second.url + path, live: false, offset: offset! })
      expect(await rest.text()).to.equal('after')
    })
  })

  /** What the client of the protocol reads of what was written, at servers that may be two. */
  function readers(servers: () => Promise<[writes: Demo, reads: Demo]>): void {
    describe('to the client of the protocol', () => {
      let writes: Demo
      let reads: Demo

      before(async () => {
        ;[writes, reads] = await servers()
      })

      for (const live of ['sse', 'long-poll'] as const satisfies LiveMode[])
        it(`What a producer sends arrives once and in order, read live by ${live}, to the end of the stream`, async () => {
          const path = `/streams/${live}-${Date.now()}`
          const handle = await DurableStream.create({
            url: writes.url + path,
            contentType: 'application/json',
          })
          await handle.append(JSON.stringify({ n: 0 }))
          const response = await stream<{ n: number }>({ url: reads.url + path, live, offset: '-1' })
          const heard: number[] = []
          const caught = new Promise<void>((resolve) => {
            response.subscribeJson(({ items }) => {
              heard.push(...items.map(({ n }) => n))
              if (heard.length === 201) resolve()
            })
          })
          const failures: Error[] = []
          const producer = new IdempotentProducer(handle, 'spec', {
            lingerMs: 0,
            onError: (error) => failures.push(error),
          })
          for (let n = 1; n <= 200; n++) producer.append(JSON.stringify({ n }))
          await producer.flush()
          await caught
          await handle.close()
          await response.closed
          expect(failures).to.deep.equal([])
          expect(heard).to.deep.equal(Array.from({ length: 201 }, (_, n) => n))
        })

      it('A batch that is sent again is appended once', async () => {
        const path = `/streams/again-${Date.now()}`
        await DurableStream.create({ url: writes.url + path, contentType: 'text/plain' })
        const send = (demo: Demo) =>
          fetch(demo.url + path, {
            method: 'POST',
            headers: {
              'Content-Type': 'text/plain',
              'Producer-Id': 'spec',
              'Producer-Epoch': '0',
              'Producer-Seq': '0',
            },
            body: 'once',
          })
        const statuses = [(await send(writes)).status, (await send(reads)).status]
        expect(statuses).to.deep.equal([200, 204])
        expect(await (await stream({ url: reads.url + path, live: false })).text()).to.equal('once')
      })

      it('A stream that is deleted is gone, and what is made of its name is another one', async () => {
        const path = `/streams/deleted-${Date.now()}`
        const made = async (demo: Demo, text: string) => {
          const handle = await DurableStream.create({ url: demo.url + path, contentType: 'text/plain' })
          await handle.append(text)
          return handle
        }
        const handle = await made(writes, 'old')
        expect(await (await reads.ask(path)).text()).to.equal('old')
        await handle.delete()
        expect((await reads.ask(path)).status).to.equal(404)
        await made(reads, 'new')
        expect(await (await reads.ask(path)).text()).to.equal('new')
        expect(await (await writes.ask(path)).text()).to.equal('new')
      })
    })
  }
})
