import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createHub, csv, type Format, loop, ndjson, raw, sse, text } from '../../lib/index.js'
import { unserialisable } from '../formats/unserialisable.js'
import type { Context } from '../support/held.js'
import { turns } from '../support/stage.js'
import { expectInterrupted, type Faults, fault } from './fault.js'
import type { Given, Plot } from './plot.js'
import type { Scene } from './scene.js'
import type { Target } from './targets.js'

type Subscribe = (given: Given, plot: Plot, context: Context) => unknown

/** Streams that are fed so, until that is mended. */
function fed(ways: Readonly<Record<string, Subscribe>>, format: () => Format = ndjson) {
  return Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, fedBy(way, format)]))
}

function fedBy(way: Subscribe, format: () => Format): Target {
  return {
    make: (plot, options) =>
      loop({
        ...(options as object),
        format: format(),
        subscribe(context) {
          const given = plot.subscribed(context)
          return (plot.isMended ? plot.generator(given) : way(given, plot, context)) as undefined
        },
        // what happens is told in words
        ...(format().mediaType === 'text/csv' && {
          info: (message: unknown, { write }) => void write(plot.isMended ? [message] : message),
        }),
        terminate: (reason, context) => plot.terminated(reason, context),
      }),
  }
}

const broken = () => new Error('broken')
const breaks = () => {
  throw broken()
}
const never = new Promise<never>(() => {})

interface Observer {
  next(value: unknown): void
  error(error: unknown): void
  complete(): void
}

function observable(subscribe: (observer: Observer) => unknown) {
  return {
    '@@observable': () => ({
      subscribe(observer: Observer) {
        subscribe(observer)
        return { unsubscribe() {} }
      },
    }),
  }
}

