import { expect } from 'chai'
import { callbacks as all, type CallbackName } from '../../lib/declare/callbacks.js'
import { resource, sse } from '../../lib/index.js'
import type { Context } from '../support/held.js'
import { writable } from '../support/http.js'
import type { Ask } from '../support/raw.js'
import { turns } from '../support/stage.js'
import { type Faults, fault } from './fault.js'
import type { Plot } from './plot.js'
import type { Scene, SettingName } from './scene.js'
import type { Reason, Target } from './targets.js'

type Callback = (context: {
  req: { next?: () => void; destroy(): void }
  res: { end(text?: string): void; destroy(): void }
}) => unknown

/** An endpoint with one callback that is at fault, and a request that comes to it. */
interface Faulty extends Target {
  /** The request that comes to the callback. */
  readonly to: Ask
}

/** What the callbacks at fault do, by the plot that they are of. */
const doing = new WeakMap<Plot, Callback>()

const text = { 'Content-Type': 'text/plain' }
const post: Ask = { method: 'POST', headers: text, body: 'x' }
const missing = { resourceExists: false }

/** What else than a GET of what is there comes to a callback. */
const ways: Partial<Record<string, { to?: Ask; spec?: object }>> = {
  headers: { spec: { contentTypesProvided: [sse()] } },
  options: { to: { method: 'OPTIONS' } },
  contentTypesAccepted: { to: post },
  allowMissingPost: { to: post, spec: missing },
  isConflict: { to: { ...post, method: 'PUT' } },
  deleteResource: { to: { method: 'DELETE' } },
  deleteCompleted: { to: { method: 'DELETE' }, spec: { deleteResource: true } },
  previouslyExisted: { spec: missing },
  movedPermanently: { spec: { ...missing, previouslyExisted: true } },
  movedTemporarily: { spec: { ...missing, previouslyExisted: true } },
}

/** Once it is mended the callback lets all through, and the resource is a stream. */
function faulty(name: string, { to = {}, spec = {} } = ways[name] ?? {}): Faulty {
  return {
    to,
    make(plot, options) {
      const act = (context: never) => {
        if (plot.isMended) return mended[name] ?? all[name as CallbackName]?.fallback
        plot.log.add('asked')
        return (doing.get(plot) as Callback)(context)
      }
      return resource({
        ...options,
        ...writable,
        contentTypesProvided: { 'text/plain': () => (plot.isMended ? sse() : 'hello') },
        ...('resourceExists' in spec ? { ...spec, resourceExists: () => plot.isMended } : spec),
        ...placed(name, act),
        subscribe: (context: Context) => plot.generator(plot.subscribed(context)),
        terminate: (reason: Reason, context: Context) => plot.terminated(reason, context),
      } as never)
    },
  }
}

/** What a callback answers then, where that is not its default. */
const mended: Readonly<Record<string, unknown>> = {
  contentTypesProvided: [sse()],
  languagesProvided: ['en'],
  charsetsProvided: ['utf-8'],
  encodingsProvided: ['identity'],
  rangesProvided: 'none',
  'a provider': sse(),
}

/** Where a callback is in a spec: a provider and a taker of bodies are within others. */
function placed(name: string, act: (context: never) => unknown): object {
  if (name === 'a provider') return { contentTypesProvided: { 'text/plain': act } }
  if (name === 'an accept callback') return { contentTypesAccepted: { 'text/plain': act } }
  return { [name]: act }
}

const callbackNames = Object.keys(all) as CallbackName[]
const every: Readonly<Record<string, Faulty>> = Object.fromEntries([
  ...['init', ...callbackNames, 'a provider'].map((name) => [name, faulty(name)]),
  ['an accept callback', faulty('an accept callback', { to: post })],
])

/** One of each way to a callback. */
const someNames = [
  'init',
  'isAuthorized',
  'contentTypesProvided',
  'deleteResource',
  'a provider',
  'an accept callback',
]
const some = Object.fromEntries(Object.entries(every).filter(([name]) => someNames.includes(name)))

