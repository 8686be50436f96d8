import { expect } from 'chai'
import { type Channel, createHub, event, type Feed, loop, ndjson, resource, sse } from '../../lib/index.js'
import { Page } from '../docs/page.js'
import type { Context, Loop } from '../support/held.js'
import { Log } from '../support/log.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { visit } from './chromium.js'
import { eventSources, type Served, serve, withEach } from './clients.js'
import { Knife } from './knife.js'
import type { Got, Listener, Listening } from './listener.js'
import { more } from './more-sources.js'
import { exampleWith } from './news.js'

const beat = 15_000

interface Options extends Pick<Loop, 'onGap' | 'stream'> {
  /** How many numbers are retained. */
  history?: number
  /** Which part of the channel is streamed. */
  part?: (channel: Channel<number>) => Feed<number>
}

/** A channel of numbers, its endpoint, and a client that follows it. */
class Scene {
  readonly client: Listener
  readonly log = new Log()
  readonly channel: Channel<number>
  readonly #options: Options
  site!: Served
  listening!: Listening
  /** Sends something without an id to each stream. */
  mark: () => void = () => {}

  constructor(client: Listener, options: Options = {}) {
    this.client = client
    this.#options = options
    this.channel = createHub().channel('numbers', { history: options.history ?? 100 })
    this.channel.on('join', () => this.log.add('join'))
    this.channel.on('leave', () => this.log.add('leave'))
  }

  async serve({ marks = false } = {}): Promise<void> {
    const { part = (channel) => channel, stream, history: _history, ...callbacks } = this.#options
    const feed = part(this.channel)
    const numbers = loop({
      format: sse(),
      subscribe: marks
        ? ({ send }: Context) => {
            this.mark = () => send(event('here', { type: 'mark' }))
            return feed
          }
        : feed,
      ...callbacks,
      stream: { retry: 10, ...stream },
    } as never)
    this.site = await serve({ '/numbers': numbers }, { client: this.client })
  }

  listen({ query = '', types = ['message', 'position', 'gap', 'mark'], through = this.site.url } = {}): void {
    this.listening = this.client.listen(`${through}/numbers${query}`, { types })
  }

  /** The client has joined so many times. */
  async joined(times: number): Promise<void> {
    await this.log.until('join', times)
  }

  /** The connections are destroyed; the client has left by the time this resolves. */
  async cut(): Promise<void> {
    const left = this.log.count('leave')
    for (const socket of this.site.sockets) socket.destroy()
    await this.log.until('leave', left + 1)
  }

  publish(...numbers: number[]): Promise<string[]> {
    return Promise.all(numbers.map((n) => this.channel.publish(n)))
  }

  next(): Promise<Got> {
    return this.listening.next()
  }

  async nextFew(count: number): Promise<Got[]> {
    const got: Got[] = []
    while (got.length < count) got.push(await this.next())
    return got
  }

  /** The id with which each request for the stream came. */
  get asked(): readonly unknown[] {
    return this.site.asked.map(({ headers }) => headers['last-event-id'])
  }

  /** Nothing has come that a test has not looked at, and nothing comes when all that is due has happened. */
  async isQuiet(seen: readonly Got[]): Promise<void> {
    await turns()
    expect(this.listening.got).to.deep.equal(seen)
  }
}

const numbered = (ids: readonly string[], numbers: readonly number[]): Got[] =>
  numbers.map((n, index) => ({ id: ids[index]!, type: 'message', data: `${n}` }))

const positioned = (id: string, heartbeat: number | false = beat): Got => ({
  id,
  type: 'position',
  data: JSON.stringify(heartbeat === false ? {} : { heartbeat }),
})

const even = (channel: Channel<number>) => channel.filter((n) => n % 2 === 0)

