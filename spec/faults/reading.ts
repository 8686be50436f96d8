import { expect } from 'chai'
import type { StreamOptions } from '../../lib/index.js'
import type { Client } from '../support/raw.js'
import { turns } from '../support/stage.js'
import { type Faults, fault } from './fault.js'
import { afterFlood, floods, stall } from './floods.js'
import type { Scene } from './scene.js'
import { oneOfEach, pulling, pushing } from './targets.js'

/** Three events may wait, whatever their size. */
const few = { maxQueued: 3, maxQueuedBytes: 2 ** 30 }
const later = ['<1>', '<2>', '<3>', '<4>', '<5>', '<6>']

/** A client that has stopped to read, and for which more waits than the kernel takes. */
async function behind(scene: Scene): Promise<Client> {
  const client = await scene.held({ reads: false })
  scene.plot.emit(floods)
  await turns()
  for (const each of later) {
    scene.plot.emit(each)
    await turns(5)
  }
  return client
}

/** With a policy that drops: who reads again gets what was kept, and is told the rest. */
function drops(overflow: StreamOptions['overflow'], kept: readonly string[]) {
  return fault({
    on: pushing,
    in: ['Express 5'],
    options: { stream: { ...few, overflow: overflow as 'close' } },
    reasons: [],
    goesOn: true,
    async run(scene) {
      const client = await behind(scene)
      const [stream] = scene.endpoint.streams
      expect(stream?.dropped).to.equal(later.length - kept.length)
      client.socket.resume()
      await client.taken(floods.length)
      const body = await afterFlood(scene, client, kept.at(-1) as string)
      expect(body.match(/<\d>/g)).to.deep.equal(kept)
      scene.plot.emit('and on')
      await afterFlood(scene, client, 'and on')
    },
  })
}

export const reading: Faults = {
  'the client stops reading, and `overflow` is close': fault({
    on: pushing,
    options: { stream: few },
    reasons: ['overflow'],
    async run(scene) {
      const client = await behind(scene)
      await scene.over()
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  'the client stops reading, and `overflow` is dropOldest': drops('dropOldest', later.slice(-3)),
  'the client stops reading, and `overflow` is dropNewest': drops('dropNewest', later.slice(0, 3)),
  'the client stops reading, and `overflow` conflates': drops(
    // each event has a key of its own: the newest of two kinds are kept
    { conflate: (data) => (Number(String(data).slice(1, 2)) % 2 ? 'odd' : 'even') },
    later.slice(-2),
  ),
  'the client stops reading what is pulled': fault({
    on: pulling,
    reasons: [],
    goesOn: true,
    async run(scene) {
      const client = await behind(scene)
      const [stream] = scene.endpoint.streams
      expect(stream?.queued, 'the source waits').to.equal(0)
      client.socket.resume()
      await client.taken(floods.length)
      expect((await afterFlood(scene, client, '<6>')).match(/<\d>/g)).to.deep.equal(later)
    },
  }),
  'the client stops reading, and leaves': fault({
    on: oneOfEach,
    options: { stream: { maxQueuedBytes: 2 ** 30 } },
    in: ['Express 5'],
    reasons: ['disconnect'],
    async run(scene) {
      const client = await behind(scene)
      client.leave()
    },
  }),
  'the client takes no byte any more': fault({
    in: ['Express 5'],
    options: { stream: { writeTimeout: 1000 } },
    reasons: ['overflow'],
    async run(scene) {
      const client = await scene.held({ reads: false })
      scene.plot.emit(floods)
      await stall(scene)
      await scene.over()
      client.socket.resume()
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
}
