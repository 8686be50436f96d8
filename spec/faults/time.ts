import { expect } from 'chai'
import { Clock } from '../../lib/clock.js'
import { type Channel, createHub, loop, sse } from '../../lib/index.js'
import { turns } from '../support/stage.js'
import { type Faults, fault } from './fault.js'
import { afterFlood, floods } from './floods.js'
import type { Scene } from './scene.js'
import type { Target } from './targets.js'

const hour = 3_600_000

/** Runs while the wall clock says another time. */
async function atAnotherTime(by: number, run: () => Promise<void>): Promise<void> {
  const { now } = Date
  Date.now = () => now() + by
  try {
    await run()
  } finally {
    Date.now = now
  }
}

/** Bytes that were written to the only stream. */
function bytes(scene: Scene): number {
  const [stream] = scene.endpoint.streams
  if (!stream) throw new Error('No stream is open')
  return stream.bytes
}

/** What a heartbeat of the only stream's format takes. */
function heartbeat(scene: Scene): number {
  const [stream] = scene.endpoint.streams
  const sizes: Readonly<Record<string, number>> = { 'text/event-stream': 3, 'application/x-ndjson': 1 }
  return sizes[stream?.format ?? ''] ?? 0
}

/** What a channel keeps for a minute. */
const kept: Target = {
  make(plot) {
    const events = createHub().channel<string>('events', { history: 10, maxAge: 60_000 })
    void events.publish('kept')
    return loop({
      format: sse(),
      subscribe: (context) => {
        const given = plot.subscribed(context as never)
        return (plot.isMended ? plot.generator(given) : events) as Channel<string>
      },
      terminate: (reason, context) => plot.terminated(reason, context),
    })
  },
}

export const time: Faults = {
  'the wall clock jumps': fault({
    in: ['Express 5', 'behind compression()'],
    options: { stream: { heartbeat: 1000, maxDuration: 10_000, writeTimeout: 5000 } },
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.streaming()
      const system = new Clock()
      const began = system.now()
      for (const by of [hour, -hour, 1000 * hour]) {
        await atAnotherTime(by, async () => {
          expect(system.now() - began, 'time that has passed').to.be.within(0, hour / 2)
          const before = bytes(scene)
          scene.time.advance(999)
          expect(bytes(scene)).to.equal(before)
          scene.time.advance(1)
          expect(bytes(scene)).to.equal(before + heartbeat(scene))
          scene.plot.emit(`after ${by}`)
          await client.until(`after ${by}`)
        })
      }
      client.leave()
    },
  }),
  'the wall clock jumps, and a channel keeps events for a time': fault({
    on: { kept },
    reasons: ['disconnect'],
    async run(scene) {
      await atAnotherTime(1000 * hour, async () => {
        const client = scene.ask({ headers: { 'Last-Event-ID': 'earliest' } })
        await client.until('kept')
        client.leave()
        await scene.over()
      })
    },
  }),
  'the process sleeps for hours': fault({
    in: ['Express 5', 'behind compression()'],
    options: { stream: { heartbeat: 1000, writeTimeout: 5000 } },
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.streaming()
      const before = bytes(scene)
      scene.time.jump(10 * hour)
      expect(bytes(scene), 'one heartbeat').to.equal(before + heartbeat(scene))
      scene.time.advance(999)
      expect(bytes(scene), 'not yet another').to.equal(before + heartbeat(scene))
      scene.plot.emit('and on')
      await client.until('and on')
      client.leave()
    },
  }),
  'the process sleeps for hours while a client is behind': fault({
    in: ['Express 5'],
    options: { stream: { writeTimeout: 5000, maxQueuedBytes: 2 ** 30 } },
    reasons: ['disconnect'],
    async run(scene) {
      const client = await scene.held({ reads: false })
      scene.plot.emit(floods)
      await turns()
      client.socket.resume()
      // nothing of what the client does meanwhile is seen before this
      scene.time.jump(10 * hour)
      scene.plot.emit('and on')
      await client.taken(floods.length)
      await afterFlood(scene, client, 'and on')
      client.leave()
    },
  }),
  'the process sleeps for hours, and a stream may last for one': fault({
    in: ['Express 5'],
    options: { stream: { maxDuration: hour } },
    reasons: ['expired'],
    async run(scene) {
      const client = await scene.streaming()
      scene.time.jump(10 * hour)
      expect((await client.whole()).isWhole).to.equal(true)
    },
  }),
}