/** What each client goes through. */
const cases: Readonly<Record<string, (client: Listener) => Promise<void>>> = {
  'cut before its first event, comes back to its position and misses nothing': async (client) => {
    const scene = new Scene(client)
    await scene.serve()
    const place = await scene.channel.position()
    scene.listen()
    expect(await scene.next()).to.deep.equal(positioned(place))
    await scene.cut()
    const ids = await scene.publish(1, 2)
    expect(await scene.nextFew(2)).to.deep.equal(numbered(ids, [1, 2]))
    expect(scene.asked).to.deep.equal([undefined, place])
    await scene.isQuiet([positioned(place), ...numbered(ids, [1, 2])])
  },

  'keeps a position that nobody listens for': async (client) => {
    const scene = new Scene(client)
    await scene.serve({ marks: true })
    const [place] = await scene.publish(0)
    scene.listen({ types: ['message', 'mark'] })
    await scene.joined(1)
    scene.mark()
    expect((await scene.next()).type).to.equal('mark')
    await scene.cut()
    const ids = await scene.publish(1)
    expect(await scene.next()).to.deep.equal(numbered(ids, [1])[0])
    expect(scene.asked).to.deep.equal([undefined, place])
  },

  'comes back to its position where there are no heartbeats': async (client) => {
    const scene = new Scene(client, { stream: { heartbeat: false } })
    await scene.serve()
    const [place] = await scene.publish(0)
    scene.listen()
    expect(await scene.next()).to.deep.equal(positioned(place!, false))
    await scene.cut()
    const ids = await scene.publish(1)
    expect(await scene.next()).to.deep.equal(numbered(ids, [1])[0])
    expect(scene.asked).to.deep.equal([undefined, place])
  },

  'is told of a gap once, and comes back to the place behind it': async (client) => {
    const scene = new Scene(client, { history: 2, part: even })
    await scene.serve()
    scene.listen()
    await scene.joined(1)
    const [requested] = await scene.publish(2)
    await scene.nextFew(2)
    await scene.cut()
    const missed = await scene.publish(3, 5, 7, 9)
    const gap = await scene.next()
    const { id, type, data } = gap
    expect([id, type]).to.deep.equal([missed[1], 'gap'])
    expect(JSON.parse(data)).to.deep.equal({ requested, from: missed[2], reason: 'trimmed' })
    await scene.cut()
    const ids = await scene.publish(10)
    await scene.joined(3)
    // retained are 9 and 10: the place behind the gap is the one before 7
    expect(scene.asked).to.deep.equal([undefined, requested, missed[1]])
    const got = await scene.nextFew(2)
    expect(got[0]!.type, 'new events are lost').to.equal('gap')
    expect(got[1]).to.deep.equal(numbered(ids, [10])[0])
  },

  'is not told of a gap again, if it is cut behind one': async (client) => {
    const scene = new Scene(client, { history: 4, part: even })
    await scene.serve()
    scene.listen()
    await scene.joined(1)
    await scene.publish(2)
    const seen = await scene.nextFew(2)
    await scene.cut()
    const missed = await scene.publish(1, 3, 5, 7, 9)
    seen.push(await scene.next())
    await scene.cut()
    await scene.joined(3)
    expect(scene.asked.at(-1)).to.equal(missed[0])
    await scene.cut()
    await scene.joined(4)
    const ids = await scene.publish(10)
    seen.push(await scene.next())
    expect(scene.asked.at(-1)).to.equal(missed[0])
    expect(seen.map(({ type }) => type)).to.deep.equal(['position', 'message', 'gap', 'message'])
    expect(seen.at(-1)).to.deep.equal(numbered(ids, [10])[0])
    await scene.isQuiet(seen)
  },

  'quiet behind a filter, is not told of a gap in what the filter keeps away': async (client) => {
    const scene = new Scene(client, { history: 3, part: even })
    await scene.serve()
    scene.listen()
    const seen = [await scene.next()]
    for (const turn of [1, 2, 3]) {
      const ids = await scene.publish(1, 3, 5, 7)
      stage.now.time.advance(beat)
      seen.push(await scene.next())
      expect(seen.at(-1)).to.deep.equal(positioned(ids.at(-1)!))
      await scene.cut()
      const others = await scene.publish(9, 11)
      await scene.joined(turn + 1)
      expect(scene.asked.at(-1)).to.equal(ids.at(-1))
      stage.now.time.advance(beat)
      seen.push(await scene.next())
      expect(seen.at(-1)).to.deep.equal(positioned(others.at(-1)!))
    }
    await scene.cut()
    const ids = await scene.publish(1, 2)
    seen.push(await scene.next())
    expect(seen.at(-1)).to.deep.equal(numbered(ids.slice(1), [2])[0])
    await scene.isQuiet(seen)
  },

  'asks for the earliest of nothing, and has a place all the same': async (client) => {
    const scene = new Scene(client)
    await scene.serve()
    const place = await scene.channel.position()
    scene.listen({ query: '?lastEventId=earliest' })
    expect(await scene.next()).to.deep.equal(positioned(place))
    await scene.cut()
    const ids = await scene.publish(1, 2)
    expect(await scene.nextFew(2)).to.deep.equal(numbered(ids, [1, 2]))
    expect(scene.asked).to.deep.equal([undefined, place])
    await scene.isQuiet([positioned(place), ...numbered(ids, [1, 2])])
  },

  'gets its position before a head that waits for the first event': async (client) => {
    const scene = new Scene(client, { stream: { head: 'first' } })
    await scene.serve()
    const place = await scene.channel.position()
    scene.listen()
    await scene.joined(1)
    const ids = await scene.publish(1)
    expect(await scene.nextFew(2)).to.deep.equal([positioned(place), ...numbered(ids, [1])])
    await scene.cut()
    ids.push(...(await scene.publish(2)))
    expect(await scene.next()).to.deep.equal(numbered(ids, [1, 2])[1])
    expect(scene.asked).to.deep.equal([undefined, ids[0]])
  },

  'is asked about by onGap once, and comes back to the place behind the gap': async (client) => {
    const gaps: string[] = []
    const scene = new Scene(client, {
      history: 4,
      part: even,
      onGap: ({ id }, { write }) => {
        gaps.push(id)
        write(event('all', { type: 'mark' }))
      },
    })
    await scene.serve()
    scene.listen({ query: '?lastEventId=of-yesterday' })
    const place = await scene.channel.position()
    const got = await scene.nextFew(2)
    expect(got.map(({ type }) => type)).to.deep.equal(['mark', 'position'])
    expect(got[1]).to.deep.equal(positioned(place))
    await scene.cut()
    const ids = await scene.publish(1, 2)
    expect(await scene.next()).to.deep.equal(numbered(ids.slice(1), [2])[0])
    expect(scene.asked).to.deep.equal([undefined, place])
    expect(gaps).to.deep.equal([place])
  },

  'cut in the middle of the first position, has no place, and gets a new one': async (client) => {
    const scene = new Scene(client)
    await scene.serve()
    const knife = await Knife.before(scene.site.port)
    try {
      if (client.needs === 'chromium') await visit(knife.url)
      const frame = `event: position\nid: ${await scene.channel.position()}\ndata: {"heartbeat":${beat}}\n\n`
      knife.cut((text) => {
        const at = text.indexOf('event: position')
        return at < 0 ? undefined : at + frame.length / 2
      })
      scene.listen({ through: knife.url })
      await scene.log.until('leave')
      const [place] = await scene.publish(1)
      expect(await scene.next()).to.deep.equal(positioned(place!))
      const ids = await scene.publish(2)
      expect(await scene.next()).to.deep.equal(numbered(ids, [2])[0])
      expect(scene.asked).to.deep.equal([undefined, undefined])
    } finally {
      await knife.close()
    }
  },

  'cut behind any line, neither loses an event nor gets one twice': async (client) => {
    const scene = new Scene(client)
    await scene.serve()
    const knife = await Knife.before(scene.site.port)
    try {
      if (client.needs === 'chromium') await visit(knife.url)
      scene.listen({ through: knife.url })
      const seen = [await scene.next()]
      let joins = 1
      for (let line = 1; line <= 6; line++) {
        // two events in one write, of three lines each: one of the id, one of data, and a blank one
        if (line % 3 !== 0 && keepsIdsAtOnce.has(client.name)) continue
        const done = knife.done
        knife.cut((text) => {
          const data = text.indexOf(`data: ${line}1\n`)
          return data < 0 ? undefined : placeOfLine(text, text.lastIndexOf('id: ', data), line)
        })
        const ids = await scene.publish(line * 10 + 1, line * 10 + 2)
        const events = await scene.nextFew(2)
        expect(events, `line ${line}`).to.deep.equal(numbered(ids, [line * 10 + 1, line * 10 + 2]))
        seen.push(...events)
        expect(knife.done).to.equal(done + 1)
        await scene.joined(++joins)
      }
      await scene.isQuiet(seen)
    } finally {
      await knife.close()
    }
  },
}

