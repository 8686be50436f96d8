import { expect } from 'chai'
import { type Format, format, loop } from '../../lib/index.js'
import { formats } from '../support/formats.js'
import { type Client, request } from '../support/raw.js'
import { turns } from '../support/stage.js'
import { expectInterrupted, type Faults, fault } from './fault.js'
import { floods, stall } from './floods.js'
import type { Scene } from './scene.js'
import { oneOfEach, type Target, targets } from './targets.js'

const { 'SSE on a channel with history': channel, 'a POST answered by a stream': post } = targets

const ways = {
  resets: (client: Client) => client.reset(),
  closes: (client: Client) => client.leave(),
}

/** So many connections at once. */
const many = 64

async function each(from: number, to: number, run: (number: number) => Promise<unknown>): Promise<void> {
  for (let first = from; first <= to; first += many) {
    const length = Math.min(many, to - first + 1)
    await Promise.all(Array.from({ length }, (_, at) => run(first + at)))
  }
}

/** What happens, or three events and an end, in a format. */
function streamIn(format: () => Format): Target {
  return {
    make: (plot) =>
      loop({
        format: format(),
        subscribe(context) {
          const given = plot.subscribed(context)
          return plot.script ? plot.list(given, context as never, plot.script) : plot.generator(given)
        },
        terminate: (reason, context) => plot.terminated(reason, context),
      }),
  }
}

const sse = streamIn(formats.sse)

/** Those whose end is more than the last chunk. */
const withTail = {
  jsonArray: streamIn(formats.jsonArray),
  'one of the user’s own': streamIn(() =>
    format({ mediaType: 'a/b', encode: ({ data }) => `${data}!`, open: '<', close: '>' }),
  ),
}

/** The other formats are framed as these are. */
const framed = { sse, ndjson: streamIn(formats.ndjson), ...withTail }

const words = ['one', 'two', 'three']

/** The bytes of the head are those of every head: one format has to do for them. */
function firstOf(whole: Buffer, target: Target, way: keyof typeof ways): number {
  return target === sse && way === 'resets' ? 1 : whole.indexOf('\r\n\r\n')
}

/** A client that is given the next event whenever something has come. */
function paced(scene: Scene, name: string): Client {
  const client = scene.ask({ headers: { 'X-Client': name } })
  client.socket.on('data', () => scene.plot.step(name))
  return client
}

function afterAnyByteOf(way: keyof typeof ways) {
  return fault({
    on: way === 'resets' ? framed : { sse, ...withTail },
    in: ['Express 5'],
    reasons: ['disconnect', 'end'],
    async run(scene, target) {
      scene.plot.script = words
      const whole = paced(scene, 'whole')
      await whole.whole()
      const tail = whole.size - whole.raw.indexOf('three')
      await each(firstOf(whole.raw, target, way), whole.size, async (length) => {
        const name = String(length)
        const client = scene.ask({ headers: { 'X-Client': name } })
        client.socket.on('data', () => {
          if (client.size >= length) ways[way](client)
          else scene.plot.step(name)
        })
        await client.ended
      })
      await scene.over()
      const ends = scene.kinds.filter((kind) => kind === 'end').length
      expect(ends, 'ends').to.be.within(1, tail)
      scene.plot.script = undefined
    },
  })
}

function atAnyByteOfTheRequest(way: keyof typeof ways) {
  return fault({
    on: { channel, post },
    in: ['Express 5'],
    reasons: ['disconnect'],
    async run(scene) {
      const whole = request(scene.paths.stream, scene.how())
      const sent = async (length: number) => {
        const client = scene.connect()
        await new Promise((sent) => client.socket.write(whole.slice(0, length), sent))
        return client
      }
      await each(1, whole.length - 1, async (length) => ways[way](await sent(length)))
      await scene.gone(whole.length - 1)
      const taken = scene.arrived.map(({ bytesRead }) => bytesRead).sort((one, other) => one - other)
      expect(taken, 'every length').to.deep.equal(taken.map((_, at) => at + 1))
      expect(scene.plot.given, 'before its last byte').to.have.length(0)
      // the last byte, and the end at once; and the end once it is subscribed
      ways[way](await sent(whole.length))
      await scene.gone(whole.length)
      const before = scene.plot.given.length
      const client = await sent(whole.length)
      await scene.until(() => scene.plot.given.length > before, 'a subscribe')
      ways[way](client)
      await scene.gone(whole.length + 1)
    },
  })
}

/** A subscribe that waits until it is let go on. */
function gate(scene: Scene): () => void {
  let open = () => {}
  scene.plot.gate = new Promise<void>((resolve) => {
    open = () => {
      scene.plot.gate = undefined
      resolve()
    }
  })
  return open
}

function whilePending(leave: (client: Client) => void) {
  return fault({
    reasons: ['disconnect'],
    async run(scene) {
      const goOn = gate(scene)
      const client = scene.ask()
      await scene.plot.log.until('subscribed')
      leave(client)
      await scene.until(() => scene.endpoint.streams[Symbol.iterator]().next().done === true, 'its leaving')
      goOn()
      await scene.over()
      expect(client.size).to.equal(0)
    },
  })
}

/** By whom a client leaves with its own half of the connection alone. */
const half = (client: Client) => client.halfClose()

export const leaving: Faults = {
  'the client resets at any byte of its request': atAnyByteOfTheRequest('resets'),
  'the client closes at any byte of its request': atAnyByteOfTheRequest('closes'),
  'the client resets after any byte of the response': afterAnyByteOf('resets'),
  'the client closes after any byte of the response': afterAnyByteOf('closes'),
  'the client leaves while `subscribe` is pending': whilePending(ways.closes),
  'the client closes its half in the midst of its request': fault({
    reasons: [],
    async run(scene) {
      const whole = request(scene.paths.stream, scene.how())
      for (const length of [1, 10, whole.length - 1]) {
        const client = scene.connect().write(whole.slice(0, length))
        client.halfClose()
        await client.ended
        expect(client.raw.toString()).to.match(/^(?:$|HTTP\/1\.1 400 )/)
      }
    },
  }),
  'the client closes its half while `subscribe` is pending': whilePending(half),
  'the client closes its half while it is streamed to': fault({
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.streaming()
      client.halfClose()
      await scene.over()
      await client.ended
      expect(client.message.isWhole).to.equal(false)
    },
  }),
  'the client closes its half while it is behind': fault({
    on: oneOfEach,
    in: ['Express 5'],
    options: { stream: { writeTimeout: 1000 } },
    reasons: ['overflow'],
    async run(scene) {
      const client = await scene.held({ reads: false })
      scene.plot.emit(floods)
      await turns()
      client.halfClose()
      await stall(scene)
    },
  }),
  'the client closes its half while it is behind, and reads on': fault({
    on: oneOfEach,
    in: ['Express 5'],
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.held({ reads: false })
      scene.plot.emit(floods)
      await turns()
      client.halfClose()
      client.socket.resume()
      await client.ended
    },
  }),
  'the client closes its half while the endpoint closes': fault({
    reasons: ['disconnect', 'shutdown'],
    async run(scene, target) {
      const clients = [await scene.streaming(), await scene.held(), await scene.held()]
      const closing = scene.endpoint.close({ over: 1000 })
      scene.isClosed = true
      scene.time.advance(0)
      clients[2]?.halfClose()
      await clients[2]?.ended
      for (let step = 0; step < 10; step++) scene.time.advance(100)
      await closing
      expect(scene.kinds).to.deep.equal(['shutdown', 'shutdown', 'disconnect'])
      await expectInterrupted(clients[1], target)
    },
  }),
}