interface Trying {
  readonly on: typeof every
  readonly in?: readonly SettingName[]
}

/** Callbacks do something, and the client gets something for it. */
function doingSo(
  { on, in: around = ['Express 5'] }: Trying,
  does: () => Callback,
  run: (scene: Scene, ask: Ask) => Promise<unknown>,
) {
  return fault<Faulty>({
    on,
    in: around,
    options: { decisionTimeout: 1000 },
    reasons: [],
    async run(scene, { to }) {
      doing.set(scene.plot, does())
      await run(scene, to)
    },
  })
}

async function isUnavailable(scene: Scene, ask: Ask): Promise<void> {
  const client = scene.ask(ask)
  await scene.plot.log.until('asked')
  scene.time.advance(1000)
  const { status, headers } = await client.whole()
  expect([status, headers['content-type']]).to.deep.equal([503, 'application/problem+json'])
}

async function isCutOff(scene: Scene, ask: Ask): Promise<void> {
  const client = scene.ask(ask)
  await client.ended
  await turns()
  expect(scene.plot.log.count('asked')).to.equal(1)
  scene.errors.splice(0)
}

/** Values that are thrown, and no errors; some of them Express would take for something else. */
const thrown: readonly unknown[] = [undefined, 'route', {}]

const both = ['Express 5', 'Express 4'] as const

export const callbacks: Faults = {
  'a callback never answers': doingSo({ on: every }, () => () => new Promise(() => {}), isUnavailable),
  'a callback never answers, and the client leaves': doingSo(
    { on: some },
    () => () => new Promise(() => {}),
    async (scene, ask) => {
      const client = scene.ask(ask)
      await scene.plot.log.until('asked')
      client.leave()
      await turns()
      scene.time.advance(1000)
    },
  ),
  'a callback answers after the deadline': doingSo(
    { on: some },
    () => {
      const gates: (() => void)[] = []
      return Object.assign(() => new Promise<void>((resolve) => gates.push(resolve)), { gates })
    },
    async (scene, ask) => {
      await isUnavailable(scene, ask)
      for (const goOn of (doing.get(scene.plot) as unknown as { gates: (() => void)[] }).gates) goOn()
      await turns()
    },
  ),
  'a callback throws what is no error': doingSo(
    { on: every },
    () => {
      let count = 0
      return () => {
        throw thrown[count++]
      }
    },
    async (scene, ask) => {
      for (const each of thrown) {
        const { status } = await scene.ask(ask).whole()
        expect(status, String(each)).to.equal(500)
      }
      expect(scene.errors.splice(0)).to.have.length(thrown.length)
    },
  ),
  'a callback answers itself': doingSo(
    { on: some },
    () =>
      ({ res }) => {
        res.end('mine')
        return 'nonsense'
      },
    async (scene, ask) => {
      expect((await scene.ask(ask).whole()).status).to.equal(200)
    },
  ),
  'a callback answers itself, twice': doingSo(
    { on: some, in: both },
    () =>
      async ({ res }) => {
        res.end('mine')
        await turns(2)
        res.end('again')
      },
    async (scene, ask) => {
      expect((await scene.ask(ask).whole()).status).to.equal(200)
      await turns()
    },
  ),
  'a callback calls next itself': doingSo(
    { on: some, in: both },
    () =>
      ({ req }) => {
        req.next?.()
        return 'nonsense'
      },
    async (scene, ask) => {
      const client = scene.ask(ask)
      await client.whole()
      await turns()
      // whoever was first
      expect(client.raw.toString().match(/^HTTP/gm)).to.have.length(1)
      scene.errors.splice(0)
    },
  ),
  'a callback destroys the response': doingSo(
    { on: some, in: both },
    () =>
      ({ res }) => {
        res.destroy()
        return 'nonsense'
      },
    isCutOff,
  ),
  'a callback destroys the request': doingSo(
    { on: some, in: both },
    () =>
      ({ req }) => {
        req.destroy()
        return 'nonsense'
      },
    isCutOff,
  ),
}
