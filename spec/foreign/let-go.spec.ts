import { Readable } from 'node:stream'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { createHub, type Endpoint, ndjson, resource, stop } from '../../lib/index.js'
import type { Context } from '../support/held.js'
import type { Spec } from '../support/http.js'
import type { Ask } from '../support/raw.js'
import { staged, turns, waiting } from '../support/stage.js'
import { type Meeting, meet, settle, silently } from './meet.js'

/** Something that has to be let go, and how often it was. */
interface Made {
  readonly value: unknown
  count: number
}

const make = (value: (letGo: () => void) => unknown): Made => {
  const made = { value: undefined as unknown, count: 0 }
  made.value = value(() => {
    made.count += 1
  })
  return made
}

const failure = () => new Error('foreign')

/** Middleware with a hook into the head that throws. */
const withThrowingHook: RequestHandler = (_req, res, next) => {
  res.setHeader = () => {
    throw failure()
  }
  next()
}

const listed = (give: () => unknown) => () =>
  make((letGo) => ({
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return() {
        letGo()
        return give()
      },
    }),
  }))

/** A body that is not sent. */
const bodies: Readonly<Record<string, () => Made>> = {
  'a Node stream': () =>
    make((letGo) =>
      Object.assign(new Readable({ read() {} }), {
        _destroy(_error: unknown, done: () => void) {
          letGo()
          done()
        },
      }),
    ),
  'a Node stream that fails as it is destroyed': () =>
    make(
      (letGo) =>
        new Readable({
          read() {},
          destroy(_error, done) {
            letGo()
            done(failure())
          },
        }),
    ),
  'a Node stream whose destroy never calls back': () =>
    make((letGo) => new Readable({ read() {}, destroy: () => letGo() })),
  'a Web stream': () => make((letGo) => new ReadableStream({ cancel: () => letGo() })),
  'a Web stream whose cancel rejects': () =>
    make(
      (letGo) =>
        new ReadableStream({
          cancel() {
            letGo()
            return Promise.reject(failure())
          },
        }),
    ),
}

/** A list that is not sent. */
const lists: Readonly<Record<string, () => Made>> = {
  ...bodies,
  'an iterator': listed(() => ({ done: true })),
  'an iterator whose return throws': listed(() => {
    throw failure()
  }),
  'an iterator whose return rejects': listed(() => Promise.reject(failure())),
  'an iterator whose return never settles': listed(() => new Promise(() => {})),
}

/** A reason for which an answer is not sent. */
interface Reason {
  make(answer: () => unknown): Endpoint
  readonly ask?: Ask
  readonly path?: string
  readonly before?: readonly RequestHandler[]
  drive?(meeting: Meeting, endpoint: Endpoint): unknown
  /** What the client sees; if nothing is said, it has left. */
  readonly sees?: string
}

const provided = (provider: (context: Context) => unknown, spec: object = {}) =>
  resource({ contentTypesProvided: { 'text/plain': provider }, ...spec } as unknown as Spec)
const held = (spec: object) => resource({ contentTypesProvided: [ndjson()], ...spec } as Spec)
const gone = ({ signal }: Context) =>
  new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve())
    beAtWork()
  })
const post: Ask = { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: 'a' }
const accepting = (answer: () => unknown, spec: object = {}) =>
  resource({
    allowedMethods: ['POST'],
    contentTypesAccepted: { 'text/plain': answer },
    ...spec,
  } as unknown as Spec)

/** Resolves once a test says so. */
let late: Promise<unknown>
let beLate: () => void

/** Resolves once a callback waits for the client to leave. */
let atWork: Promise<unknown>
let beAtWork: () => void

const leaving: Reason['drive'] = async ({ client }) => {
  await atWork
  client.leave()
}

/** Reasons for whatever a callback may answer with. */
const forAll: Readonly<Record<string, Reason>> = {
  'the client leaves while the callback is at work': {
    make: (answer) => provided((context) => gone(context).then(answer)),
    drive: leaving,
  },
  'the callback answers after decisionTimeout': {
    make: (answer) => provided(() => late.then(answer)),
    drive: ({ sees }) => sees('503').then(beLate),
    sees: '503',
  },
  'it is asked for by HEAD': { make: (answer) => provided(answer), ask: { method: 'HEAD' }, sees: '200' },
  'the callback has answered through `res`': {
    make: (answer) =>
      provided(({ res }) => {
        res.end()
        return answer()
      }),
    sees: '200',
  },
  'the callback has answered through `res`, later': {
    make: (answer) =>
      provided(async ({ res }) => {
        res.end()
        await turns(1)
        return answer()
      }),
    sees: '200',
  },
}

/** Reasons for a `stop()` with a body. */
const forStops: Readonly<Record<string, Reason>> = {
  'a hook into the head throws': {
    make: (answer) => provided(answer),
    before: [withThrowingHook],
    sees: '500',
  },
  'info has returned it after the head': {
    make: (answer) => held({ subscribe: ({ send }: Context) => send(1), info: answer }),
    sees: '200',
  },
  'info returns it for a client that has left': {
    make: (answer) =>
      held({
        subscribe: ({ send }: Context) => send(1),
        info: (_message: unknown, context: Context) => gone(context).then(answer),
      }),
    drive: leaving,
  },
  'subscribe has written before': {
    make: (answer) =>
      held({
        subscribe({ write }: Context) {
          write(1)
          return answer()
        },
      }),
    sees: '200',
  },
  'subscribe returns it for a client that has left': {
    make: (answer) => held({ subscribe: (context: Context) => gone(context).then(answer) }),
    drive: leaving,
  },
  'onGap has returned it after the head': {
    make: (answer) => held({ subscribe: createHub().channel('a', { history: 1 }), onGap: answer }),
    path: '/?lastEventId=of-yesterday',
    sees: '200',
  },
  'isAuthorized has returned it when it was asked again': {
    make(answer) {
      let asked = 0
      return held({
        subscribe: () => {},
        isAuthorized: () => (asked++ === 0 ? true : answer()),
        stream: { reauthorize: 1000 },
      })
    },
    sees: '200',
  },
}

