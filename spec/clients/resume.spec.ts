import { once } from 'node:events'
import { expect } from 'chai'
import { type Channel, createHub, loop, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { staged } from '../support/stage.js'
import { eventSources, listeners, type Served, serve, withEach } from './clients.js'
import type { Got, Listener } from './listener.js'

/** Stops listening, and drops who is there. */
async function goAway({ server }: Served): Promise<void> {
  const closed = once(server.close(), 'close')
  server.closeAllConnections()
  await closed
}

/** A channel that is served, and a client that follows it. */
class Followed {
  readonly client: Listener
  readonly log = new Log()
  channel: Channel<number>
  site!: Served
  /** The number at which the stream fails, once. */
  failsAt: number | undefined

  constructor(client: Listener, history: number) {
    this.client = client
    this.channel = createHub().channel('numbers', { history })
    this.channel.on('join', () => this.log.add('join'))
  }

  async serve(port?: number): Promise<void> {
    const numbers = loop({
      format: sse(),
      subscribe: () => this.channel,
      info: (message, { write }) => {
        if (message.data !== this.failsAt) return write(message)
        this.failsAt = undefined
        throw new Error('It fails')
      },
      terminate: ({ kind }) => this.log.add(kind),
      stream: { retry: 10 },
    })
    this.site = await serve({ '/numbers': numbers }, { client: this.client, ...(port && { port }) })
  }

  listen(query = '') {
    return this.client.listen(`${this.site.url}/numbers${query}`)
  }

  publish(...numbers: number[]): Promise<string[]> {
    return Promise.all(numbers.map((n) => this.channel.publish(n)))
  }

  /** The id with which each request came. */
  get asked(): readonly unknown[] {
    return this.site.asked.map(({ headers }) => headers['last-event-id'])
  }

  endAll(): void {
    for (const stream of this.site.endpoint.streams) stream.close()
  }
}

const numbered = (ids: readonly string[], numbers: readonly number[]): Got[] =>
  numbers.map((n, index) => ({ id: ids[index]!, type: 'message', data: `${n}` }))

/** Each loses a stream, and publishes numbers while the client is away. */
const waysToLose: Readonly<Record<string, (followed: Followed, ...numbers: number[]) => Promise<string[]>>> =
  {
    'ended, complete': async (followed, ...numbers) => {
      followed.endAll()
      return followed.publish(...numbers)
    },
    'was cut in the midst of events': async (followed, ...numbers) => {
      followed.failsAt = numbers[0]
      return followed.publish(...numbers)
    },
    'was reset': async (followed, ...numbers) => {
      for (const socket of followed.site.sockets) socket.resetAndDestroy()
      return followed.publish(...numbers)
    },
    'ended with its server, which is started anew on the same port': async (followed, ...numbers) => {
      const { port } = followed.site
      await goAway(followed.site)
      const ids = await followed.publish(...numbers)
      await followed.serve(port)
      return ids
    },
  }

describe('Real clients come back', () => {
  staged()

  withEach(listeners, (client) => {
    it('with Last-Event-ID, after every kind of loss, and miss nothing and get nothing twice', async () => {
      const followed = new Followed(client, 100)
      await followed.serve()
      const listening = followed.listen()
      await followed.log.until('join')
      let n = 0
      let losses = 0
      for (const [how, lose] of Object.entries(waysToLose)) {
        const [first, ...others] = [n + 1, n + 2, n + 3, n + 4]
        const ids = await followed.publish(first)
        const got = [await listening.next()]
        ids.push(...(await lose(followed, n + 2, n + 3)))
        losses += 1
        await followed.log.until('join', losses + 1)
        ids.push(...(await followed.publish(n + 4)))
        for (const _ of others) got.push(await listening.next())
        expect(got, how).to.deep.equal(numbered(ids, [first, ...others]))
        expect(followed.asked.at(-1), how).to.equal(ids[0])
        n += 4
      }
    })

    it('with the position, where the stream is lost before its first event, and miss nothing', async () => {
      const followed = new Followed(client, 100)
      const [before] = await followed.publish(0)
      await followed.serve()
      const listening = followed.listen()
      await listening.opens(1)
      followed.endAll()
      const ids = await followed.publish(1, 2)
      expect([await listening.next(), await listening.next()]).to.deep.equal(numbered(ids, [1, 2]))
      expect(followed.asked).to.deep.equal([undefined, before])
    })

    it('and are told of a gap, where what they missed is trimmed: then they get what there is', async () => {
      const followed = new Followed(client, 2)
      await followed.serve()
      const listening = followed.listen()
      await followed.log.until('join')
      const [requested] = await followed.publish(1)
      await listening.next()
      followed.endAll()
      const ids = (await followed.publish(2, 3, 4, 5)).slice(-2)
      const { type, data } = await listening.next()
      expect([type, JSON.parse(data)]).to.deep.equal(['gap', { requested, from: ids[0], reason: 'trimmed' }])
      expect([await listening.next(), await listening.next()]).to.deep.equal(numbered(ids, [4, 5]))
    })

    it('and the id of the header wins over the one in the URL with which they began', async () => {
      const followed = new Followed(client, 100)
      const ids = await followed.publish(1, 2)
      await followed.serve()
      const listening = followed.listen('?lastEventId=earliest')
      const got = [await listening.next(), await listening.next()]
      followed.endAll()
      ids.push(...(await followed.publish(3)))
      got.push(await listening.next())
      expect(got).to.deep.equal(numbered(ids, [1, 2, 3]))
    })
  })

  withEach(eventSources, (client) => {
    it('to a process that has forgotten everything, and are told so', async () => {
      const followed = new Followed(client, 100)
      await followed.serve()
      const listening = followed.listen()
      await followed.log.until('join')
      const [requested] = await followed.publish(1)
      await listening.next()
      const { port } = followed.site
      await goAway(followed.site)
      followed.channel = createHub().channel('numbers', { history: 100 })
      const ids = await followed.publish(2)
      await followed.serve(port)
      const { type, data } = await listening.next()
      expect([type, JSON.parse(data)]).to.deep.equal(['gap', { requested, from: ids[0], reason: 'unknown' }])
      expect(await listening.next()).to.deep.equal(numbered(ids, [2])[0])
    })
  })
})
