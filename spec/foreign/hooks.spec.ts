import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import type { RequestHandler } from 'express'
import onHeaders from 'on-headers'
import { type Endpoint, ndjson, resource, resources, stop } from '../../lib/index.js'
import { currentExpress, onBoth, type Spec } from '../support/http.js'
import type { Ask } from '../support/raw.js'
import { staged } from '../support/stage.js'
import { meet, settle, silently } from './meet.js'

const provided = (spec: object, provide: () => unknown = () => 'hello') =>
  resource({ contentTypesProvided: { 'text/plain': provide }, ...spec } as Spec)

const gzip: Ask = { headers: { 'Accept-Encoding': 'gzip' } }
const encoded = { encodingsProvided: ['gzip'] }
const text = { 'Content-Type': 'text/plain' }
const web = () => new Response('hello').body
const node = () => Readable.from(['hello'], { objectMode: false })

interface Answer {
  make(): Endpoint
  readonly ask?: Ask
  readonly path?: string
  /** The body goes out by `write`, one piece after the other. */
  readonly isStream?: boolean
  /** The head goes out before the first write, by `flushHeaders`. */
  readonly isHeld?: boolean
}

/** Every way in which an answer is sent. */
const answers: Readonly<Record<string, Answer>> = {
  'a body': { make: () => provided({}) },
  'a body in a coding': { make: () => provided(encoded), ask: gzip },
  'a Node stream': { make: () => provided({}, node), isStream: true },
  'a stream of objects': { make: () => provided({}, () => Readable.from(['hello'])), isStream: true },
  'a Web stream': { make: () => provided({}, web), isStream: true },
  'a Node stream in a coding': { make: () => provided(encoded, node), ask: gzip, isStream: true },
  'a Web stream in a coding': { make: () => provided(encoded, web), ask: gzip, isStream: true },
  'a list': { make: () => provided({}, () => ndjson().once([1])), isStream: true, isHeld: true },
  'a held stream': {
    make: () => provided({ contentTypesProvided: [ndjson()], subscribe: () => [1] }),
    isStream: true,
    isHeld: true,
  },
  'the head of a body': { make: () => provided({}), ask: { method: 'HEAD' } },
  'the head of a body in a coding': { make: () => provided(encoded), ask: { method: 'HEAD', ...gzip } },
  'the head of a stream': { make: () => provided({}, node), ask: { method: 'HEAD' } },
  'the head of a list': { make: () => provided({}, () => ndjson().once([1])), ask: { method: 'HEAD' } },
  '304': { make: () => provided({ generateEtag: '"a"' }), ask: { headers: { 'If-None-Match': '"a"' } } },
  '206': { make: () => provided({ rangesProvided: 'auto' }), ask: { headers: { Range: 'bytes=0-1' } } },
  'a problem': { make: () => provided({ resourceExists: false }) },
  'a problem of the body': {
    make: () =>
      provided({
        allowedMethods: ['POST'],
        contentTypesAccepted: { 'text/plain': async ({ json }: { json(): unknown }) => json() },
      }),
    ask: { method: 'POST', headers: text, body: '{' },
  },
  'the answer to OPTIONS': { make: () => provided({}), ask: { method: 'OPTIONS' } },
  '201': {
    make: () =>
      provided({
        allowedMethods: ['POST'],
        contentTypesAccepted: { 'text/plain': () => ({ created: '/a' }) },
      }),
    ask: { method: 'POST', headers: text, body: 'a' },
  },
  'a stop()': { make: () => provided({ forbidden: () => stop() }) },
  'a stop() with a body': { make: () => provided({ forbidden: () => stop(200, { body: 'a' }) }) },
  'a stop() with a stream': {
    make: () => provided({ forbidden: () => stop(200, { body: node() }) }),
    isStream: true,
  },
  'a late stop()': { make: () => provided({ forbidden: () => Promise.resolve(stop()) }) },
  'the stop() of a subscribe': {
    make: () => provided({ contentTypesProvided: [ndjson()], subscribe: () => stop(200, { body: 'a' }) }),
  },
  'a path that cannot be decoded': {
    make: () => resources({ '/:id': { contentTypesProvided: { 'text/plain': () => 'a' } } }),
    path: '/%ff',
  },
}

/** Replaces a method of the response by one that throws, each time. */
function broken(name: 'setHeader' | 'writeHead' | 'write' | 'end'): RequestHandler {
  return (_req, res, next) => {
    res[name] = () => {
      throw new Error('hooked')
    }
    next()
  }
}

/** Throws once: it is called for the first head only. */
const onHead: RequestHandler = (_req, res, next) => {
  onHeaders(res, () => {
    throw new Error('hooked')
  })
  next()
}

/** What the client sees; where a hook fails before the head an answer of the app, and after it the end of the connection. */
function seen(name: string, { isStream = false, isHeld = false }: Answer): string | readonly string[] {
  switch (name) {
    case 'write':
      if (!isStream) return ['200', '206', '304', '201', '204', '400', '404']
      return isHeld ? '200 cut' : '500'
    case 'end':
      return isStream ? '200 cut' : '500'
    case 'setHeader':
      // 204 and 304 may have no field to set
      return ['500', '204', '200']
    default:
      return '500'
  }
}

onBoth('A hook into the response that throws (docs/guide/existing-app.md)', () => {
  staged()
  silently()

  const hooks: Readonly<Record<string, RequestHandler>> = {
    'on-headers': onHead,
    writeHead: broken('writeHead'),
    setHeader: broken('setHeader'),
    write: broken('write'),
    end: broken('end'),
  }

  for (const [hook, before] of Object.entries(hooks)) {
    for (const [what, answer] of Object.entries(answers)) {
      for (const handler of ["the app's own error handler", 'that of Express'] as const) {
        it(`${hook}, in ${what}, with ${handler}: an error answer, or the end of the connection`, async () => {
          const endpoint = answer.make()
          const { make: _, isStream: __, isHeld: ___, ...options } = answer
          const plain = () => {
            const app = currentExpress()()
            app.set('env', 'test')
            return createServer(app.use(before, endpoint as RequestHandler))
          }
          const { client, sees } = await meet(endpoint, {
            ...options,
            before: [before],
            ...(handler === 'that of Express' && { listen: plain }),
          })
          await sees(seen(hook, answer))
          await settle(endpoint, client)
        })
      }
    }
  }
})
