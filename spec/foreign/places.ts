import { Readable } from 'node:stream'
import { is } from '../../lib/brand.js'
import { stored } from '../../lib/hub/authoring.js'
import type { Backend, Log } from '../../lib/hub/backend.js'
import {
  type Channel,
  createHub,
  csv,
  type Endpoint,
  format,
  loop,
  ndjson,
  resource,
  sse,
  stop,
  text,
} from '../../lib/index.js'
import { type AsyncMemory, asyncMemory } from '../../lib/testing.js'
import type { Context } from '../support/held.js'
import type { Spec } from '../support/http.js'
import type { Ask } from '../support/raw.js'
import { turns } from '../support/stage.js'
import type { Fault, Foreign } from './faults.js'
import type { Meeting, Seen } from './meet.js'

/** A place where the library calls a function of the user's while a response is held. */
export interface Place {
  /** An endpoint with the function in its place. */
  make(foreign: Foreign): Endpoint
  readonly ask?: Ask
  readonly path?: string
  /** What the client sees before the function is called, and what leads to the call. */
  drive?(meeting: Meeting, endpoint: Endpoint): unknown
  /** What the client sees in the end: after a failure; if the function never answers; and if it calls back twice. */
  readonly fails: Seen | readonly Seen[]
  readonly never?: Seen | readonly Seen[]
  readonly twice?: Seen | readonly Seen[]
  /** Faults that this place is not tried with. */
  readonly without?: readonly Fault[]
}

type Drive = NonNullable<Place['drive']>

const held = (spec: object): Endpoint =>
  resource({ contentTypesProvided: [ndjson()], subscribe: () => {}, ...spec } as Spec)

/** Waits for the open stream, and closes it. */
const close: Drive = async ({ sees }, endpoint) => {
  await sees('200 open')
  for (const stream of endpoint.streams) stream.close()
}

const leave: Drive = async ({ sees, client }, endpoint) => {
  await sees('200 open')
  client.leave()
  while ([...endpoint.streams].length > 0) await turns(1)
}

const publishing =
  (data: unknown = 1): Drive =>
  async ({ sees }) => {
    await sees('200 open')
    await channel.publish(data)
  }

/** The channel of the endpoint that was made last. */
let channel: Channel<unknown>

function fresh(options: object = {}): Channel<unknown> {
  channel = createHub().channel<unknown>('a', options)
  return channel
}

const cut = { fails: '200 cut', never: '200 cut', twice: '200 cut' } as const
const open = { fails: '200 open', never: '200 open', twice: '200 open' } as const
const failed = { fails: '500', never: '500', twice: '500' } as const
/** A stream that is over, complete or not. */
const over = ['200', '200 cut'] as const

/** A backend with one fault. */
function backend(fault: object, options = {}): Channel<unknown> {
  const log: Log = {
    publish: () => 'id-2',
    listen: () => () => {},
    read: () => ({
      outcome: 'found',
      from: 'id-1',
      before: 'id-1',
      hasEnded: false,
      events: [stored('id-2', 1)],
    }),
    position: () => 'id-1',
    end: () => {},
    drop: () => {},
    compare: (one, other) => Number(one.slice(3)) - Number(other.slice(3)),
    isImmediate: true,
    latest: undefined,
    isEmpty: true,
    ...fault,
  }
  const made: Backend = { [is]: 'backend', open: () => log, on: () => {}, close: () => {} }
  channel = createHub(made).channel<unknown>('a', options)
  return channel
}

/** A channel of a store, which can be lost. */
function lagging() {
  const backend = asyncMemory()
  lost = {
    backend,
    elsewhere: createHub(backend.another()).channel('a', { history: 1 }),
  }
  return createHub(lost.backend).channel<unknown>('a', { history: 1 })
}

/** The backend of the channel that was made last, and the channel in another process. */
let lost: { backend: AsyncMemory; elsewhere: Channel<unknown> }