/** An iterator of so many ones, and what comes then. */
function then(next: () => unknown, ones = 1): AsyncIterator<number> & AsyncIterable<number> {
  let count = 0
  return {
    next: () => (count++ < ones ? { done: false, value: 1 } : next()) as never,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** A Readable of objects that is told what to do once it was read from. */
function readable(then: (readable: Readable) => unknown): Readable {
  const all = new Readable({ objectMode: true, read() {} })
  all.push(1)
  all.once('data', () => {})
  all.pause()
  setImmediate(then, all)
  return all
}

function web(then: (controller: ReadableStreamDefaultController<number>) => unknown): ReadableStream<number> {
  return new ReadableStream<number>({
    start(controller) {
      controller.enqueue(1)
      setImmediate(then, controller)
    },
  })
}

/** An iterator that never answers, and is closed so. */
function pending(close: () => unknown): Subscribe {
  return () =>
    Object.assign(
      then(() => never),
      { return: close },
    )
}

async function whileFlooding(scene: Scene): Promise<void> {
  const client = scene.ask()
  await client.taken(10_000)
  for (let asked = 0; asked < 3; asked++) expect((await scene.askForRest().whole()).status).to.equal(200)
  client.leave()
}

const ones = (end: unknown) => (typeof end === 'function' ? end : () => end)

const fails = fed({
  'an iterator whose first next() throws': () => then(breaks, 0),
  'an iterator whose next() throws': () => then(breaks),
  'an iterator whose next() rejects': () => then(() => Promise.reject(broken())),
  'an iterator whose next() answers nonsense': () => then(ones(undefined) as () => unknown),
  'a generator': function* () {
    yield 1
    throw broken()
  },
  'a Readable with an error': () => readable((all) => all.destroy(broken())),
  'a Readable that emits an error': () => readable((all) => all.emit('error', broken())),
  'a Readable that is destroyed before its end': () => readable((all) => all.destroy()),
  'a Readable that pushes at its end': () =>
    readable((all) => {
      all.push(null)
      all.once('end', () => all.push(2))
    }),
  'a Web stream': () => web((controller) => controller.error(broken())),
  'an Observable': () => observable(({ error }) => setImmediate(error, broken())),
  'an Observable that completes after its error': () =>
    observable(({ error, complete }) =>
      setImmediate(() => {
        error(broken())
        complete()
        error(broken())
      }),
    ),
  'fail()': (_given, _plot, { fail }) => void setImmediate(fail, broken()),
  'fail(), twice': (_given, _plot, { fail }) =>
    void setImmediate(() => {
      fail(broken())
      fail(broken())
    }),
})

const ends = fed({
  'an empty list': () => [],
  'an iterator': () => then(() => ({ done: true, value: undefined })),
  'a Readable': () => readable((all) => all.push(null)),
  'a Readable that emits more': () =>
    readable((all) => {
      all.push(null)
      all.once('end', () => setImmediate(() => all.emit('data', 2)))
    }),
  'a Readable that pushes more': () =>
    readable((all) => {
      all.push(null)
      all.once('end', () => setImmediate(() => all.push(2)))
    }),
  'a Readable that fails after its end': () =>
    readable((all) => {
      all.push(null)
      all.once('end', () => setImmediate(() => all.emit('error', broken())))
    }),
  'a Web stream': () => web((controller) => controller.close()),
  'an Observable': () => observable(({ complete }) => setImmediate(complete)),
  'an Observable that says more, and fails': () =>
    observable(({ next, error, complete }) =>
      setImmediate(() => {
        complete()
        next(2)
        error(broken())
        complete()
      }),
    ),
  'an iterator whose return() throws': () =>
    Object.assign(
      then(() => ({ done: true, value: 2 })),
      { return: breaks },
    ),
})

const subscribeFails = fed({
  throws: breaks,
  rejects: async () => breaks(),
  'throws after a send()': (_given, _plot, { send }) => {
    send(1)
    breaks()
  },
  'returns what is no source': () => 7,
  'resolves to what is no source': async () => 'text',
  'returns what cannot be iterated': () => ({ [Symbol.asyncIterator]: breaks }),
  'returns an Observable that throws': () => observable(breaks),
  'returns an Observable that fails at once': () => observable(({ error }) => error(broken())),
  'returns a list of feeds': () => [createHub().channel('a'), createHub().channel('b')],
  'monitors and throws': (_given, _plot, { monitor }) => {
    monitor(Promise.reject(broken()))
    breaks()
  },
})

/** Streams of a target that is monitored beside a source that never ends, and how it dies. */
const monitored = (die: (target: EventEmitter) => unknown) =>
  fed(
    Object.fromEntries(
      Object.entries({
        'and what is sent': ({ send }: Context) => void send(1),
        'and a Readable': () => {
          const all = new Readable({ objectMode: true, read() {} })
          all.push(1)
          return all
        },
        'and a generator that hangs': async function* () {
          yield 1
          await never
        },
      }).map(([name, source]) => [
        name,
        (_given: Given, _plot: Plot, context: Context) => {
          const target = new EventEmitter()
          context.monitor(target)
          setImmediate(die, target)
          return source(context)
        },
      ]),
    ),
  )

/** What a stream monitored fails when it is over, or was monitored too late. */
const late: Subscribe = (_given, _plot, { monitor, signal }) => {
  const target = new EventEmitter()
  monitor(target)
  monitor(new Promise((_, reject) => signal.addEventListener('abort', () => reject(broken()))))
  signal.addEventListener('abort', () => {
    target.emit('error', broken())
    const next = new EventEmitter()
    setImmediate(() => {
      monitor(next)
      monitor(Promise.reject(broken()))
      next.emit('error', broken())
    })
  })
}

const stuck = fed({
  'next() and return()': pending(() => never),
  'next(), and a return() that throws': pending(breaks),
  'next(), and a return() that rejects': pending(async () => breaks()),
  'a Readable that never closes': () => new Readable({ read() {}, destroy() {} }),
  'a Readable whose destroy() fails': () =>
    new Readable({ read() {}, destroy: (_error, done) => done(broken()) }),
  'a Web stream that never cancels': () => new ReadableStream({ pull: () => never, cancel: () => never }),
  'a Web stream whose cancel() fails': () => new ReadableStream({ pull: () => never, cancel: breaks }),
})

const floods = fed({
  'an infinite generator': function* () {
    for (;;) yield 'again'
  },
  'an infinite generator that never waits': async function* () {
    for (;;) yield 'again'
  },
  'an infinite Readable': () =>
    new Readable({
      objectMode: true,
      read() {
        this.push('again')
      },
    }),
  'an infinite Web stream': () => new ReadableStream({ pull: (controller) => controller.enqueue('again') }),
})

/** What each format cannot write. */
const garbage = {
  ...Object.fromEntries(
    Object.entries({ sse, ndjson }).flatMap(([name, format]) =>
      unserialisable.map((value, at) => [
        `${name}: what JSON has no text for, ${at + 1}`,
        fedBy(() => then(() => ({ done: false, value })), format),
      ]),
    ),
  ),
  'ndjson: undefined': fedBy(() => [1, undefined], ndjson),
  'csv: no record': fedBy(
    () => [['1'], 7],
    () => csv({ columns: ['n'] }),
  ),
  'raw: an object': fedBy(
    () => [Buffer.from('1'), {}],
    () => raw('a/b'),
  ),
  'text: an object': fedBy(() => ['1', {}], text),
}

export const sources: Faults = {
  'the source fails': fault({
    on: fails,
    reasons: ['error'],
    async run(scene) {
      const message = await scene.ask().closed()
      expect([message.status, message.isWhole]).to.deep.equal([200, false])
      expect(message.body).to.be.oneOf(['', '1\n'])
    },
  }),
  'the source ends': fault({
    on: ends,
    reasons: ['end'],
    async run(scene) {
      expect((await scene.ask().whole()).status).to.equal(200)
    },
  }),
  '`subscribe` fails': fault({
    on: subscribeFails,
    reasons: ['error'],
    async run(scene) {
      const { status, body } = await scene.ask().whole()
      expect([status, body]).to.deep.equal([500, 'the app failed'])
      expect(scene.errors.splice(0)).to.have.length(1)
    },
  }),
  'the source never answers, and the client leaves': fault({
    on: stuck,
    reasons: ['disconnect'],
    async run(scene) {
      const client = scene.ask()
      await client.head()
      client.leave()
    },
  }),
  'the source never answers, and the endpoint closes': fault({
    on: stuck,
    reasons: ['shutdown'],
    async run(scene, target) {
      const client = scene.ask()
      await client.head()
      scene.isClosed = true
      await scene.endpoint.close()
      await expectInterrupted(client, target)
    },
  }),
  'a monitored target ends in peace': fault({
    on: monitored((target) => target.emit('close')),
    reasons: ['down'],
    async run(scene) {
      expect((await scene.ask().whole()).body).to.equal('1\n')
    },
  }),
  'a monitored target fails': fault({
    on: monitored((target) => target.emit('error', broken())),
    reasons: ['down'],
    async run(scene) {
      expect(await scene.ask().closed()).to.include({ body: '1\n', isWhole: false })
    },
  }),
  'what was monitored fails after the end': fault({
    on: fed({ 'an emitter and a promise': late }),
    reasons: ['disconnect'],
    async run(scene) {
      const client = scene.ask()
      await client.head()
      client.leave()
      await turns()
    },
  }),
  'the source floods': fault({ on: floods, reasons: ['disconnect'], run: whileFlooding }),
  'the source yields what cannot be written': fault({
    on: garbage,
    in: ['Express 5'],
    reasons: ['error'],
    async run(scene) {
      const message = await scene.ask().closed()
      expect([message.status, message.isWhole]).to.deep.equal([200, false])
      expect(message.body).to.include('1')
    },
  }),
}
