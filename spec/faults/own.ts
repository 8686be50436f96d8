import { expect } from 'chai'
import { createHub, loop, ndjson, sse, type Trace } from '../../lib/index.js'
import { turns } from '../support/stage.js'
import { expectInterrupted, type Faults, fault } from './fault.js'
import type { Plot } from './plot.js'
import type { Scene } from './scene.js'
import { channelOf, following, type Options, type Target, targets } from './targets.js'

const { 'SSE on a channel with history': channel, ...others } = targets
const {
  'ndjson with info and an asynchronous subscribe': sends,
  'a POST answered by a stream': posted,
  ...pulled
} = others
/** Those that have an unsubscribe. */
const unsubscribing = { sends, posted }

const broken = () => {
  // a warning prints the stack, which is long
  throw Object.assign(new Error('broken'), { stack: 'Error: broken' })
}
const fails = { throws: broken, rejects: async () => broken() }
const never = () => new Promise<never>(() => {})

/** Until that is mended. */
function until<T>(plot: Plot, does: () => T): () => T | undefined {
  return () => (plot.isMended ? undefined : does())
}

/** The stream ends, because the client leaves, or the endpoint closes. */
const ends = {
  async disconnect(scene: Scene, _: Target) {
    const client = await scene.streaming()
    client.leave()
    await scene.over()
  },
  async shutdown(scene: Scene, target: Target) {
    const client = await scene.streaming()
    scene.isClosed = true
    await scene.endpoint.close()
    await expectInterrupted(client, target)
  },
}

/** Something of the spec fails or hangs at the end: it is a warning at most. */
function atTheEnd(
  on: Readonly<Record<string, Target>>,
  options: (does: () => unknown) => Options,
  does: () => unknown,
  kind: keyof typeof ends,
) {
  return fault({
    on,
    options: (plot) => options(until(plot, does)),
    reasons: [kind],
    async run(scene, target) {
      await ends[kind](scene, target)
      if (does !== never) expect((await scene.warning()).message).to.include('broken')
    },
  })
}

const unsubscribe = (does: () => unknown): Options => ({ unsubscribe: does })
const terminate = (does: () => unknown): Options => ({ terminate: does as () => void })

/** A channel of its own for each plot. */
function eventsOf(plot: Plot, history = 100) {
  const events = createHub().channel<string>('events', { history })
  published.set(plot, (data) => events.publish(data))
  return events
}
const published = new WeakMap<Plot, (data: string) => PromiseLike<string>>()

const feeds = {
  filter: following((plot) => eventsOf(plot).filter(broken)),
  map: following((plot) => eventsOf(plot).map(broken)),
}

/** What was missed is gone, and the spec's own notice of it fails. */
function gaps(onGap: () => unknown): Target {
  return following(
    (plot) => {
      const events = eventsOf(plot, 1)
      void events.publish('one')
      return events
    },
    { onGap },
  )
}

/** Takes a snapshot for a client that comes, until that is mended. */
function snapshots(does: () => unknown): Target {
  return {
    make(plot) {
      const channel = channelOf(plot)
      return loop({
        format: sse(),
        subscribe(context) {
          plot.subscribed(context as never)
          return channel
        },
        snapshot: until(plot, does) as () => undefined,
        terminate: (reason, context) => plot.terminated(reason, context as never),
        decisionTimeout: 1000,
      })
    },
  }
}

const generators = {
  fails: async function* () {
    yield 'one'
    yield 'two'
    broken()
  },
}

const serialised = {
  make: (plot: Plot) =>
    loop({
      format: ndjson({ serialize: (data) => (plot.isMended ? JSON.stringify(data) : broken()) }),
      subscribe: (context) => plot.generator(plot.subscribed(context as never)),
      terminate: (reason, context) => plot.terminated(reason, context as never),
    }),
}

const stuckInInfo = (kind: keyof typeof ends) =>
  fault({
    on: { sends, posted, ...pulled },
    in: ['Express 5'],
    options: (plot) => ({
      info: (message, { write }) => {
        plot.log.add('info')
        write(message as string)
        return plot.isMended ? undefined : never()
      },
    }),
    reasons: [kind],
    run: ends[kind],
  })