/** Loses events, and is told so. */
const loseAll: Drive = async ({ sees }) => {
  await sees('200 open')
  const { backend, elsewhere } = lost
  backend.lose()
  for (const each of [1, 2]) await elsewhere.publish(each)
  backend.restore()
  await backend.delivered()
}

/** A hub whose backend is lost. */
function losing(name: 'down' | 'up', foreign: Foreign): Endpoint {
  let tell = () => {}
  const log = { publish: () => 'a', listen: () => () => {}, compare: () => 0, isImmediate: true }
  const hub = createHub({
    [is]: 'backend',
    open: () => log as never,
    on: (each: string, listener: () => void) => {
      if (each === name) tell = listener
    },
    close: () => {},
  } as Backend)
  hub.on(name, foreign as () => void)
  return held({
    subscribe: () => {
      tell()
    },
  })
}

const iterator = (next: unknown, giveBack: unknown = () => ({ done: true, value: undefined })) => ({
  next,
  return: giveBack,
})
const one = () => ({ done: false, value: 1 })
const pending = () => new Promise<never>(() => {})

/** What nobody looks at where it is called: JSON writes a promise as it writes any object. */
const promises: readonly Fault[] = [
  'rejects',
  'rejects later',
  'returns a thenable that throws',
  'returns what cannot be looked at',
]

