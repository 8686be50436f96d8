import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { makeApp, type Options } from '../../demo/bookshop/app.js'
import { BooksInMemory } from '../../demo/bookshop/books-in-memory.js'
import type { Sampled } from '../../demo/bookshop/machine.js'
import { type ConformsOptions, conforms, type Subject, stage } from '../../lib/testing.js'
import { bundled } from '../support/bundled.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let n = 0
/** As many texts, no two alike. */
const texts = (count: number) => Array.from({ length: count }, () => `text ${++n}`)

/** A demo as a process; what it says is where it is. */
class Running {
  #process: ChildProcess | undefined
  url = ''

  async start(name: string, ...args: string[]): Promise<void> {
    this.#process = spawn(process.execPath, [await bundled(`demo/${name}.ts`), ...args], {
      cwd: root,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface(this.#process.stdout!)
    for await (const line of lines) {
      this.url = /http:\/\/localhost:\d+/.exec(line)?.[0].replace('localhost', '127.0.0.1') ?? ''
      if (this.url) break
    }
    // what it says from now on is read by nobody
    this.#process.stdout!.resume()
  }

  async stop(): Promise<void> {
    const exited = once(this.#process!, 'exit')
    this.#process!.kill('SIGKILL')
    await exited
  }

  async post(path: string, body: unknown): Promise<Response> {
    const answer = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`${answer.status} for ${path}`)
    return answer
  }
}

type Driven = Omit<Subject, 'at'>

describe('All streaming routes of the demos keep the rules', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lariat-conforms-'))
    await writeFile(join(folder, 'some.log'), 'a line\n')
    // for log.ts, the log of a job that this process is writing
    await writeFile(join(folder, 'some.pid'), `${process.pid}`)
  })
  after(() => rm(folder, { recursive: true }))

  const log = () => join(folder, 'some.log')
  const append = (count: number) => appendFile(log(), `${texts(count).join('\n')}\n`)

  const small: Readonly<Record<string, (demo: Running) => Driven | Promise<Driven>>> = {
    rooms: (demo) => ({
      path: '/rooms/tea',
      formats: ['text/event-stream', 'application/x-ndjson'],
      async publish(count) {
        for (const text of texts(count)) await demo.post('/rooms/tea', { from: 'Ada', text })
      },
    }),
    notifications: (demo) => ({
      path: '/notifications/ada',
      async publish(count) {
        for (const text of texts(count)) await demo.post('/notify/user:ada', { text })
      },
    }),
    prices: () => ({ path: '/', formats: ['text/event-stream'], publish: 'by itself', tellsGaps: false }),
    ticker: () => ({ path: '/prices', publish: 'by itself', resumes: false }),
    tail: () => ({ path: '/', negotiates: false, publish: append, overflow: 'wait' }),
    llm: async (demo) => {
      const { headers } = await demo.post('/runs', { prompt: 'Hold on to', maxTokens: 1000 })
      return { path: headers.get('location')!, publish: 'by itself' }
    },
    trpc: (demo) => ({
      path: `/live/onPost?input=${encodeURIComponent('{"topic":"tea"}')}`,
      async publish(count) {
        for (const text of texts(count)) await demo.post('/trpc/post', { topic: 'tea', text })
      },
      resumes: true,
      tellsGaps: false, // but by an error of tRPC's
    }),
    orpc: (demo) => ({
      path: '/rpc/onPost',
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"json":{"topic":"tea"}}',
      async publish(count) {
        for (const text of texts(count)) await demo.post('/rpc/post', { json: { topic: 'tea', text } })
      },
      negotiates: false,
      resumes: true,
      tellsGaps: false, // but by an error of oRPC's
    }),
    graphql: (demo) => ({
      path: '/graphql',
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"query":"subscription { posted(topic: tea) { text } }"}',
      async publish(count) {
        for (const text of texts(count))
          await demo.post('/graphql', { query: `mutation { post(topic: tea, text: "${text}") }` })
      },
      negotiates: false,
      resumes: true,
      tellsGaps: false, // but by an error of GraphQL's
    }),
    openai: () => ({
      path: '/v1/chat/completions',
      method: 'POST',
      formats: ['text/event-stream'],
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        ...{ model: 'rope-1', stream: true, max_tokens: 1000 },
        messages: [{ role: 'user', content: 'Hold on to' }],
      }),
      publish: 'by itself',
      negotiates: false,
      resumes: false,
    }),
    chat: async (demo) => {
      const id = texts(1)[0]!.replace(' ', '-')
      const messages = [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Hold on to' }] }]
      const asking = fetch(`${demo.url}/api/chat`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ id, messages, length: 1000 }),
      })
      await (await asking).body?.cancel()
      return {
        ...{ path: `/api/chat/${id}/stream`, formats: ['text/event-stream'], publish: 'by itself' },
        // the protocol has no chunk for it: the head tells
        tellsGaps: false,
      }
    },
    hypermedia: (demo) => ({
      path: '/htmx/stream',
      formats: ['text/event-stream'],
      async publish(count) {
        for (const text of texts(count)) await demo.post('/lines', { text })
      },
      resumes: true,
      tellsGaps: false, // but by the whole list
    }),
    log: () => ({
      path: '/jobs/some',
      formats: ['text/event-stream'],
      publish: append,
      resumes: true,
      tellsGaps: false, // a file has none
      overflow: 'wait',
    }),
    'existing-app': async (demo) => {
      const { headers } = await demo.post('/login', { name: 'ada', password: 'rope' })
      const [cookie = ''] = headers.getSetCookie()
      return {
        path: '/news',
        headers: { Cookie: cookie.replace(/;.*/, '') },
        publish: 'by itself',
        resumes: false,
      }
    },
  }

  // it begins with the lines that the file ends with, and hears of new ones when the file system tells it
  const ownBeginning = 'each stream begins with the last lines, and not with the next event'
  const ofTail: ConformsOptions['skip'] = {
    'Two clients get the same events, in one order': ownBeginning,
    'A heartbeat comes when nothing else does, and is no event (WHATWG HTML 9.2.7)': ownBeginning,
  }

  // lines that are read at once are one event; spec/recipes/log.spec.ts compares the bytes
  const joins = 'an event has as many lines as there are, and not as many as were published'
  const ofLog: ConformsOptions['skip'] = {
    'Each format is sent with its Content-Type, and can be read (RFC 9110 8.3)': joins,
    'A client of HTTP/1.0 gets the same events, without chunks (RFC 9112 6.1)': joins,
    'Two clients get the same events, in one order': joins,
    'A client that does not read does not slow the others (docs/guide/slow-clients.md)': joins,
    'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)':
      joins,
    'A client that comes back with its last id gets nothing twice (WHATWG HTML 9.2.4)': joins,
    'A client that was cut off before its first event has a place to come back to (docs/guide/resume.md#positions)':
      joins,
    'An id that is unknown is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)':
      'it is no place in the file, and refused',
  }

  const skip: Readonly<Record<string, ConformsOptions['skip']>> = {
    tail: ofTail,
    log: ofLog,
    '/api/tail': ofTail,
    trpc: {
      'A client that comes back with its last id gets nothing twice (WHATWG HTML 9.2.4)':
        'each stream begins with tRPC’s event `connected`',
    },
    orpc: {
      'OPTIONS ends, and says what is allowed (RFC 9110 9.3.7)': 'oRPC answers it, and its 400 is no stream',
      'A method that is not allowed is refused, with those that are (RFC 9110 15.5.6)':
        'oRPC calls a procedure by any method but GET',
    },
    'existing-app': {
      'OPTIONS ends, and says what is allowed (RFC 9110 9.3.7)': 'cors() answers it, as a preflight',
    },
  }

  const argsOf: Readonly<Record<string, () => string[]>> = {
    tail: () => [log()],
    log: () => [folder],
    hypermedia: () => [join(folder, 'lines.ndjson')],
  }

  for (const [name, drive] of Object.entries(small))
    describe(`demo/${name}.ts`, () => {
      const demo = new Running()
      before(() => demo.start(name, ...(argsOf[name]?.() ?? [])))
      after(() => demo.stop())
      const open = async (): Promise<Subject> => ({ at: { url: demo.url }, ...(await drive(demo)) })
      for (const each of conforms(open, { skip: skip[name] ?? {} })) it(each.name, each.run)
    })

  /** A subject of the bookshop, on a stage of its own. */
  async function shop(options: Options, driven: Driven): Promise<Subject> {
    const { app, close } = makeApp({ logs: folder, machine: machine().machine, pace: 1, ...options })
    return { at: await stage(app, { onClose: close }), ...driven }
  }

  function machine() {
    const sampler = new EventEmitter().setMaxListeners(0)
    const bus = new EventEmitter().setMaxListeners(0)
    const machine = Object.assign(bus, {
      sampler,
      isAlive: true,
      restartAfter: 0,
      kill: async () => true as const,
    })
    return { machine: machine as Sampled, bus, sampler }
  }

  const ofBooks = (path: string, rest: Partial<Driven> = {}) => {
    const books = new BooksInMemory()
    return shop(
      { books },
      {
        path,
        async publish(count) {
          for (const title of texts(count))
            await books.change(title, undefined, { isbn: title, title, author: 'Ada' })
        },
        subscribers: () => books.events.subscribers,
        resumes: true,
        ...rest,
      },
    )
  }

  const posted = (path: string, body: string): Promise<Subject> =>
    shop(
      {},
      {
        path,
        method: 'POST',
        headers: { 'Content-Type': 'text/plain' },
        body,
        publish: 'by itself',
        resumes: false,
      },
    )

  const bookshop: Readonly<Record<string, () => Promise<Subject>>> = {
    '/api/events/stream': () => ofBooks('/api/events/stream'),
    '/api/books': () => ofBooks('/api/books', { formats: ['text/event-stream'] }),
    '/api/stream': () => {
      const { machine: sampled, bus, sampler } = machine()
      return shop(
        { machine: sampled },
        {
          path: '/api/stream',
          publish(count) {
            for (const at of texts(count)) bus.emit('sample', { at, pid: 1, cpu: 0, memory: 0, load: 0 })
          },
          fail: () => sampler.emit('error', new Error('The sampler was killed')),
          subscribers: () => bus.listenerCount('sample'),
        },
      )
    },
    '/api/tail': () =>
      shop({}, { path: '/api/tail?file=some.log', publish: append, resumes: false, overflow: 'wait' }),
    '/api/ask': () => posted('/api/ask', 'Which books are about Erlang?'),
    '/api/echo': () => posted('/api/echo', 'rope '.repeat(500)),
  }

  for (const [path, open] of Object.entries(bookshop))
    describe(`${path} of the bookshop`, () => {
      for (const { name, run } of conforms(open, { skip: skip[path] ?? {} })) it(name, run)
    })
})
