import { inspect } from 'node:util'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import request from 'supertest'
import { type CallbackName, callbacks } from '../../lib/declare/callbacks.js'
import { createHub, type Endpoint, loop, ndjson, resource, resources, sse, text } from '../../lib/index.js'
import {
  ask,
  currentExpress,
  expectStatus,
  hello,
  onBoth,
  Site,
  type Spec,
  tableOf,
  withSite,
  writable,
} from '../support/http.js'

const declare = (spec: object): Endpoint => resource(spec as Spec)
const handler = (endpoint: Endpoint) => endpoint as RequestHandler

/** Declaring throws a TypeError, with the code of a spec, that says all of this. */
function refuses(make: () => unknown, ...says: readonly string[]): void {
  let thrown: unknown
  try {
    make()
  } catch (error) {
    thrown = error
  }
  expect(thrown, says.join(', ')).to.be.an.instanceOf(TypeError).that.includes({ code: 'LARIAT_SPEC' })
  for (const each of says) expect((thrown as Error).message).to.contain(each)
}

describe('Declaring a resource', () => {
  it('An empty spec is a resource', () => {
    expect(declare({})).to.be.a('function')
  })

  it('Keys that are undefined count as absent', () => {
    expect(declare({ forbidden: undefined, subscribe: undefined, contentTypesProvided: undefined })).to.be.a(
      'function',
    )
    refuses(() => declare({ forbiden: undefined }), 'unknown key `forbiden`')
  })

  it('A spec that is changed afterwards changes nothing', async () => {
    const spec: Spec = { ...hello }
    const endpoint = resource(spec)
    spec.forbidden = true
    await expectStatus(endpoint, {}, 200)
  })

  describe('An unknown key, with the nearest name', () => {
    for (const [key, nearest] of [
      ['forbiden', 'forbidden'],
      ['isAuthorised', 'isAuthorized'],
      ['is_authorized', 'isAuthorized'],
      ['ContentTypesProvided', 'contentTypesProvided'],
      ['contentTypeProvided', 'contentTypesProvided'],
      ['content_types_accepted', 'contentTypesAccepted'],
      ['allowedMethod', 'allowedMethods'],
      ['resourceExist', 'resourceExists'],
      ['generateETag', 'generateEtag'],
      ['deleteResources', 'deleteResource'],
      ['subscibe', 'subscribe'],
      ['terminated', 'terminate'],
      ['bodylimit', 'bodyLimit'],
      ['negotiate', 'negotiation'],
      ['streams', 'stream'],
    ]) {
      it(`${key}: did you mean ${nearest}?`, () => {
        refuses(() => declare({ [key!]: true }), `unknown key \`${key}\``, `Did you mean \`${nearest}\`?`)
      })
    }

    for (const key of ['constructor', 'toString', '__proto__', 'hasOwnProperty', '']) {
      it(`'${key}' is unknown too`, () => {
        refuses(() => declare(JSON.parse(`{"${key}":1}`)), 'unknown key')
      })
    }

    it('A key that is like none is answered by all of them', () => {
      refuses(
        () => declare({ somethingElseEntirely: 1 }),
        'Known are init, subscribe',
        ...Object.keys(callbacks),
      )
    })

    it('Those of `negotiation` by header, too, and what they may be', () => {
      refuses(
        () => declare({ negotiation: { types: 'lenient' } }),
        'resource: negotiation: unknown key `types`',
        'Did you mean `type`?',
      )
      refuses(
        () => declare({ negotiation: { charset: true } }),
        "`charset` is true: expected 'strict' or 'lenient'",
      )
    })

    it('The keys of a loop are not those of a resource', () => {
      for (const key of ['format', 'status']) refuses(() => declare({ [key]: 1 }), `unknown key \`${key}\``)
    })
  })

  describe('A wrong type', () => {
    /** What no callback may be, as a constant; what else it may not be is in callbacks.spec.ts. */
    const wrong: Readonly<Record<CallbackName, unknown>> = {
      ...(Object.fromEntries(Object.keys(callbacks).map((name) => [name, 17])) as Record<
        CallbackName,
        unknown
      >),
      serviceAvailable: 'yes',
      isAuthorized: false,
      rateLimited: true,
    }
    for (const name of Object.keys(callbacks) as CallbackName[]) {
      it(`${name} says what was expected`, () => {
        const { expected } = callbacks[name]
        for (const value of [wrong[name], null, Symbol('a'), Number.NaN]) {
          refuses(
            () => declare({ ...writable, [name]: value }),
            `resource: \`${name}\` is `,
            `expected ${expected}, or a function`,
          )
        }
      })
    }

    for (const [key, values, expected] of [
      ['init', [1, {}, null], 'a function'],
      ['subscribe', [1, [], {}, null], 'a function'],
      ['info', [1], 'a function'],
      ['terminate', ['no'], 'a function'],
      ['timeout', [0, -1, '1', Number.NaN], 'milliseconds, more than 0'],
      ['decisionTimeout', [0, -1, '1', Number.NaN], 'milliseconds, more than 0'],
      ['bodyLimit', [-1, 1.5, '1mb', Number.NaN], 'bytes, 0 or more'],
      ['stream', [1, [], null, 'sse'], 'an object of stream options'],
      ['negotiation', ['loose', true, null, ['lenient']], "'strict' or 'lenient'"],
    ] as const) {
      it(`${key} says what was expected`, () => {
        for (const value of values) {
          const spec = { contentTypesProvided: [sse()], subscribe: () => [], info: () => {}, [key]: value }
          refuses(() => declare(spec), `\`${key}\` is `, `expected ${expected}`)
        }
      })
    }

    for (const [key, values] of [
      ['heartbeat', [0, -1, true, '15s', Number.NaN]],
      ['retry', [-1, 1.5, '1']],
      ['maxQueuedBytes', [0, -1, '1', Number.NaN, null, true]],
      ['maxQueued', [0, -1, '1', Number.NaN, null, true]],
      ['overflow', ['drop', 'Close', '', true, null, {}, [], () => 'key']],
      ['overflow', [{ conflate: 'key' }, { conflate: null }, { conflate() {}, also: 1 }, { Conflate() {} }]],
      ['writeTimeout', [0, -1, false, Number.NaN]],
      ['maxDuration', [0, -1, false, '1h', Number.NaN]],
      ['maxStreams', [0, -1, '10', false, Number.NaN]],
      ['maxStreamsPerClient', [0, -1, '10', false, Number.NaN]],
      ['clientKey', ['ip', true, null, {}]],
      ['endEvent', [1, 'end']],
      ['errorEvent', [1, null, 'cut']],
    ] as const) {
      it(`stream.${key} says so: ${inspect(values, { breakLength: Infinity })}`, () => {
        for (const value of values) {
          refuses(() => declare({ stream: { [key]: value } }), 'stream', `\`${key}\` is `, 'expected')
          refuses(() => resources({}, { stream: { [key]: value } as never }), 'resources', `\`${key}\` is `)
        }
      })
    }

    it('stream.reauthorize says so', () => {
      for (const value of [0, -1, true, '1m', Number.NaN, null]) {
        refuses(
          () => declare({ forbidden: () => false, stream: { reauthorize: value } }),
          'stream',
          '`reauthorize` is ',
          'expected milliseconds, more than 0',
        )
      }
    })

    it('Stream options take values in their ranges', () => {
      for (const stream of [
        {},
        { heartbeat: false, retry: 0 },
        { maxQueuedBytes: 1, maxQueued: 1, writeTimeout: 0.5 },
        { maxQueuedBytes: Infinity, maxQueued: Infinity, writeTimeout: Infinity },
        { overflow: 'close' },
        { overflow: 'dropOldest' },
        { overflow: 'dropNewest' },
        { overflow: { conflate: () => 'key' } },
        { maxDuration: 1000, reauthorize: 1000 },
        { maxStreams: 1, maxStreamsPerClient: 1, clientKey: () => 'me' },
        { maxStreams: Infinity, maxStreamsPerClient: Infinity },
        { endEvent: true, errorEvent: false },
        { overflow: undefined, maxStreams: undefined, clientKey: undefined, reauthorize: undefined },
      ]) {
        expect(declare({ isAuthorized: () => true as const, stream })).to.be.a('function')
        expect(resources({}, { stream: stream as never })).to.be.a('function')
      }
    })

    for (const [wrong, right] of [
      ['maxQueue', 'maxQueued'],
      ['maxQueueBytes', 'maxQueuedBytes'],
      ['overFlow', 'overflow'],
      ['writetimeout', 'writeTimeout'],
      ['maxduration', 'maxDuration'],
      ['reauthorise', 'reauthorize'],
      ['maxStream', 'maxStreams'],
      ['maxStreamPerClient', 'maxStreamsPerClient'],
      ['client_key', 'clientKey'],
    ]) {
      it(`stream.${wrong}: did you mean ${right}?`, () => {
        refuses(() => declare({ stream: { [wrong!]: 1 } }), 'stream', `Did you mean \`${right}\`?`)
        refuses(() => resources({}, { stream: { [wrong!]: 1 } as never }), `Did you mean \`${right}\`?`)
      })
    }

    it('An unknown stream option has a nearest name', () => {
      refuses(
        () => declare({ stream: { heartBeats: 1 } }),
        'stream',
        '`heartBeats`',
        'Did you mean `heartbeat`?',
      )
    })

    for (const spec of [undefined, null, 1, 'spec', [], () => {}]) {
      it(`A spec that is ${JSON.stringify(spec) ?? typeof spec} is none`, () => {
        refuses(() => declare(spec as unknown as object), 'resource: expected an object')
      })
    }

    for (const type of ['text', '', 'text/', '/html', 'text/*', '*/*', 'te xt/html', 'text/html, a/b']) {
      it(`'${type}' is no media type that can be provided`, () => {
        refuses(
          () => declare({ contentTypesProvided: { [type]: () => '' } }),
          'contentTypesProvided',
          `'${type}'`,
        )
      })
    }

    for (const type of ['text', '', 'text/', '/html']) {
      it(`'${type}' is no media type that can be accepted`, () => {
        refuses(
          () => declare({ allowedMethods: ['POST'], contentTypesAccepted: { [type]: () => true } }),
          'contentTypesAccepted',
          `'${type}'`,
        )
      })
    }
  })

  describe('A missing part', () => {
    it('DELETE allowed and no deleteResource', () => {
      refuses(() => declare({ allowedMethods: ['DELETE'] }), 'DELETE', '`deleteResource`')
      expect(declare({ allowedMethods: ['DELETE'], deleteResource: true })).to.be.a('function')
    })

    for (const method of ['POST', 'PUT', 'PATCH']) {
      it(`${method} allowed and no contentTypesAccepted`, () => {
        refuses(() => declare({ allowedMethods: [method] }), method, '`contentTypesAccepted`')
        expect(declare({ allowedMethods: [method], contentTypesAccepted: {} })).to.be.a('function')
      })
    }

    it('Where allowedMethods is a function nobody knows', () => {
      expect(declare({ allowedMethods: () => ['DELETE', 'POST'] })).to.be.a('function')
    })

    it('A format as provider and no subscribe', () => {
      const provided = [
        [sse()],
        { 'text/event-stream': sse() },
        { 'text/plain': () => '', 'text/event-stream': sse() },
      ]
      for (const contentTypesProvided of provided) {
        refuses(() => declare({ contentTypesProvided }), 'text/event-stream', '`subscribe`')
        expect(declare({ contentTypesProvided, subscribe: () => [] })).to.be.a('function')
      }
    })

    it('A function as provider needs no subscribe', () => {
      expect(declare({ contentTypesProvided: { 'text/plain': () => '' } })).to.be.a('function')
    })

    it('reauthorize, and no function to ask again', () => {
      const stream = { reauthorize: 1000 }
      for (const own of [{}, { isAuthorized: true }, { forbidden: false }, { isAuthorized: 'Bearer' }]) {
        refuses(() => declare({ ...own, stream }), 'stream', '`reauthorize`', '`isAuthorized`', '`forbidden`')
      }
      expect(declare({ isAuthorized: () => true, stream })).to.be.a('function')
      expect(declare({ forbidden: () => false, stream })).to.be.a('function')
    })

    it('reauthorize is not for a loop, which asks nobody', () => {
      const spec = { format: sse(), subscribe: () => [], stream: { reauthorize: 1000 } }
      refuses(() => loop(spec), 'loop', '`reauthorize`')
    })

    it('reauthorize as a default of a table is for those of its entries that ask', () => {
      const table = {
        '/asks': resource({ contentTypesProvided: [sse()], forbidden: () => false, subscribe: () => [] }),
        '/asks/nobody': loop({ format: sse(), subscribe: () => [] }),
      }
      expect(resources(table, { stream: { reauthorize: 1000 } })).to.be.a('function')
    })

    it('snapshot without subscribe, beside onGap, and one that is no function', () => {
      const snapshot = () => []
      refuses(() => declare({ snapshot }), '`snapshot` has no `subscribe` to go on with')
      refuses(
        () => declare({ contentTypesProvided: [sse()], subscribe: () => {}, snapshot, onGap: () => {} }),
        '`onGap` is never called beside a `snapshot`',
        'expected one of them',
      )
      for (const value of [[1], {}, 'all', true, null, Promise.resolve([]), createHub().channel('a'), sse])
        refuses(
          () => declare({ contentTypesProvided: [sse()], subscribe: () => {}, snapshot: value }),
          'resource: `snapshot` is ',
          'expected a function',
        )
      refuses(
        () => loop({ format: sse(), subscribe: () => {}, snapshot: [1] } as never),
        'loop: `snapshot` is ',
        'expected a function',
      )
      refuses(() => resources({}, { snapshot } as never), 'unknown key `snapshot`', 'write it in each entry')
      refuses(
        () => declare({ subscribe: () => {}, stream: { snapshot } }),
        'unknown key `snapshot`',
        'it is a key of the spec',
      )
      refuses(() => declare({ snapshots: snapshot }), 'Did you mean `snapshot`?')
    })

    it('onGap without subscribe', () => {
      refuses(() => declare({ onGap: () => {} }), '`onGap`', '`subscribe`')
      for (const value of [1, 'gap', null, {}])
        refuses(() => declare({ subscribe: () => [], onGap: value }), '`onGap` is ', 'expected a function')
    })

    it('A channel is a `subscribe`, a part of one too; a hub is none', () => {
      const hub = createHub()
      const channel = hub.channel('declared')
      const contentTypesProvided = [sse()]
      for (const subscribe of [channel, channel.filter(() => true), channel.map((data) => data)]) {
        expect(declare({ contentTypesProvided, subscribe })).to.be.a('function')
        expect(loop({ format: sse(), subscribe })).to.be.a('function')
      }
      for (const subscribe of [hub, { subscribe: channel }]) {
        refuses(
          () => declare({ contentTypesProvided, subscribe }),
          '`subscribe` is ',
          'expected a function that feeds the response, or a channel',
        )
      }
    })

    it('info without subscribe, timeout without info', () => {
      refuses(() => declare({ info: () => {} }), '`info`', '`subscribe`')
      refuses(() => declare({ subscribe: () => [], timeout: 1 }), '`timeout`', '`info`')
    })
  })

  describe('A callback that a constant allowedMethods, or the default, can never reach', () => {
    const value: Partial<Record<CallbackName, unknown>> = {
      deleteResource: true,
      deleteCompleted: false,
      isConflict: true,
      allowMissingPost: false,
      contentTypesAccepted: { '*/*': () => true },
    }
    const reaching: readonly (readonly [CallbackName, readonly string[]])[] = [
      ['deleteResource', ['DELETE']],
      ['deleteCompleted', ['DELETE']],
      ['isConflict', ['PUT']],
      ['allowMissingPost', ['POST']],
      ['contentTypesAccepted', ['POST', 'PUT', 'PATCH', 'QUERY']],
      ['options', ['OPTIONS']],
      ['expires', ['GET', 'HEAD', 'QUERY']],
      ['headers', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'QUERY']],
      ['multipleChoices', ['GET', 'HEAD', 'QUERY', 'LOCK']],
      ['previouslyExisted', ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['movedTemporarily', ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['movedPermanently', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['generateEtag', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['lastModified', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['resourceExists', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['contentTypesProvided', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['languagesProvided', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
      ['variances', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'LOCK']],
    ]
    const all = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'LOCK']
    /** What the method itself needs. */
    const needs = (method: string): object => ({
      ...(method === 'DELETE' && { deleteResource: true }),
      ...(['POST', 'PUT', 'PATCH', 'QUERY'].includes(method) && {
        contentTypesAccepted: value.contentTypesAccepted,
      }),
    })
    for (const [name, methods] of reaching) {
      it(`${name} is reached by ${methods.join(', ')}`, () => {
        for (const method of all) {
          const spec = {
            ...needs(method),
            allowedMethods: [method],
            [name]: value[name] ?? (() => undefined),
          }
          if (methods.includes(method)) expect(declare(spec), method).to.be.a('function')
          else refuses(() => declare(spec), `\`${name}\` can never be reached: allowedMethods is ${method}`)
        }
      })
    }

    it('By the default, too', () => {
      for (const name of [
        'deleteResource',
        'isConflict',
        'contentTypesAccepted',
        'allowMissingPost',
      ] as const) {
        refuses(
          () => declare({ [name]: value[name] }),
          `\`${name}\` can never be reached`,
          'GET, HEAD, OPTIONS',
        )
      }
    })

    it('Callbacks asked before the method are reached by any method, and where none is allowed', () => {
      const early = { serviceAvailable: false, knownMethods: ['GET'], uriTooLong: true }
      expect(declare({ ...early, allowedMethods: [] })).to.be.a('function')
      refuses(() => declare({ allowedMethods: [], forbidden: true }), '`forbidden` can never be reached')
    })

    it('Where allowedMethods is a function nothing is', () => {
      expect(declare({ ...writable, allowedMethods: () => [] })).to.be.a('function')
    })

    it('subscribe, where nothing can stream', () => {
      refuses(
        () => declare({ allowedMethods: ['DELETE'], deleteResource: true, subscribe: () => [] }),
        '`subscribe` can never be reached',
      )
      expect(
        declare({
          allowedMethods: ['POST'],
          contentTypesAccepted: { '*/*': () => sse() },
          subscribe: () => [],
        }),
      ).to.be.a('function')
    })
  })
})

describe('Declaring a loop', () => {
  const declareLoop = (spec: object) => loop(spec as never)
  const good = { format: text(), subscribe: () => [] }

  it('Needs a format and a subscribe', () => {
    expect(declareLoop(good)).to.be.a('function')
    refuses(() => declareLoop({ subscribe: () => [] }), '`format`', 'expected a format')
    refuses(() => declareLoop({ format: text() }), '`subscribe`', 'expected a function')
  })

  it('Has keys of its own, with the nearest name', () => {
    expect(declareLoop({ ...good, status: 201, headers: { a: 'b' } })).to.be.a('function')
    expect(declareLoop({ ...good, headers: () => ({}) })).to.be.a('function')
    refuses(() => declareLoop({ ...good, formats: 1 }), 'loop: unknown key `formats`. Did you mean `format`?')
    refuses(() => declareLoop({ ...good, forbidden: true }), 'loop: unknown key `forbidden`')
    refuses(() => declareLoop({ ...good, negotiation: 'lenient' }), 'loop: unknown key `negotiation`')
  })

  it('Says what was expected', () => {
    for (const status of [199, 600, 204, 205, 304, 200.5, '200', null]) {
      refuses(() => declareLoop({ ...good, status }), '`status` is ', 'expected a status with a body')
    }
    for (const headers of [
      1,
      [],
      { a: true },
      null,
      { 'content-length': '1' },
      { 'Transfer-Encoding': 'identity' },
    ])
      refuses(() => declareLoop({ ...good, headers }), '`headers` is ')
    for (const format of ['sse', sse, {}, null])
      refuses(() => declareLoop({ ...good, format }), '`format` is ')
    for (const spec of [undefined, null, 1, [], sse()]) refuses(() => declareLoop(spec as never), 'loop: ')
  })
})

onBoth('A table', () => {
  const named = (name: string): Spec => ({ contentTypesProvided: { 'text/plain': () => name } })
  const table = tableOf({
    '/a': named('a'),
    '/a/:id': { contentTypesProvided: { 'text/plain': ({ req }) => `a ${req.params.id}` } },
    '/r': resource({ init: () => 'r', contentTypesProvided: { 'text/plain': ({ state }) => state } }),
    '/l': loop({ format: text(), subscribe: () => ['l'] }),
  })
  const app = (endpoint: Endpoint = table, at = '/') => {
    const made = currentExpress()()
    made.set('env', 'test')
    made.use(at, handler(endpoint))
    made.use((_req, res) => {
      res.status(299).send('passed')
    })
    return made
  }

  for (const [url, body] of [
    ['/a', 'a'],
    ['/a?b=c', 'a'],
    ['/a/', 'a'],
    ['/A', 'a'],
    ['/a/1', 'a 1'],
    ['/a/%20%C3%A4', 'a  ä'],
    ['/a/%00', 'a \u0000'],
    ['/r', 'r'],
    ['/l', 'l'],
  ] as const) {
    it(`${url} is ${JSON.stringify(body)}`, async () => {
      const answer = await request(app()).get(url).expect(200)
      expect(answer.text).to.equal(body)
    })
  }

  for (const url of ['/', '/b', '/a/1/2', '/ab']) {
    it(`${url} matches none: next() (whole paths)`, () => request(app()).get(url).expect(299, 'passed'))
  }

  it('A path that matches no entry passes, whatever its method', async () => {
    for (const method of ['OPTIONS', 'POST', 'DELETE']) {
      const answer = await ask(new Site({ mount: (made) => made.use(app()) }), { method, url: '/b' })
      expect(answer.status).to.equal(299)
    }
  })

  it('Owns OPTIONS and 405 of what matches: Express does not answer them', async () => {
    const options = await request(app()).options('/a').expect(200)
    expect(options.headers.allow).to.equal('GET, HEAD, OPTIONS')
    const deleted = await request(app()).delete('/a').expect(405)
    expect(deleted.headers.allow).to.equal('GET, HEAD, OPTIONS')
    await request(app()).delete('/l').expect(405)
  })

  for (const url of ['/a/%', '/a/%ff', '/a/%E0%A4%A', '/a/%zz']) {
    it(`The path ${url} cannot be decoded: 400 by a problem body`, async () => {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
        const answer = await ask(new Site({ mount: (made) => made.use(app()) }), { method, url })
        expect(answer.status).to.equal(400)
        expect(answer.headers['content-type']).to.equal('application/problem+json')
        if (method === 'HEAD') expect(answer.body).to.have.length(0)
        else expect(answer.json).to.include({ status: 400, detail: 'The path cannot be decoded.' })
      }
    })
  }

  it('Can be mounted below a path, and in nested routers', async () => {
    await request(app(table, '/api')).get('/api/a/1').expect(200, 'a 1')
    await request(app(table, '/api')).get('/a/1').expect(299)
    const express = currentExpress()
    const outer = express()
    const inner = express.Router()
    inner.use('/inner', handler(table))
    outer.use('/outer', inner)
    await request(outer).get('/outer/inner/a/1').expect(200, 'a 1')
  })

  it('Can be an entry of another table', async () => {
    const nested = tableOf({ '/a': tableOf({ '/a': named('nested') }) })
    await request(app(nested)).get('/a').expect(200, 'nested')
  })

  it('The first path that matches is the one', async () => {
    const first = tableOf({ '/a/b': named('constant'), '/a/:id': named('parameter') })
    await request(app(first)).get('/a/b').expect(200, 'constant')
    await request(app(first)).get('/a/c').expect(200, 'parameter')
  })

  it('Is checked when declared: each entry by its path', () => {
    refuses(
      () => resources({ '/a': { forbiden: true } as never }),
      "resources['/a']",
      '`forbiden`',
      '`forbidden`',
    )
    refuses(() => resources({ '/a': { allowedMethods: ['DELETE'] } }), "resources['/a']", '`deleteResource`')
    refuses(
      () => resources({ '/a': { contentTypesProvided: { text: () => '' } } }),
      "resources['/a']",
      "'text'",
    )
  })

  it('An entry that is neither a spec nor an endpoint is refused', () => {
    for (const entry of [() => {}, null, 1, 'a', [], plainHandler]) {
      refuses(() => resources({ '/a': entry as never }), "resources['/a']", 'expected')
    }
  })

  it('A table that is none is refused', () => {
    for (const each of [null, undefined, 1, 'a', [hello], () => {}])
      refuses(() => resources(each as never), 'resources')
  })

  it('Defaults that are none are refused, with the nearest name', () => {
    refuses(() => resources({}, { streams: {} } as never), '`streams`', 'Did you mean `stream`?')
    refuses(() => resources({}, { stream: 1 } as never), '`stream` is 1')
    refuses(() => resources({}, { stream: { heartbeats: 1 } } as never), '`heartbeats`', '`heartbeat`')
    for (const defaults of [null, 1, []]) refuses(() => resources({}, defaults as never), 'resources')
  })

  it('Defaults are given to all entries; those of an entry win', async () => {
    const streaming: Spec = { contentTypesProvided: [sse()], subscribe: () => [] }
    const withDefaults = tableOf(
      {
        '/spec': streaming,
        '/own': { ...streaming, stream: { retry: 1 } },
        '/endpoint': resource(streaming),
        '/loop': loop({ format: sse(), subscribe: () => [] }),
        '/table': tableOf({ '/table': streaming }),
        '/inner': tableOf({ '/inner': streaming }, { stream: { retry: 2 } }),
      },
      { stream: { retry: 3 } },
    )
    for (const [url, retry] of [
      ['/spec', 3],
      ['/own', 1],
      ['/endpoint', 3],
      ['/loop', 3],
      ['/table', 3],
      ['/inner', 2],
    ] as const) {
      const answer = await request(app(withDefaults)).get(url).buffer(true).parse(asIs)
      expect(answer.body, url).to.contain(`retry: ${retry}\n`)
    }
  })

  it('Defaults leave an endpoint as it is elsewhere', async () => {
    const endpoint = resource({ contentTypesProvided: [sse()], subscribe: () => [] })
    resources({ '/a': endpoint }, { stream: { retry: 3 } })
    expect((await ask(endpoint)).text).not.to.contain('retry')
  })
})

const plainHandler = (_req: unknown, res: { end(): void }) => res.end()

/** A body as it is, for supertest. */
function asIs(response: request.Response, done: (error: Error | null, body: string) => void): void {
  let body = ''
  const stream = response as unknown as NodeJS.ReadableStream
  stream.on('data', (chunk) => {
    body += chunk
  })
  stream.on('end', () => done(null, body))
}

onBoth('Mounting', () => {
  const where: Spec = {
    contentTypesProvided: {
      'application/json': ({ req }) => [req.baseUrl, req.path, req.originalUrl, { ...req.params }],
    },
  }

  it('app.use answers everything at and below its path', async () => {
    const site = () => new Site({ mount: (app) => app.use('/p', handler(resource(where))) })
    for (const [url, expected] of [
      ['/p', ['/p', '/', '/p', {}]],
      ['/p/', ['/p', '/', '/p/', {}]],
      ['/p/q/r?s=t', ['/p', '/q/r', '/p/q/r?s=t', {}]],
    ] as const) {
      expect((await ask(site(), { url })).json).to.deep.equal(expected)
    }
    expect((await ask(site(), { url: '/pq' })).status).to.equal(404)
  })

  it('app.all answers a whole path, with every method, and its parameters', async () => {
    const site = () => new Site({ mount: (app) => app.all('/p/:id', handler(resource(where))) })
    expect((await ask(site(), { url: '/p/1' })).json).to.deep.equal(['', '/p/1', '/p/1', { id: '1' }])
    expect((await ask(site(), { url: '/p/1/2' })).status).to.equal(404)
    const options = await ask(site(), { url: '/p/1', method: 'OPTIONS' })
    expect(options.headers.allow).to.equal('GET, HEAD, OPTIONS')
    expect((await ask(site(), { url: '/p/1', method: 'DELETE' })).status).to.equal(405)
    expect((await ask(site(), { url: '/p/1', method: 'PROPFIND' })).status).to.equal(501)
  })

  it('Nested routers give their base', async () => {
    const site = new Site({
      mount(app) {
        const inner = currentExpress().Router()
        inner.all('/b/:id', handler(resource(where)))
        app.use('/a', inner)
      },
    })
    expect((await ask(site, { url: '/a/b/1' })).json).to.deep.equal(['/a', '/b/1', '/a/b/1', { id: '1' }])
  })

  it('One endpoint may be mounted in several places', async () => {
    const endpoint = handler(resource(where))
    await withSite(
      new Site({ mount: (app) => app.use('/a', endpoint).use('/b', endpoint) }),
      async (site) => {
        for (const url of ['/a', '/b']) expect((await site.ask({ url })).json).to.include(url)
      },
    )
  })

  it('An endpoint calls next only with an error', async () => {
    const endpoint = resource({ ...hello, resourceExists: false })
    let isPassed = false
    const site = new Site({
      mount(app) {
        app.use(handler(endpoint))
        app.use((_req, _res, next) => {
          isPassed = true
          next()
        })
      },
    })
    await expectStatus(site, {}, 404)
    expect(isPassed).to.equal(false)
  })

  it('A stream and a loop are mounted alike', async () => {
    const endpoints = [
      resource({ contentTypesProvided: [ndjson()], subscribe: () => [1] }),
      loop({ format: ndjson(), subscribe: () => [1] }),
    ]
    for (const endpoint of endpoints) {
      const site = () => new Site({ mount: (app) => app.all('/s', handler(endpoint)) })
      expect((await ask(site(), { url: '/s' })).text).to.equal('1\n')
      expect((await ask(site(), { url: '/s', method: 'POST' })).status).to.equal(405)
    }
  })
})