/** Every place where the library calls a function of the user's, but for callbacks that decide and hooks. */
export const places: Readonly<Record<string, Place>> = {
  subscribe: {
    make: (foreign) => held({ subscribe: foreign }),
    fails: '500',
    never: '503',
    twice: '200 open',
  },
  'subscribe that has written': {
    make: (foreign) =>
      held({
        subscribe({ write }: Context) {
          write(1)
          return (foreign as () => unknown)()
        },
      }),
    fails: '200 cut',
    never: '200 cut',
    twice: '200 open',
  },
  unsubscribe: {
    make: (foreign) => held({ subscribe: () => foreign }),
    drive: close,
    fails: '200',
    never: '200',
    twice: '200',
  },
  'unsubscribe of a subscribe that answers after the client has left': {
    make: (foreign) =>
      held({
        async subscribe({ signal }: Context) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          return foreign
        },
      }),
    drive: async ({ client }, endpoint) => {
      while ([...endpoint.streams].length === 0) await turns(1)
      client.leave()
    },
    fails: 'ended',
    never: 'ended',
    twice: 'ended',
  },
  terminate: {
    make: (foreign) => held({ terminate: foreign }),
    drive: close,
    fails: '200',
    never: '200',
    twice: '200',
  },
  info: {
    make: (foreign) => held({ subscribe: ({ send }: Context) => send(1), info: foreign }),
    ...cut,
    never: '200 open',
    twice: '200 open',
  },
  onGap: {
    make: (foreign) => held({ subscribe: fresh({ history: 1 }), onGap: foreign }),
    path: '/?lastEventId=of-yesterday',
    ...cut,
    never: '200 open',
    twice: '200 open',
  },
  snapshot: {
    make: (foreign) => held({ subscribe: fresh(), snapshot: foreign }),
    fails: '500',
    never: '503',
    twice: '200 open',
  },
  'snapshot in place of a gap': {
    make: (foreign) => held({ subscribe: fresh({ history: 1 }), snapshot: foreign }),
    path: '/?lastEventId=of-yesterday',
    fails: '500',
    never: '503',
    twice: '200 open',
  },
  'snapshot, of a store': {
    make: (foreign) => held({ subscribe: lagging(), snapshot: foreign }),
    fails: '500',
    never: '503',
    twice: '200 open',
  },
  'snapshot in mid-stream': {
    make(foreign) {
      let count = 0
      const snapshot = () => (count++ === 0 ? [] : (foreign as () => unknown)())
      return held({ subscribe: lagging(), snapshot })
    },
    drive: loseAll,
    ...cut,
    twice: '200 open',
  },
  'next of a snapshot, first': {
    make: (foreign) =>
      held({
        subscribe: fresh(),
        snapshot: () => ({ [Symbol.asyncIterator]: () => iterator(foreign) }),
      }),
    fails: '500',
    never: '503',
    twice: '500',
  },
  'next of a snapshot, later': {
    make(foreign) {
      let count = 0
      const next = () => (count++ < 2 ? one() : (foreign as () => unknown)())
      return held({ subscribe: fresh(), snapshot: () => ({ [Symbol.asyncIterator]: () => iterator(next) }) })
    },
    ...cut,
    never: '200 open',
  },
  'return of a snapshot': {
    make(foreign) {
      let count = 0
      const next = () => (count++ < 2 ? one() : pending())
      return held({
        subscribe: fresh(),
        snapshot: () => ({ [Symbol.asyncIterator]: () => iterator(next, foreign) }),
      })
    },
    drive: leave,
    ...cut,
  },
  'the iterator of a snapshot': {
    make: (foreign) => held({ subscribe: fresh(), snapshot: () => ({ [Symbol.asyncIterator]: foreign }) }),
    fails: '500',
    never: '500',
    twice: '500',
  },
  'headers of a loop': {
    make: (foreign) => loop({ format: ndjson(), subscribe: () => {}, headers: foreign as never }),
    fails: '500',
    never: ['500', '503'],
    twice: ['500', '200 open'],
  },
  trace: { make: (foreign) => held({ trace: foreign }), ...open },
  clientKey: { make: (foreign) => held({ stream: { clientKey: foreign } }), ...failed },
  maxDuration: { make: (foreign) => held({ stream: { maxDuration: foreign } }), ...failed },
  problem: {
    make: (foreign) => held({ problem: foreign, resourceExists: false }),
    // the body of RFC 9457 in its place
    fails: '404',
    never: '404',
    twice: '404',
  },
  'clientKey, where a list waits': {
    make: (foreign) =>
      held({
        contentTypesProvided: { 'a/b': () => ndjson().once([1]) },
        stream: { clientKey: foreign },
      }),
    ...failed,
  },
  conflate: {
    make: (foreign) =>
      held({
        subscribe({ send }: Context) {
          for (const each of [1, 2, 3]) send(each)
        },
        stream: { maxQueued: 1, overflow: { conflate: foreign } },
      }),
    ...failed,
  },

  // ---- sources
  'next of an asynchronous source': {
    make: (foreign) => held({ subscribe: () => ({ [Symbol.asyncIterator]: () => iterator(foreign) }) }),
    ...cut,
    never: '200 open',
  },
  'next of a synchronous source': {
    make: (foreign) => held({ subscribe: () => ({ [Symbol.iterator]: () => iterator(foreign) }) }),
    ...cut,
    never: '200 open',
  },
  'return of an asynchronous source': {
    make: (foreign) =>
      held({ subscribe: () => ({ [Symbol.asyncIterator]: () => iterator(pending, foreign) }) }),
    drive: close,
    fails: over,
    never: over,
    twice: over,
  },
  'return of a source whose client leaves': {
    make: (foreign) =>
      held({ subscribe: () => ({ [Symbol.asyncIterator]: () => iterator(pending, foreign) }) }),
    drive: leave,
    fails: '200 cut',
    never: '200 cut',
    twice: '200 cut',
  },
  'return of a list that HEAD does not send': {
    make: (foreign) =>
      held({
        contentTypesProvided: {
          'a/b': () => ndjson().once({ [Symbol.iterator]: () => iterator(one, foreign) } as never),
        },
      }),
    ask: { method: 'HEAD' },
    fails: '200',
    never: '200',
    twice: '200',
  },
  'the iterator of a source': {
    make: (foreign) => held({ subscribe: () => ({ [Symbol.asyncIterator]: foreign }) }),
    fails: ['500', '200 cut'],
    never: ['500', '200 cut'],
    twice: ['500', '200 cut'],
  },
  'read of a Node stream': {
    make: (foreign) =>
      held({ subscribe: () => new Readable({ objectMode: true, read: foreign as () => void }) }),
    without: [
      'rejects',
      'rejects later',
      'returns a thenable that throws',
      'returns what cannot be looked at',
    ],
    ...cut,
    never: '200 open',
    twice: '200 open',
  },
  'destroy of a Node stream': {
    make: (foreign) =>
      held({ subscribe: () => Object.assign(new Readable({ read() {} }), { destroy: foreign }) }),
    drive: close,
    fails: over,
    never: over,
    twice: over,
  },
  'pull of a Web stream': {
    make: (foreign) =>
      held({ subscribe: () => new ReadableStream({ pull: foreign as () => void }, { highWaterMark: 0 }) }),
    ...cut,
    never: '200 open',
    twice: '200 open',
  },
  'cancel of a Web stream': {
    make: (foreign) => held({ subscribe: () => new ReadableStream({ cancel: foreign as () => void }) }),
    drive: close,
    fails: over,
    never: over,
    twice: over,
  },

  // ---- monitor
  'onDown of a target': {
    make: (foreign) => held({ subscribe: ({ monitor }: Context) => monitor({ onDown: foreign }) }),
    fails: ['500', '200 open'],
    never: '200 open',
    twice: '200 open',
  },
  'what onDown has returned': {
    make: (foreign) =>
      held({ subscribe: ({ monitor }: Context) => monitor({ onDown: () => foreign as () => void }) }),
    drive: close,
    fails: '200',
    never: '200',
    twice: '200',
  },

  // ---- feeds
  filter: {
    make: (foreign) => held({ subscribe: fresh().filter(foreign as () => boolean) }),
    drive: publishing(),
    ...cut,
  },
  map: {
    make: (foreign) => held({ subscribe: fresh().map(foreign as () => unknown) }),
    drive: publishing(),
    ...cut,
  },
  'filter of a replay': {
    make(foreign) {
      const feed = fresh({ history: 1 })
      void feed.publish(1)
      return held({ subscribe: feed.filter(foreign as () => boolean) })
    },
    path: '/?lastEventId=earliest',
    ...cut,
  },
  'the source of a channel': {
    make: (foreign) => held({ subscribe: fresh({ source: foreign }) }),
    fails: ['200', '200 cut', '503'],
    never: '200 open',
    twice: '200 open',
  },
  'the stop of a source': {
    make: (foreign) => held({ subscribe: fresh({ source: () => foreign }) }),
    drive: leave,
    fails: '200 cut',
    never: '200 cut',
    twice: '200 cut',
  },
  "a listener for 'join'": {
    make: (foreign) => held({ subscribe: fresh().on('join', foreign as () => void) }),
    ...open,
  },
  "a listener for 'leave'": {
    make: (foreign) => held({ subscribe: fresh().on('leave', foreign as () => void) }),
    drive: leave,
    ...cut,
  },
  "a listener for 'down'": { make: (foreign) => losing('down', foreign), ...open },
  "a listener for 'up'": { make: (foreign) => losing('up', foreign), ...open },

  // ---- backends
  'listen of a backend': {
    make: (foreign) => held({ subscribe: backend({ listen: foreign }) }),
    fails: ['500', '200', '200 cut', '503'],
    never: ['200 open', '503'],
    twice: '200 open',
  },
  "a backend's stop": {
    make: (foreign) => held({ subscribe: backend({ listen: () => foreign }) }),
    drive: leave,
    ...cut,
  },
  'position of a backend': {
    make: (foreign) =>
      resource({
        contentTypesProvided: [sse()],
        subscribe: backend({ position: foreign, isImmediate: false }, { history: 5 }),
      }),
    ...failed,
    never: '503',
  },
  'read of a backend': {
    make: (foreign) => held({ subscribe: backend({ read: foreign }) }),
    path: '/?lastEventId=id-1',
    ...failed,
    never: '503',
  },
  'next of a reading': {
    make: (foreign) =>
      held({
        subscribe: backend({
          read: () => ({
            outcome: 'found',
            from: 'id-1',
            events: { [Symbol.asyncIterator]: () => iterator(foreign) },
          }),
        }),
      }),
    path: '/?lastEventId=id-1',
    ...cut,
    never: '200 open',
  },
  'return of a reading': {
    make: (foreign) =>
      held({
        subscribe: backend({
          read: () => ({
            outcome: 'found',
            from: 'id-1',
            events: { [Symbol.asyncIterator]: () => iterator(pending, foreign) },
          }),
        }),
      }),
    path: '/?lastEventId=id-1',
    drive: leave,
    ...cut,
  },

  // ---- formats
  'encode, of what is published': {
    make: (foreign) =>
      held({
        contentTypesProvided: [format({ mediaType: 'a/b', encode: foreign as never })],
        subscribe: fresh(),
      }),
    drive: publishing(),
    ...cut,
  },
  'encode, of what is sent': {
    make: (foreign) =>
      held({
        contentTypesProvided: [format({ mediaType: 'a/b', encode: foreign as never })],
        subscribe: ({ send }: Context) => send(1),
      }),
    ...failed,
  },
  'encode, of what a source gives': {
    make: (foreign) =>
      held({
        contentTypesProvided: [format({ mediaType: 'a/b', encode: foreign as never })],
        subscribe: () => [1],
      }),
    ...cut,
  },
  notice: {
    make: (foreign) =>
      held({
        contentTypesProvided: [format({ mediaType: 'a/b', encode: () => 'a', notice: foreign as never })],
        stream: { endEvent: true },
      }),
    drive: close,
    fails: '200',
    never: '200',
    twice: '200',
  },
  'notice of a gap': {
    make: (foreign) =>
      held({
        contentTypesProvided: [format({ mediaType: 'a/b', encode: () => 'a', notice: foreign as never })],
        subscribe: fresh({ history: 1 }),
      }),
    path: '/?lastEventId=of-yesterday',
    ...open,
  },
  'serialize of sse()': {
    make: (foreign) =>
      held({ contentTypesProvided: [sse({ serialize: foreign as never })], subscribe: () => [1] }),
    ...cut,
  },
  'serialize of text()': {
    make: (foreign) =>
      held({ contentTypesProvided: [text({ serialize: foreign as never })], subscribe: () => [1] }),
    ...cut,
  },
  'serialize of csv()': {
    make: (foreign) =>
      held({
        contentTypesProvided: [csv({ columns: ['a'], serialize: foreign as never })],
        subscribe: () => [1],
      }),
    ...cut,
  },

  // ---- values
  'toJSON of a body': {
    make: (foreign) => held({ contentTypesProvided: { 'application/json': () => ({ toJSON: foreign }) } }),
    without: promises,
    fails: '500',
    never: '200',
    twice: '200',
  },
  'toJSON of the body of a stop()': {
    make: (foreign) => held({ forbidden: () => stop(200, { body: { toJSON: foreign } }) }),
    without: promises,
    fails: '500',
    never: '200',
    twice: '200',
  },
  'toJSON of a message': {
    make: (foreign) => held({ subscribe: () => [{ toJSON: foreign }] }),
    without: promises,
    fails: '200 cut',
    never: '200',
    twice: '200',
  },
  'read of a body': {
    make: (foreign) =>
      held({ contentTypesProvided: { 'text/plain': () => new Readable({ read: foreign as () => void }) } }),
    drive: ({ client }) => turns().then(() => client.socket.end()),
    fails: ['500', 'ended'],
    never: 'ended',
    twice: 'ended',
    without: [
      'rejects',
      'rejects later',
      'returns a thenable that throws',
      'returns what cannot be looked at',
    ],
  },
  'pull of a body': {
    make: (foreign) =>
      held({
        contentTypesProvided: {
          'text/plain': () => new ReadableStream({ pull: foreign as () => void }, { highWaterMark: 0 }),
        },
      }),
    drive: ({ client }) => turns().then(() => client.socket.end()),
    fails: ['500', 'ended'],
    never: 'ended',
    twice: 'ended',
  },
}
