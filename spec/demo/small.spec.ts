import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { Demo } from '../support/demo.js'
import { all, eventsOf, linesOf, type Message, next, recordsOf, until } from './bookshop/demo.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = (name: string) => readFileSync(join(root, 'demo', `${name}.ts`), 'utf8')

/** A curl line of a header, and the status that it promises. */
function curlsOf(name: string): { command: string; status: number }[] {
  return [...source(name).matchAll(/^\/\/ +(curl .*?)(?: +# (.*))?$/gm)].map(([, command, says = '']) => ({
    command: command!,
    status: Number(/^\d{3}\b/.exec(says)?.[0] ?? 200),
  }))
}

/** Does as curl does; cookies are kept by the name of their file, and `/…` is filled in as the last Location says. */
async function curl(command: string, url: string, jars: Map<string, string>): Promise<Response> {
  const [, ...words] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
  const headers = new Headers()
  const preset = (name: string, value: string) => headers.has(name) || headers.set(name, value)
  let method: string | undefined
  let body: string | undefined
  let path = ''
  let jar: string | undefined
  while (words.length > 0) {
    const word = words.shift()!
    if (word === '-X') method = words.shift()!
    else if (word === '-H') headers.set(...(words.shift()!.split(': ') as [string, string]))
    else if (word === '-d') body = words.shift()!
    else if (word === '--json') {
      body = words.shift()!
      preset('Content-Type', 'application/json')
      preset('Accept', 'application/json')
    } else if (word === '-b') headers.set('Cookie', jars.get(words.shift()!) ?? '')
    else if (word === '-c') jar = words.shift()!
    else if (word === '-I') method = 'HEAD'
    else if (word === '--limit-rate' || word === '-o') words.shift()
    else if (word.startsWith('localhost:3000'))
      path = word.slice('localhost:3000'.length).replace(/.*…$/, jars.get('Location')!)
    else expect(['-N', '-i'], command).to.include(word)
  }
  if (body !== undefined) preset('Content-Type', 'application/x-www-form-urlencoded')
  const answer = await fetch(url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers,
    body: body ?? null,
  })
  if (jar) jars.set(jar, cookieOf(answer))
  const location = answer.headers.get('location')
  if (location) jars.set('Location', location)
  return answer
}

function cookieOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ')
}

/** Asks until the answer holds. */
async function untilAsync(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve))
}

/** Leaves: the server sees that the client has gone. */
const leave = (stream: AsyncGenerator<unknown>) => stream.return(undefined)

