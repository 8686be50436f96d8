import { expect } from 'chai'
import { type Channel, createHub, type Hub, loop, sse } from '../../lib/index.js'
import { AsyncBackend } from '../support/async-backend.js'
import { turns } from '../support/stage.js'
import { type Faults, fault } from './fault.js'
import type { Plot } from './plot.js'
import type { Scene } from './scene.js'
import type { Target } from './targets.js'

interface Behind {
  readonly hub: Hub
  readonly channel: Channel<string>
  readonly backend: AsyncBackend
}

const behind = new WeakMap<Plot, Behind>()
const of = ({ plot }: Scene) => behind.get(plot) as Behind

type Source = (channel: { publish(data: string): unknown }) => unknown

/** A channel of a backend that takes its time; once it is mended, what happens is streamed without it. */
function channel(source?: Source): Target {
  return {
    make(plot) {
      const backend = new AsyncBackend()
      const hub = createHub(backend)
      const events = hub.channel<string>('events', {
        history: 100,
        ...(source && { source: source as never }),
      })
      behind.set(plot, { hub, channel: events, backend })
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

async function nobodyListens(scene: Scene): Promise<void> {
  await scene.over()
  expect(of(scene).channel.subscribers).to.equal(0)
}

async function rejects(promise: PromiseLike<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  )
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
  'the backend is lost, and comes back': fault({
    on: plain,
    reasons: ['disconnect'],
    async run(scene) {
      const clients = await listening(scene)
      const { backend, channel } = of(scene)
      backend.down()
      // another process goes on publishing
      const other = createHub(new AsyncBackend(backend.store)).channel<string>('events', { history: 100 })
      await other.publish('meanwhile')
      await turns()
      expect([...scene.endpoint.streams], 'streams stay open').to.have.length(2)
      backend.up()
      await channel.publish('after')
      for (const client of clients) {
        const body = await client.until('after')
        expect(body.match(/one|meanwhile|after/g)).to.deep.equal(['one', 'meanwhile', 'after'])
        client.leave()
      }
      await nobodyListens(scene)
    },
  }),
  'the backend is away: publish rejects': fault({
    on: plain,
    reasons: ['disconnect'],
    async run(scene) {
      const clients = await listening(scene)
      const { backend, channel } = of(scene)
      backend.down()
      expect(await rejects(channel.publish('never'))).to.equal(true)
      backend.up()
      await channel.publish('after')
      for (const client of clients) {
        expect(await client.until('after')).not.to.include('never')
        client.leave()
      }
      await nobodyListens(scene)
    },
  }),
  'the backend is away when a stream begins': fault({
    on: plain,
    reasons: ['down'],
    async run(scene) {
      of(scene).backend.down()
      expect((await scene.ask().whole()).status).to.equal(503)
      await nobodyListens(scene)
      of(scene).backend.up()
    },
  }),
  'the hub is closed while streams are open': fault({
    on: plain,
    reasons: ['down'],
    async run(scene) {
      const clients = await listening(scene)
      await of(scene).hub.close()
      for (const client of clients) expect((await client.whole()).isWhole).to.equal(true)
      await nobodyListens(scene)
    },
  }),
  'the source of a channel fails as it starts': fault({
    on: { throws: channel(broken), rejects: channel(async () => broken()) },
    reasons: ['down'],
    async run(scene) {
      expect((await scene.ask().whole()).status).to.equal(503)
      await nobodyListens(scene)
    },
  }),
  'the source of a channel dies': fault({
    on: dying,
    reasons: ['down'],
    async run(scene) {
      const client = scene.ask()
      expect((await client.whole()).isWhole).to.equal(true)
      await nobodyListens(scene)
    },
  }),
  'the source of a channel cannot be stopped': fault({
    on: { throws: channel(() => broken), rejects: channel(() => async () => broken()) },
    reasons: ['disconnect'],
    async run(scene) {
      for (const client of await listening(scene)) client.leave()
      await nobodyListens(scene)
      expect((await scene.warning()).message).to.include('broken')
    },
  }),
}