/** Reasons for a body alone. */
const forBodies: Readonly<Record<string, Reason>> = {
  'its status has no body': {
    make: (answer) => provided(() => stop(204, { body: answer() as object })),
    sees: '204',
  },
  'its status is 304': {
    make: (answer) => provided(() => stop(304, { body: answer() as object })),
    sees: '304',
  },
  'a later callback stops': {
    make: (answer) => provided(answer, { multipleChoices: () => stop(403) }),
    sees: '403',
  },
  'a later callback throws': {
    make: (answer) =>
      provided(answer, {
        multipleChoices() {
          throw failure()
        },
      }),
    sees: '500',
  },
  'an accept callback may not give it': {
    make: (answer) => accepting(() => ({ body: answer(), created: '/a', seeOther: '/b' })),
    ask: post,
    sees: '500',
  },
  'the callback after the one that gave it throws': {
    make: (answer) =>
      resource({
        allowedMethods: ['DELETE'],
        deleteResource: () => ({ body: answer() }),
        deleteCompleted() {
          throw failure()
        },
      } as unknown as Spec),
    ask: { method: 'DELETE' },
    sees: '500',
  },
  'a hook into the head throws while it is read': {
    make: (answer) => provided(answer),
    before: [withThrowingHook],
    sees: '500',
  },
}

/** Reasons for a list alone. */
const forLists: Readonly<Record<string, Reason>> = {
  'the callback may not give it': {
    make: (answer) => provided(() => 'a', { isAuthorized: answer }),
    sees: '500',
  },
  'info may not give it': {
    make: (answer) => held({ subscribe: ({ send }: Context) => send(1), info: answer }),
    sees: '200 cut',
  },
  'subscribe may not give it': { make: (answer) => held({ subscribe: answer }), sees: '500' },
  'there is no room': {
    make(answer) {
      const first = ndjson().once(
        (async function* () {
          yield 1
          await new Promise(() => {})
        })(),
      )
      let asked = 0
      return provided(() => (asked++ === 0 ? first : answer()), { stream: { maxStreams: 1 } })
    },
    async drive({ sees, site }) {
      await sees('200 open')
      expect((await site.get().whole()).status).to.equal(503)
    },
    sees: '200 open',
  },
  'clientKey throws': {
    make: (answer) =>
      provided(answer, {
        stream: {
          clientKey() {
            throw failure()
          },
        },
      }),
    sees: '500',
  },
  'clientKey has dropped the connection': {
    make: (answer) =>
      provided(answer, {
        stream: {
          clientKey({ res }: Context) {
            res.destroy()
            return 'a'
          },
        },
      }),
    sees: 'ended',
  },
  'the endpoint closes meanwhile': {
    make(answer) {
      const endpoint = provided(async () => {
        await endpoint.close()
        return answer()
      })
      return endpoint
    },
    sees: '503',
  },
}

describe('What a callback made for an answer is let go where it is not the answer (docs/guide/getting-started.md)', () => {
  staged()
  silently()
  beforeEach(() => {
    late = new Promise<void>((resolve) => {
      beLate = resolve
    })
    atWork = new Promise<void>((resolve) => {
      beAtWork = resolve
    })
  })

  function every(
    kind: string,
    makers: Readonly<Record<string, () => Made>>,
    reasons: Readonly<Record<string, Reason>>,
    wrap: (value: never) => unknown,
  ): void {
    for (const [why, reason] of Object.entries(reasons)) {
      for (const [what, maker] of Object.entries(makers)) {
        it(`${what}, ${kind}, once: ${why}`, async () => {
          const made = maker()
          const { make: _, drive, sees, ...options } = reason
          const endpoint = reason.make(() => wrap(made.value as never))
          const meeting = await meet(endpoint, options)
          await drive?.(meeting, endpoint)
          if (sees !== undefined) await meeting.sees(sees)
          for (const isTime = waiting(); made.count === 0 && isTime(); ) await turns(1)
          await settle(endpoint, meeting.client)
          expect(made.count).to.equal(1)
        })
      }
    }
  }

  every('a body', bodies, { ...forAll, ...forBodies }, (value) => value)
  every('the body of a stop()', bodies, { ...forAll, ...forStops }, (body) => stop(200, { body }))
  every('a list by once()', lists, { ...forAll, ...forLists }, (list) => ndjson().once(list))

  it('a Web stream that another reader has is no failure', async () => {
    for (const reason of [...Object.values(forAll), ...Object.values(forBodies)]) {
      const body = new ReadableStream()
      body.getReader()
      const { make: _, drive, sees, ...options } = reason
      const endpoint = reason.make(() => body)
      const meeting = await meet(endpoint, options)
      await drive?.(meeting, endpoint)
      if (sees !== undefined) await meeting.sees(sees)
      await settle(endpoint, meeting.client)
    }
  })
})