/** They keep an id as soon as its line has come, and so skip an event that is cut behind that line. */
const keepsIdsAtOnce: ReadonlySet<string> = new Set(['extended-eventsource', '@microsoft/fetch-event-source'])

/** The end of the so manieth line from a place on. */
function placeOfLine(text: string, from: number, line: number): number {
  let at = from
  for (let count = 0; count < line; count++) at = text.indexOf('\n', at) + 1
  return at
}

describe('A place to come back to, for the fetch of docs/guide/resume.md', () => {
  staged()

  let page: Page | undefined
  let knife: Knife | undefined

  afterEach(async () => {
    page?.close()
    await knife?.close()
  })

  async function follow(feed: Feed<number>, cut: (text: string) => number | undefined): Promise<Served> {
    const format = ndjson({ envelope: true, mediaType: 'application/vnd.news+x-ndjson' })
    const site = await serve({ '/news': resource({ contentTypesProvided: [format], subscribe: feed }) })
    knife = await Knife.before(site.port)
    knife.cut(cut)
    const code = exampleWith(
      'follow()',
      {
        '1000 + 1000 * Math.random()': '10',
        "if (record.notice === 'gap') console.log('missed something')":
          'if (record.notice) console.log(record.notice, record.id)',
      },
      'docs/guide/resume.md',
    )
    page = new Page(code, knife.url)
    return site
  }

  const asked = (site: Served) => site.asked.map(({ headers }) => headers['last-event-id'])

  it('that is cut in the middle of its first record: it begins anew', async () => {
    const channel = createHub().channel<number>('numbers', { history: 10 })
    const site = await follow(channel, (text) => {
      const at = text.indexOf('{"notice":"position"')
      return at < 0 ? undefined : at + 30
    })
    await page!.prints(`position ${await channel.position()}\n`)
    expect(asked(site)).to.deep.equal(['', ''])
    await channel.publish(1)
    await page!.prints('1\n')
  })

  it('that is cut behind a gap: it is told of it once', async () => {
    const channel = createHub().channel<number>('numbers', { history: 2 })
    const behind = (record: string) => (text: string) => {
      const at = text.indexOf(record)
      return at < 0 ? undefined : text.indexOf('\n', at) + 1
    }
    const site = await follow(even(channel), behind('"data":2'))
    await page!.prints('position')
    knife!.cut(behind('"notice":"gap"'))
    const requested = await channel.publish(2)
    const missed = await Promise.all([3, 5, 7].map((n) => channel.publish(n)))
    await page!.prints(`gap ${missed[0]}\n`)
    await turnsUntil(() => site.asked.length === 3)
    await channel.publish(8)
    await page!.prints('8\n')
    expect(asked(site)).to.deep.equal(['', requested, missed[0]])
  })
})

describe('A place to come back to, for a client that', () => {
  staged()

  withEach([...eventSources, ...more], (client) => {
    for (const [name, run] of Object.entries(cases)) it(name, () => run(client))

    if (!keepsIdsAtOnce.has(client.name)) return

    it('does not ask again for an event that is cut behind its id, as docs/guide/clients.md says', async () => {
      const scene = new Scene(client)
      await scene.serve()
      const knife = await Knife.before(scene.site.port)
      try {
        scene.listen({ through: knife.url })
        await scene.next()
        knife.cut((text) => {
          const data = text.indexOf('data: 1\n')
          return data < 0 ? undefined : data
        })
        const [lost] = await scene.publish(1)
        await scene.joined(2)
        const ids = await scene.publish(2)
        expect(await scene.next()).to.deep.equal(numbered(ids, [2])[0])
        expect(scene.asked.at(-1)).to.equal(lost)
      } finally {
        await knife.close()
      }
    })
  })
})