export const own: Faults = {
  '`unsubscribe` throws': atTheEnd(unsubscribing, unsubscribe, fails.throws, 'disconnect'),
  '`unsubscribe` rejects': atTheEnd(unsubscribing, unsubscribe, fails.rejects, 'disconnect'),
  '`unsubscribe` hangs': atTheEnd(unsubscribing, unsubscribe, never, 'disconnect'),
  '`unsubscribe` throws while the endpoint closes': atTheEnd(
    unsubscribing,
    unsubscribe,
    fails.throws,
    'shutdown',
  ),
  '`unsubscribe` hangs while the endpoint closes': atTheEnd(unsubscribing, unsubscribe, never, 'shutdown'),
  '`terminate` throws': atTheEnd(targets, terminate, fails.throws, 'disconnect'),
  '`terminate` rejects': atTheEnd(targets, terminate, fails.rejects, 'disconnect'),
  '`terminate` hangs': atTheEnd(targets, terminate, never, 'disconnect'),
  '`terminate` hangs while the endpoint closes': atTheEnd(targets, terminate, never, 'shutdown'),
  '`info` throws': fault({
    on: { sends, posted, ...pulled },
    in: ['Express 5'],
    options: (plot) => ({ info: (message, { write }) => (plot.isMended ? void write(message) : broken()) }),
    reasons: ['error'],
    async run(scene) {
      const client = await scene.held()
      scene.plot.emit('first')
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  '`info` rejects': fault({
    on: { sends, posted, ...pulled },
    in: ['Express 5'],
    options: (plot) => ({
      info: async (message, { write }) => (plot.isMended ? void write(message) : broken()),
    }),
    reasons: ['error'],
    async run(scene) {
      const client = await scene.held()
      scene.plot.emit('first')
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  '`info` never answers, and the client leaves': stuckInInfo('disconnect'),
  '`info` never answers, and the endpoint closes': stuckInInfo('shutdown'),
  '`onGap` throws': fault({
    on: { throws: gaps(fails.throws), rejects: gaps(fails.rejects) },
    reasons: ['error'],
    async run(scene) {
      const client = scene.ask({ headers: { 'Last-Event-ID': 'of-yesterday' } })
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  '`snapshot` throws': fault({
    on: { throws: snapshots(fails.throws), rejects: snapshots(fails.rejects) },
    reasons: ['error'],
    async run(scene) {
      expect((await scene.ask().whole()).status).to.equal(500)
      expect(scene.errors.splice(0)).to.have.length(1)
    },
  }),
  '`snapshot` never answers': fault({
    on: { promise: snapshots(never) },
    reasons: ['error'],
    async run(scene) {
      const client = scene.ask()
      await scene.until(() => scene.plot.contexts.length > 0, 'a stream')
      await turns()
      scene.time.advance(1000)
      expect((await client.whole()).status).to.equal(503)
    },
  }),
  '`snapshot` fails after its first item': fault({
    on: { generator: snapshots(generators.fails) },
    reasons: ['error'],
    async run(scene) {
      const client = scene.ask()
      await client.ended
      // behind middleware that keeps what is written, the cut may come before the head
      expect(client.messages.map(({ isWhole }) => isWhole)).not.to.include(true)
    },
  }),
  '`filter` or `map` throws': fault({
    on: feeds,
    reasons: ['error'],
    async run(scene) {
      const client = scene.ask()
      await client.head()
      await published.get(scene.plot)?.('one')
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  'a serializer throws': fault({
    on: { ndjson: serialised },
    reasons: ['error'],
    async run(scene) {
      const client = await scene.held()
      scene.plot.emit('first')
      expect((await client.closed()).isWhole).to.equal(false)
    },
  }),
  '`clientKey` throws': fault({
    on: { channel, posted },
    in: ['Express 5', 'Express 4'],
    options: (plot) => ({ stream: { clientKey: () => (plot.isMended ? 'one' : broken()) } }),
    reasons: [],
    async run(scene) {
      expect((await scene.ask().whole()).status).to.equal(500)
      expect(scene.errors.splice(0)).to.have.length(1)
    },
  }),
  'a `trace` listener throws': fault({
    on: { channel, posted },
    in: ['Express 5', 'Express 4'],
    options: (plot) => ({ trace: until(plot, broken) as Trace }),
    reasons: [],
    goesOn: true,
    async run(scene) {
      await scene.streaming()
      expect((await scene.warning()).message).to.include('broken')
    },
  }),
  '`problem` throws': fault({
    on: { channel, posted },
    in: ['Express 5', 'Express 4'],
    options: { problem: broken },
    reasons: [],
    async run(scene) {
      const { status, headers } = await scene.ask({ method: 'TRACE' }).whole()
      expect(status).to.be.oneOf([405, 501])
      expect(headers['content-type']).to.equal('application/problem+json')
      expect((await scene.warning()).message).to.include('broken')
    },
  }),
}