describe('The small demos', function () {
  this.timeout(60_000)
  let folder: string
  let file: string
  const demos: Demo[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lariat-small-'))
    file = join(folder, 'small.log')
    await writeFile(file, 'the first line\n')
    // of log.ts: a job that is running
    await writeFile(join(folder, '42.pid'), `${process.pid}\n`)
    await writeFile(join(folder, '42.log'), 'the first line\nthe second line\n')
  })

  after(async () => {
    await Promise.all(demos.map((demo) => demo.kill()))
    await rm(folder, { recursive: true })
  })

  function run(name: string, ...args: string[]): Promise<Demo> {
    const demo = new Demo(name, args)
    demos.push(demo)
    return demo.listening()
  }

  const small = ['ticker', 'prices', 'rooms', 'notifications', 'tail', 'llm', 'existing-app']
  /** Of these docs/recipes has a page. */
  const recipes = ['openai', 'chat', 'mcp', 'durable-streams', 'trpc', 'orpc', 'graphql', 'hypermedia', 'log']
  /** An answer of a model, or a log, that is not whole must not look whole, nor what failed in tRPC. */
  const cuts = ['llm', 'openai', 'chat', 'trpc', 'hypermedia', 'log']
  const argsOf: Readonly<Record<string, () => string[]>> = {
    tail: () => [file],
    hypermedia: () => [join(folder, 'lines.ndjson')],
    log: () => [folder],
  }

  for (const name of [...small, ...recipes]) {
    const most = small.includes(name) ? 60 : 100
    it(`${name}.ts has at most ${most} lines`, () => {
      expect(source(name).trimEnd().split('\n').length).to.be.within(10, most)
    })

    it(`${name}.ts answers each curl line of its header as it says; on SIGTERM what is open ends`, async () => {
      const demo = await run(name, ...(argsOf[name]?.() ?? []))
      const jars = new Map<string, string>()
      const answers: Response[] = []
      for (const { command, status } of curlsOf(name)) {
        const answer = await curl(command, demo.url, jars)
        expect(answer.status, command).to.equal(status)
        answers.push(answer)
      }
      expect(answers).to.have.length.of.at.least(2)
      // the one that leaves its end to the system
      if (name === 'existing-app') return
      demo.terminate()
      // a stream that is cut throws
      const texts = await Promise.allSettled(answers.map((answer) => answer.text()))
      if (!cuts.includes(name)) expect(texts.map(({ status }) => status)).not.to.include('rejected')
      expect(await demo.exited, 'on SIGTERM').to.deep.equal([0, null])
    })
  }

  describe('ticker.ts: one source, four formats', () => {
    interface Price {
      symbol: string
      price: number
      at: string
    }
    let demo: Demo

    before(async () => {
      demo = await run('ticker')
    })

    const ticks = (type: string) => demo.ask('/prices', { Accept: type })

    function expectPrices(prices: Price[]): void {
      for (const { symbol, price, at } of prices) {
        expect(symbol).to.equal('ABC')
        expect(price).to.be.within(1, 10_000)
        expect(new Date(at).toJSON()).to.equal(at)
      }
      const times = prices.map(({ at }) => at)
      expect(times).to.deep.equal([...new Set(times)].sort())
    }

    it('speaks Server-Sent Events', async () => {
      const answer = await ticks('text/event-stream')
      expect(answer.headers.get('content-type')).to.equal('text/event-stream')
      const events = eventsOf(answer)
      expectPrices((await next(2, events)).map(({ data }) => JSON.parse(data)))
      await leave(events)
    })

    it('speaks NDJSON', async () => {
      const answer = await ticks('application/x-ndjson')
      expect(answer.headers.get('content-type')).to.equal('application/x-ndjson')
      const records = recordsOf<Price>(answer)
      expectPrices(await next(2, records))
      await leave(records)
    })

    it('speaks CSV', async () => {
      const answer = await ticks('text/csv')
      expect(answer.headers.get('content-type')).to.equal('text/csv')
      const lines = linesOf(answer)
      const [header, ...records] = await next(3, lines)
      expect(header).to.equal('symbol,price,at\r')
      expectPrices(
        records.map((record) => {
          const [symbol, price, at] = record.trimEnd().split(',')
          return { symbol: symbol!, price: Number(price), at: at! }
        }),
      )
      await leave(lines)
    })

    it('speaks multipart', async () => {
      const answer = await ticks('multipart/mixed')
      const [, boundary] = /^multipart\/mixed; boundary=(.+)$/.exec(answer.headers.get('content-type')!)!
      const lines = linesOf(answer)
      const parts = [await next(4, lines), await next(4, lines)]
      for (const [opening, type, blank] of parts) {
        expect([opening, type, blank]).to.deep.equal([
          `--${boundary}\r`,
          'Content-Type: application/json\r',
          '\r',
        ])
      }
      expectPrices(parts.map(([, , , body]) => JSON.parse(body!)))
      await leave(lines)
    })

    it('offers those four to whoever wants another', async () => {
      const answer = await ticks('text/html')
      expect(answer.status).to.equal(406)
      const { offered } = (await answer.json()) as { offered: string[] }
      for (const type of ['text/event-stream', 'application/x-ndjson', 'text/csv', 'multipart/mixed']) {
        expect(offered.some((each) => each.startsWith(type))).to.equal(true, type)
      }
    })

    it('has one source for all of them, which is at work only while somebody listens', async () => {
      const own = await run('ticker')
      expect(own.said(/it ticks/)).to.have.length(0)
      const events = eventsOf(await own.ask('/prices'))
      const records = recordsOf<Price>(await own.ask('/prices', { Accept: 'application/x-ndjson' }))
      const [record] = await next(1, records)
      let event: Message
      do event = (await next(1, events))[0]!
      while (JSON.parse(event.data).at < record!.at)
      expect(JSON.parse(event.data)).to.deep.equal(record)
      await leave(events)
      await leave(records)
      await own.says(/it has stopped/)
      expect(own.said(/it ticks/)).to.have.length(1)
      const again = eventsOf(await own.ask('/prices'))
      await next(1, again)
      await until(() => own.said(/it ticks/).length === 2)
      await leave(again)
    })
  })

  describe('prices.ts: a snapshot, then live', () => {
    interface Price {
      symbol: string
      price: number
    }
    let demo: Demo

    before(async () => {
      demo = await run('prices')
    })

    const listen = async (query = '', headers = {}) =>
      eventsOf(await demo.ask(`/${query}`, { Accept: 'text/event-stream', ...headers }))
    const priceOf = ({ data }: Message) => JSON.parse(data) as Price

    it('A browser gets the page, and its EventSource the stream, from the same address', async () => {
      const answer = await demo.ask('/', { Accept: 'text/html,*/*;q=0.8' })
      expect(answer.headers.get('content-type')).to.equal('text/html')
      expect(await answer.text()).to.include('new EventSource(location)')
    })

    it('A watch list: a snapshot of it, then its changes and no others', async () => {
      const events = await listen('?watch=abc,XYZ,none')
      const [whole, ...changes] = await next(2, events)
      expect(whole).to.include({ type: 'snapshot' })
      expect((JSON.parse(whole!.data) as Price[]).map(({ symbol }) => symbol)).to.deep.equal(['ABC', 'XYZ'])
      for (const change of changes) expect(priceOf(change).symbol).to.be.oneOf(['ABC', 'XYZ'])
      await leave(events)
    })

    it('Without a list, all 500; each change takes its price on from the snapshot', async () => {
      const events = await listen()
      const [whole, ...changes] = await next(50, events)
      const prices = new Map((JSON.parse(whole!.data) as Price[]).map(({ symbol, price }) => [symbol, price]))
      expect(prices.size).to.equal(500)
      for (const { symbol, price } of changes.map(priceOf)) {
        expect(price / prices.get(symbol)!, symbol).to.be.within(0.96, 1.04)
        prices.set(symbol, price)
      }
      await leave(events)
    })

    it('A client that comes back gets what it missed; one from before a restart, a snapshot', async () => {
      const first = await listen()
      const [, change] = await next(2, first)
      await leave(first)
      const back = await listen('', { 'Last-Event-ID': change!.id! })
      const [missed] = await next(1, back)
      expect(missed).to.include({ type: 'message' })
      const numberOf = (id: string) => Number(id.split('-')[1])
      expect(numberOf(missed!.id!)).to.equal(numberOf(change!.id!) + 1)
      await leave(back)
      const stranger = await listen('', { 'Last-Event-ID': '1f0c-1' })
      expect((await next(1, stranger))[0]).to.include({ type: 'snapshot' })
      await leave(stranger)
    })
  })

  describe('rooms.ts: nothing missed, nothing doubled', () => {
    let demo: Demo

    before(async () => {
      demo = await run('rooms')
    })

    const say = async (text: string, room = 'tea') => {
      const answer = await demo.post(`/rooms/${room}`, { from: 'Ada', text })
      expect(answer.status).to.equal(204)
    }
    const listen = async (query = '', headers = {}) => eventsOf(await demo.ask(`/rooms/tea${query}`, headers))
    const textOf = ({ data }: Message) => JSON.parse(data).text

    it('A message reaches everybody in its room, and nobody in another', async () => {
      const [ada, bob] = [await listen(), await listen()]
      const other = eventsOf(await demo.ask('/rooms/coffee'))
      await say('Milk first?')
      for (const listener of [ada, bob]) {
        const [{ data } = { data: '' }] = await next(1, listener)
        expect(JSON.parse(data)).to.deep.equal({ from: 'Ada', text: 'Milk first?' })
      }
      await say('No milk', 'coffee')
      expect((await next(1, other)).map(textOf)).to.deep.equal(['No milk'])
    })

    for (const how of ['Last-Event-ID', '?lastEventId']) {
      it(`A client that comes back by ${how} misses nothing and gets nothing twice`, async () => {
        const first = await listen()
        await say('1')
        await say('2')
        const [, last] = await next(2, first)
        await leave(first)
        for (const text of ['3', '4', '5']) await say(text)
        const second = how.startsWith('?')
          ? await listen(`${how}=${last!.id}`)
          : await listen('', { [how]: last!.id! })
        expect((await next(3, second)).map(textOf)).to.deep.equal(['3', '4', '5'])
        await say('6')
        expect((await next(1, second)).map(textOf)).to.deep.equal(['6'])
      })
    }

    it('A new client can have the whole history, as a stream or as a list', async () => {
      demo = await run('rooms')
      for (const text of ['1', '2', '3']) await say(text)
      const stream = await listen('?lastEventId=earliest')
      expect((await next(3, stream)).map(textOf)).to.deep.equal(['1', '2', '3'])
      await say('4')
      expect((await next(1, stream)).map(textOf)).to.deep.equal(['4'])
      const list = await demo.ask('/rooms/tea', { Accept: 'application/json' })
      expect(await list.json()).to.deep.equal(['1', '2', '3', '4'].map((text) => ({ from: 'Ada', text })))
    })

    it('An id that is not of this room is told as a gap', async () => {
      await say('1')
      const [gap, message] = await next(2, await listen('', { 'Last-Event-ID': '1f0c-1' }))
      expect(gap).to.include({ type: 'gap' })
      expect(textOf(message!)).to.equal('1')
    })

    it('A bad message is a 400 that says why, and reaches nobody', async () => {
      const listener = await listen()
      const wrong: [unknown, string][] = [
        [null, 'from: expected 1 to 500 characters'],
        [[], 'from: expected 1 to 500 characters'],
        [{ text: 'Who am I?' }, 'from: expected 1 to 500 characters'],
        [{ from: 'Ada' }, 'text: expected 1 to 500 characters'],
        [{ from: 'Ada', text: ' ' }, 'text: expected 1 to 500 characters'],
        [{ from: 'Ada', text: 7 }, 'text: expected 1 to 500 characters'],
        [{ from: 'Ada', text: 'x'.repeat(501) }, 'text: expected 1 to 500 characters'],
      ]
      for (const [body, detail] of wrong) {
        const answer = await demo.post('/rooms/tea', JSON.stringify(body))
        expect(answer.status, JSON.stringify(body)).to.equal(400)
        expect(await answer.json()).to.include({ detail })
      }
      expect((await demo.post('/rooms/tea', '{"from":')).status).to.equal(400)
      await say('Well said')
      expect((await next(1, listener)).map(textOf)).to.deep.equal(['Well said'])
    })

    it('Nobody makes a room: of another name there is none, to listen or to speak in', async () => {
      for (const answer of [
        await demo.ask('/rooms/attic'),
        await demo.post('/rooms/attic', { from: 'Ada', text: 'Anybody?' }),
      ]) {
        expect(answer.status).to.equal(404)
        expect(await answer.json()).to.include({ detail: 'The rooms are tea and coffee.' })
      }
    })
  })

  describe('notifications.ts: several channels on one stream', () => {
    let demo: Demo

    beforeEach(async () => {
      demo = await run('notifications')
    })

    const notify = async (name: string, text: string) =>
      expect((await demo.post(`/notify/${name}`, { text })).status).to.equal(204)
    const listen = async (user: string, headers = {}) =>
      eventsOf(await demo.ask(`/notifications/${user}`, headers))
    const textOf = ({ data }: Message) => JSON.parse(data).text
    const online = async () => (await (await demo.ask('/online')).json()) as string[]

    /** The texts of so many notifications, and the id of the last. */
    async function texts(count: number, stream: AsyncGenerator<Message>) {
      const events: Message[] = []
      while (events.length < count) {
        const [event] = await next(1, stream)
        if (event!.type === 'message') events.push(event!)
      }
      return { texts: events.map(textOf), id: events.at(-1)!.id! }
    }

    it('A user gets what is for him, for his teams and for all; who comes back has missed nothing of either', async () => {
      const [ada, bob] = [await listen('ada'), await listen('bob')]
      await notify('user:ada', 'for Ada')
      await notify('team:coffee', 'for coffee')
      await notify('team:tea', 'for tea')
      await notify('all', 'for all')
      expect((await texts(3, bob)).texts).to.deep.equal(['for coffee', 'for tea', 'for all'])
      const { texts: got, id } = await texts(3, ada)
      expect(got).to.deep.equal(['for Ada', 'for tea', 'for all'])
      await leave(ada)
      await notify('user:ada', 'missed by Ada')
      await notify('all', 'missed by all')
      expect((await demo.ask('/teams/coffee/ada', {})).status).to.equal(404)
      const joined = await fetch(`${demo.url}/teams/coffee/ada`, { method: 'PUT' })
      expect(joined.status).to.equal(204)
      const back = await listen('ada', { 'Last-Event-ID': id })
      expect((await texts(2, back)).texts).to.deep.equal(['missed by Ada', 'missed by all'])
      await notify('team:coffee', 'for coffee, and Ada')
      expect((await texts(1, back)).texts).to.deep.equal(['for coffee, and Ada'])
    })

    it('Who is online is who has a stream', async () => {
      expect(await online()).to.deep.equal([])
      const [ada, again] = [await listen('ada'), await listen('ada')]
      const bob = await listen('bob')
      expect(await online()).to.deep.equal(['ada', 'bob'])
      await notify('all', 'Welcome')
      await Promise.all([next(1, ada), next(1, again), next(1, bob)])
      await leave(ada)
      await leave(bob)
      await untilAsync(async () => (await online()).length === 1)
      expect(await online()).to.deep.equal(['ada'])
      await leave(again)
      await untilAsync(async () => (await online()).length === 0)
    })

    it('What is for nobody is refused', async () => {
      expect((await demo.post('/notify/user:eve', { text: 'Psst' })).status).to.equal(404)
      expect((await demo.post('/notify/all', { text: 7 })).status).to.equal(400)
      const eve = await demo.ask('/notifications/eve')
      expect(eve.status).to.equal(404)
      expect(await eve.json()).to.include({ detail: 'There is no such user.' })
    })
  })

  describe('tail.ts: the source waits', () => {
    const MiB = 2 ** 20

    const digest = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')

    /** Takes so many bytes of a body, and leaves the rest to be taken; resolves to their digest. */
    async function take(size: number, body: AsyncIterator<Buffer>): Promise<string> {
      const hash = createHash('sha256')
      let taken = 0
      while (taken < size) {
        const { value, done } = await body.next()
        if (done) throw new Error(`Ended after ${taken} of ${size} bytes`)
        taken += value.length
        hash.update(value)
      }
      return hash.digest('hex')
    }

    it('The file waits for a client that does not read; once it reads, everything arrives', async () => {
      const size = 64 * MiB
      const big = join(folder, 'big.log')
      const content = Buffer.alloc(size)
      for (let at = 0; at < size; at += 16) content.write(`line ${String(at / 16).padStart(10, '0')}\n`, at)
      await writeFile(big, content)

      const demo = await run('tail', big)
      const open = () =>
        new Promise<IncomingMessage>((resolve, reject) =>
          get(demo.url, { agent: false }, resolve).on('error', reject),
        )
      const read = (id: string) => {
        const line = demo.said(new RegExp(`^Stream ${id}: .* MiB`)).at(-1)!
        return Number(/: ([\d.]+) MiB/.exec(line)![1])
      }

      const slow = await open()
      const [, id] = await demo.says(/^Stream (\d+): /)

      // another one takes all of it meanwhile: that long the first has had time to be read
      const fast = await open()
      expect(await take(size, fast[Symbol.asyncIterator]())).to.equal(digest(content))
      await demo.says(new RegExp(`^Stream (?!${id}:)\\d+: 64.00 MiB`))
      expect(read(id!)).to.be.within(1, 32)

      const body = slow[Symbol.asyncIterator]()
      expect(await take(size, body)).to.equal(digest(content))
      await demo.says(new RegExp(`^Stream ${id}: 64.00 MiB`))

      const line = 'and what is appended arrives as well\n'
      await appendFile(big, line)
      expect(await take(line.length, body)).to.equal(digest(line))

      slow.destroy()
      await demo.says(new RegExp(`^Stream ${id}: disconnect`))
      fast.destroy()
    })

    it('A file that is truncated is followed from its start', async () => {
      const path = join(folder, 'truncated.log')
      await writeFile(path, 'a line that is rather long\n')
      const demo = await run('tail', path)
      const lines = linesOf(await demo.ask('/'))
      expect(await next(1, lines)).to.deep.equal(['a line that is rather long'])
      await writeFile(path, 'short\n')
      expect(await next(1, lines)).to.deep.equal(['short'])
      await leave(lines)
    })

    it('Without a file it follows a log of 64 MiB that it writes, and removes at its end', async () => {
      const demo = await run('tail')
      const [, path] = await demo.says(/^(.*) is at http/)
      expect((await stat(path!)).size).to.be.at.least(64 * MiB)
      const lines = linesOf(await demo.ask('/'))
      let line: string
      do line = (await next(1, lines))[0]!
      while (line.startsWith('It was a dark and stormy night'))
      expect(line).to.match(/^\d{4}-.*Z Still nothing\.$/)
      demo.terminate()
      await all(lines)
      expect(await demo.exited).to.deep.equal([0, null])
      expect(existsSync(dirname(path!))).to.equal(false)
    })
  })

  describe('llm.ts: an answer that outlives its page', () => {
    let demo: Demo

    before(async () => {
      demo = await run('llm')
    })

    type Piece = { token?: string; finish?: string }
    const ask = async (prompt: string, maxTokens?: number) => {
      const answer = await demo.post('/runs', { prompt, maxTokens })
      expect(answer.status).to.equal(201)
      return answer.headers.get('location')!
    }
    const pieces = (events: Message[]): Piece[] => events.map(({ data }) => JSON.parse(data))
    const typesOf = (events: Message[]) => [...new Set(events.map(({ type }) => type))]
    /** The events of a run, and its end. */
    async function* follow(path: string, headers: Record<string, string> = {}): AsyncGenerator<Message> {
      for await (const event of eventsOf(await demo.ask(path, headers)))
        if (event.type !== 'position') yield event
    }

    it('Tokens arrive one by one, to whoever reads: a page that is reloaded, another window, each from the first on', async () => {
      const path = await ask('Hold on to', 12)
      const first = follow(path)
      const begun = await next(3, first)
      expect(pieces(begun)[0]!.token).to.match(/^ \S+$/)
      // a reload, while the model goes on
      await leave(first)
      const [again, other] = [all(follow(path)), all(follow(path))]
      const [events, others] = [await again, await other]
      expect(events.slice(0, 3)).to.deep.equal(begun)
      expect(others).to.deep.equal(events)
      expect(typesOf(events)).to.deep.equal(['message', 'end'])
      expect(pieces(events.slice(12))).to.deep.equal([{ finish: 'length' }, { reason: 'end' }])
      await demo.says(/^Finished after 12 of 12 tokens$/)
    })

    it('A connection that was lost is taken up where it was; who has it all is told to stay away', async () => {
      const path = await ask('Throw the', 8)
      const first = follow(path)
      const [, second] = await next(2, first)
      await leave(first)
      const rest = await all(follow(path, { 'Last-Event-ID': second!.id! }))
      expect(pieces(rest)).to.have.length(6 + 2)
      const last = rest.findLast(({ id }) => id)!
      expect((await demo.ask(path, { 'Last-Event-ID': last.id! })).status).to.equal(204)
    })

    it('An answer that nobody reads for three seconds is not gone on with; what there is of it says so', async () => {
      const path = await ask('A rope', 1000)
      const events = follow(path)
      await next(3, events)
      await leave(events)
      const [, count] = await demo.says(/^Stopped after (\d+) of 1000 tokens$/)
      // it lingered, a token each 40 ms
      expect(Number(count)).to.be.within(20, 200)
      const late = await all(follow(path))
      expect(late).to.have.length(Number(count) + 2)
      expect(pieces(late).at(-2)).to.deep.equal({ finish: 'stopped' })
    })

    it('An answer that is deleted stops at once, ends for its readers, and is gone', async () => {
      const path = await ask('part', 999)
      const reading = all(follow(path))
      const other = follow(path)
      await next(2, other)
      expect((await fetch(demo.url + path, { method: 'DELETE' })).status).to.equal(204)
      const events = await reading
      expect(events.at(-1)).to.include({ type: 'end' })
      expect(pieces(events).some(({ finish }) => finish)).to.equal(false)
      await demo.says(/^Stopped after \d+ of 999 tokens$/)
      expect((await demo.ask(path)).status).to.equal(404)
    })

    it('A client that wants JSON gets an array, twenty tokens if it does not say how many; NDJSON too', async () => {
      const path = await ask('part')
      const answer = await demo.ask(path, { Accept: 'application/json' })
      const list = (await answer.json()) as Piece[]
      expect(list).to.have.length(20 + 1)
      // after a word it knows, comes one that may follow it
      expect(list.slice(0, 2)).to.deep.equal([{ token: ' of' }, { token: ' the' }])
      const lines = await all(recordsOf(await demo.ask(path, { Accept: 'application/x-ndjson' })))
      expect(lines).to.deep.equal(list)
    })

    it('A bad body is a 400 that says why; a run that is none is a 404', async () => {
      for (const [body, detail] of [
        ['{"maxTokens":5}', 'prompt: expected a string'],
        ['null', 'prompt: expected a string'],
        ['{"prompt":"A","maxTokens":"many"}', 'maxTokens: expected a whole number'],
      ] as const) {
        const answer = await demo.post('/runs', body)
        expect(answer.status, body).to.equal(400)
        expect(await answer.json()).to.include({ detail })
      }
      expect((await demo.post('/runs', '{"prompt"')).status).to.equal(400)
      expect((await demo.ask('/runs/none')).status).to.equal(404)
    })

    it('Its page asks, shows what comes, and shows it again after a reload', async () => {
      const page = await (await demo.ask('/')).text()
      const [, script] = /<script type="module">(.*)<\/script>/s.exec(page)!
      /** The page as it is loaded at an address, without a browser. */
      const load = (address: string) => {
        const shown = {
          textContent: '',
          append(text: string) {
            this.textContent += text
          },
        }
        const form = { prompt: { value: 'part' }, cancel: {} as { onclick?: () => unknown } } as {
          prompt: { value: string }
          cancel: { onclick?: () => unknown }
          onsubmit?: (event: object) => Promise<void>
        }
        let changed = () => {}
        let hash = address
        const location = {
          get hash() {
            return hash
          },
          set hash(to: string) {
            hash = `#${to}`
            changed()
          },
        }
        const names = {
          document: { forms: [form], getElementById: () => shown },
          location,
          fetch: (path: string, init: RequestInit) => fetch(demo.url + path, init),
          EventSource: class extends EventSource {
            constructor(path: string) {
              super(demo.url + path)
            }
          },
          addEventListener: (_: string, listener: () => void) => {
            changed = listener
          },
        }
        new Function(...Object.keys(names), script!)(...Object.values(names))
        return { shown, form, location }
      }
      const { shown, form, location } = load('')
      await form.onsubmit!({ preventDefault() {} })
      await until(() => shown.textContent.startsWith(' of the'))
      const reloaded = load(location.hash)
      await until(() => reloaded.shown.textContent.startsWith(' of the'))
      await form.cancel.onclick!()
      await demo.says(/^Stopped after \d+ of 200 tokens$/)
      await until(() => reloaded.shown.textContent === shown.textContent)
    })
  })

  describe('existing-app.ts: beside other middleware', () => {
    let demo: Demo

    before(async () => {
      demo = await run('existing-app')
    })

    async function login(name: string, password: string): Promise<string> {
      const answer = await demo.post('/login', { name, password })
      expect(answer.status).to.equal(204)
      return cookieOf(answer)
    }

    it('A client without a login gets 401, one without the right to read 403', async () => {
      const stranger = await demo.ask('/news')
      expect(stranger.status).to.equal(401)
      expect(stranger.headers.get('www-authenticate')).to.equal('Session realm="news"')
      expect(stranger.headers.getSetCookie()).to.deep.equal([])
      const Cookie = await login('bob', 'loop')
      expect((await demo.ask('/news', { Cookie })).status).to.equal(403)
    })

    it('The inspector is for one user alone, under its own policy, and shows what is open', async () => {
      const [ada, bob] = [await login('ada', 'rope'), await login('bob', 'loop')]
      expect((await demo.ask('/inspector/')).status).to.equal(403)
      expect((await demo.ask('/inspector/feed', { Cookie: bob })).status).to.equal(403)
      const stream = linesOf(await demo.ask('/news', { Cookie: ada }))
      await next(1, stream)
      const page = await demo.ask('/inspector/', { Cookie: ada })
      expect(page.headers.get('content-security-policy')).to.match(/^default-src 'none'/)
      const { rows } = (await (await demo.ask('/inspector/feed?view=streams', { Cookie: ada })).json()) as {
        rows: { path: string }[]
      }
      expect(rows.map(({ path }) => path)).to.include('/news')
      await leave(stream)
    })

    it('Nobody logs in with what is no password', async () => {
      for (const body of [
        {},
        { name: 'ada' },
        { name: 'ada', password: 'loop' },
        { name: 'constructor', password: 'Object' },
        { name: '__proto__', password: {} },
      ]) {
        const answer = await demo.post('/login', body)
        expect(answer.status, JSON.stringify(body)).to.equal(401)
        expect(answer.headers.getSetCookie()).to.deep.equal([])
      }
    })

    it('The stream arrives at once despite compression, with the headers of the other middleware', async () => {
      const Cookie = await login('ada', 'rope')
      const gzip = { Cookie, 'Accept-Encoding': 'gzip' }
      const ordinary = await demo.ask('/me', gzip)
      expect(await ordinary.json()).to.deep.equal({ user: 'ada' })
      // so compression is there
      expect(ordinary.headers.get('vary')).to.include('Accept-Encoding')
      const answer = await demo.ask('/news', gzip)
      expect(answer.headers.get('content-encoding')).to.equal(null)
      for (const { headers } of [ordinary, answer]) {
        expect(headers.get('x-content-type-options')).to.equal('nosniff')
        expect(headers.get('content-security-policy')).to.include("default-src 'self'")
        expect(headers.get('access-control-allow-origin')).to.equal('http://localhost:5173')
        expect(headers.get('access-control-allow-credentials')).to.equal('true')
      }
      const events = eventsOf(answer)
      expect((await next(1, events))[0]).to.deep.equal({ type: 'message', data: 'No news is good news.' })
      await leave(events)
    })

    it('After a logout the stream ends complete, its line is in the log, and nobody is logged in', async () => {
      demo = await run('existing-app')
      const Cookie = await login('ada', 'rope')
      const events = eventsOf(await demo.ask('/news', { Cookie }))
      await next(1, events)
      expect(demo.said(/^GET \/news/)).to.deep.equal([])
      expect((await demo.post('/logout', '', { Cookie })).status).to.equal(204)
      // a stream that is cut throws
      const rest = await all(events)
      expect(rest.at(-1)?.type).to.be.equal('reconnect')
      expect(rest.at(-1)?.data).to.equal('{"reason":"revoked"}')
      await demo.says(/^GET \/news 200 /)
      expect(await (await demo.ask('/me', { Cookie })).json()).to.deep.equal({ user: null })
      expect((await demo.ask('/news', { Cookie })).status).to.equal(401)
    })

    it('A logout in one browser ends no stream of another', async () => {
      const [here, there] = [await login('ada', 'rope'), await login('ada', 'rope')]
      const mine = eventsOf(await demo.ask('/news', { Cookie: here }))
      const others = eventsOf(await demo.ask('/news', { Cookie: there }))
      const heard: Message[] = []
      const listening = (async () => {
        for await (const event of others) heard.push(event)
      })()
      await demo.post('/logout', '', { Cookie: here })
      await all(mine)
      // for longer than it takes until both are asked again
      const enough = heard.length + 4
      await until(() => heard.length >= enough || heard.some(({ type }) => type !== 'message'))
      expect(heard.at(-1)?.type).to.equal('message')
      await leave(others)
      await listening
    })
  })
})
