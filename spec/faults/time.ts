import { expect } from 'chai'
import { Clock } from '../../lib/clock.js'
import { createHub } from '../../lib/index.js'
import { turns } from '../support/stage.js'
import { expectInterrupted, type Faults, fault } from './fault.js'
import { afterFlood, floods } from './floods.js'
import type { Scene } from './scene.js'
import { following, oneOfEach } from './targets.js'

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
  const sizes: Readonly<Record<string, number>> = { 'text/event-stream': 2, 'application/x-ndjson': 1 }
  return sizes[stream?.format ?? ''] ?? 0
}

/** What a channel keeps for a minute. */
const kept = following(() => {
  const events = createHub().channel<string>('events', { history: 10, maxAge: 60_000 })
  void events.publish('kept')
  return events
})

export const time: Faults = {
  'the wall clock jumps': fault({
    options: { stream: { heartbeat: 1000, maxDuration: 10_000, writeTimeout: 5000 } },
    reasons: [],
    goesOn: true,
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
    },
  }),
  'the wall clock jumps, and a channel keeps events for a time': fault({
    on: { kept },
    in: ['Express 5'],
    reasons: [],
    goesOn: true,
    async run(scene) {
      await atAnotherTime(1000 * hour, async () => {
        const client = scene.ask({ headers: { 'Last-Event-ID': 'earliest' } })
        await client.until('kept')
      })
      // what is kept goes when its time has come: nothing is left of it
      scene.time.advance(60_001)
    },
  }),
  'the process sleeps for hours': fault({
    options: { stream: { heartbeat: 1000, writeTimeout: 5000 } },
    reasons: [],
    goesOn: true,
    async run(scene) {
      const client = await scene.streaming()
      const before = bytes(scene)
      scene.time.jump(10 * hour)
      expect(bytes(scene), 'one heartbeat').to.equal(before + heartbeat(scene))
      scene.time.advance(999)
      expect(bytes(scene), 'not yet another').to.equal(before + heartbeat(scene))
      scene.plot.emit('and on')
      await client.until('and on')
    },
  }),
  'the process sleeps for hours while a client is behind': fault({
    on: oneOfEach,
    in: ['Express 5'],
    options: { stream: { writeTimeout: 5000, maxQueuedBytes: 2 ** 30 } },
    reasons: [],
    goesOn: true,
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
    },
  }),
  'the process sleeps for hours, and a stream may last for one': fault({
    in: ['Express 5'],
    options: { stream: { maxDuration: hour } },
    reasons: ['expired'],
    async run(scene, target) {
      const client = await scene.streaming()
      scene.time.jump(10 * hour)
      await expectInterrupted(client, target)
    },
  }),
  'the process is late all the time, and the client takes nothing': fault({
    on: oneOfEach,
    in: ['Express 5'],
    options: { stream: { writeTimeout: 4000, maxQueuedBytes: 2 ** 30 } },
    reasons: ['overflow'],
    async run(scene) {
      const client = await scene.held({ reads: false })
      scene.plot.emit(floods)
      // what the kernel takes at first is progress
      for (let time = 0; time < 10 && [...scene.endpoint.streams].length > 0; time++) {
        await turns()
        scene.time.jump(hour)
      }
      await scene.over()
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
}
