import { expect } from 'chai'
import { type Channel, createHub, type Hub } from '../../lib/index.js'
import { type AsyncMemory, asyncMemory } from '../../lib/testing.js'
import { turns } from '../support/stage.js'
import { type Fault, type Faults, fault } from './fault.js'
import type { Plot } from './plot.js'
import type { Scene } from './scene.js'
import { following, type Target } from './targets.js'

interface Behind {
  readonly hub: Hub
  readonly channel: Channel<string>
  readonly backend: AsyncMemory
}

const behind = new WeakMap<Plot, Behind>()
const of = ({ plot }: Scene) => behind.get(plot) as Behind

type Source = (channel: { publish(data: string): unknown }) => unknown

/** A channel of a backend that takes its time. */
function channel(source?: Source): Target {
  return following((plot) => {
    const backend = asyncMemory()
    const hub = createHub(backend)
    const events = hub.channel<string>('events', {
      history: 100,
      ...(source && { source: source as never }),
    })
    behind.set(plot, { hub, channel: events, backend })
    return events
  })
}

const broken = () => {
  throw Object.assign(new Error('broken'), { stack: 'Error: broken' })
}

/** Two clients that have got an event. */
async function listening(scene: Scene) {
  const clients = [scene.ask(), scene.ask()]
  for (const client of clients) await client.head()
  await scene.until(() => of(scene).channel.subscribers === 2, 'two subscribers')
  await of(scene).channel.publish('one')
  for (const client of clients) await client.until('one')
  return clients
}

async function rejects(promise: PromiseLike<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  )
}

/** A fault after which nobody is subscribed to the channel. */
function onChannel(each: Fault): Fault {
  return fault({
    ...each,
    afterwards: (scene) => expect(of(scene).channel.subscribers, 'subscribers').to.equal(0),
  })
}

const plain = { 'a channel': channel() }

/** Fails when it is told to. */
const dying = {
  'a promise that rejects': channel((events) => {
    void events
    return new Promise((_resolve, reject) => setImmediate(reject, new Error('broken')))
  }),
}

export const hub: Faults = {
  'the backend is lost, and comes back': onChannel({
    on: plain,
    reasons: [],
    goesOn: true,
    async run(scene) {
      const clients = await listening(scene)
      const { backend, channel, hub } = of(scene)
      const told: string[] = []
      for (const event of ['down', 'up'] as const) hub.on(event, () => told.push(event))
      backend.lose()
      // another process goes on publishing
      const other = createHub(backend.another()).channel<string>('events', { history: 100 })
      await other.publish('meanwhile')
      await turns()
      expect([...scene.endpoint.streams], 'streams stay open').to.have.length(2)
      backend.restore()
      await channel.publish('after')
      for (const client of clients) {
        const body = await client.until('after')
        expect(body.match(/one|meanwhile|after/g)).to.deep.equal(['one', 'meanwhile', 'after'])
      }
      expect(told).to.deep.equal(['down', 'up'])
    },
  }),
  'the backend is away: publish rejects': onChannel({
    on: plain,
    reasons: [],
    goesOn: true,
    async run(scene) {
      const clients = await listening(scene)
      const { backend, channel } = of(scene)
      backend.lose()
      expect(await rejects(channel.publish('never'))).to.equal(true)
      backend.restore()
      await channel.publish('after')
      for (const client of clients) {
        expect(await client.until('after')).not.to.include('never')
      }
    },
  }),
  'the backend is away when a stream begins': onChannel({
    on: plain,
    reasons: ['down'],
    async run(scene) {
      of(scene).backend.lose()
      expect((await scene.ask().whole()).status).to.equal(503)
      of(scene).backend.restore()
    },
  }),
  'the hub is closed while streams are open': onChannel({
    on: plain,
    reasons: ['down'],
    async run(scene) {
      const clients = await listening(scene)
      await of(scene).hub.close()
      for (const client of clients) expect((await client.whole()).isWhole).to.equal(true)
    },
  }),
  'the source of a channel fails as it starts': onChannel({
    on: { throws: channel(broken), rejects: channel(async () => broken()) },
    reasons: ['down'],
    async run(scene) {
      expect((await scene.ask().whole()).status).to.equal(503)
    },
  }),
  'the source of a channel dies': onChannel({
    on: dying,
    reasons: ['down'],
    async run(scene) {
      const client = scene.ask()
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  'the source of a channel cannot be stopped': onChannel({
    on: { throws: channel(() => broken), rejects: channel(() => async () => broken()) },
    reasons: ['disconnect'],
    async run(scene) {
      for (const client of await listening(scene)) client.leave()
      await scene.over()
      expect((await scene.warning()).message).to.include('broken')
    },
  }),
}
