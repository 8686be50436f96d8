import { expect } from 'chai'
import express from 'express'
import * as lariat from '../../lib/index.js'
import { expectError, onBoth } from '../support/http.js'

// as JavaScript calls it
const { createHub, csv, event, loop, ndjson, resource, resources, sse, stop } = lariat as unknown as Record<
  string,
  // biome-ignore lint/suspicious/noExplicitAny: misuse is what the types forbid
  any
>

const hub = createHub()
const provided = { contentTypesProvided: [sse()] }
const subscribe = () => []
const held = { format: sse(), subscribe }
const observable = {
  '@@observable'() {
    return this
  },
}
const taking = { allowedMethods: ['POST'] }

const orFunction = ', or a function of the context that returns that'
const methods = `a list of method names${orFunction}`
const formats = `a list of formats, or an object of media types and their providers (formats or functions)${orFunction}`
const acceptors = `an object of media types, or ranges of them, and functions${orFunction}`
const aSource = 'a function that feeds the response, or a channel'
const aPromise = 'await it before, or write a function that returns it'
const entries = 'write Object.fromEntries(…) around it'
const noFormat =
  'resource: `subscribe` has no format to stream in: write contentTypesProvided: [sse()], or loop({ format: sse(), subscribe: … })'
const notPlain = 'expected a plain object, not an instance of a class or an object made from another'
const noEntry = 'expected a spec, or what resource(), loop() or resources() returned, not'
const mounted = "A handler or a router of Express is mounted by app.use('/a', …)"
const answerKeys = 'expected an object with headers, body, detail, not'

type Row = readonly [what: string, make: () => unknown, message: string]

/** Each mistake, and all that is said of it. */
const misuses: Readonly<Record<string, readonly Row[]>> = {
  'No format': [
    ['`subscribe` alone', () => resource({ subscribe }), noFormat],
    ['an empty list', () => resource({ subscribe, contentTypesProvided: [] }), noFormat],
    ['an empty object', () => resource({ subscribe: hub.channel('a'), contentTypesProvided: {} }), noFormat],
    [
      'no accept callback',
      () => resource({ subscribe, allowedMethods: ['POST'], contentTypesAccepted: {} }),
      noFormat,
    ],
    [
      'an entry of a table',
      () => resources({ '/a': { subscribe } }),
      noFormat.replace('resource', "resources['/a']"),
    ],
  ],

  'A factory where its result belongs': [
    [
      'in an object',
      () => resource({ subscribe, contentTypesProvided: { 'text/event-stream': sse } }),
      `resource: \`contentTypesProvided\` is { 'text/event-stream': [Function: sse] }: expected ${formats}; contentTypesProvided['text/event-stream']: write sse()`,
    ],
    [
      'in a list',
      () => resource({ subscribe, contentTypesProvided: [sse] }),
      `resource: \`contentTypesProvided\` is [ [Function: sse] ]: expected ${formats}; contentTypesProvided[0]: write sse()`,
    ],
    [
      'that has parameters',
      () => resource({ subscribe, contentTypesProvided: [sse(), csv] }),
      `resource: \`contentTypesProvided\` is [ [Object], [Function: csv] ]: expected ${formats}; contentTypesProvided[1]: write csv({ columns: ['…'] })`,
    ],
    [
      'as the callback',
      () => resource({ subscribe, contentTypesProvided: sse }),
      `resource: \`contentTypesProvided\` is [Function: sse]: expected ${formats}; write [sse()]`,
    ],
    [
      'as an accept callback',
      () => resource({ ...taking, contentTypesAccepted: { 'a/b': sse } }),
      `resource: \`contentTypesAccepted\` is { 'a/b': [Function: sse] }: expected ${acceptors}; contentTypesAccepted['a/b']: write sse()`,
    ],
    [
      'of a loop',
      () => loop({ ...held, format: ndjson }),
      'loop: `format` is [Function: ndjson]: expected a format, such as sse(); write ndjson()',
    ],
    [
      'as `subscribe`',
      () => resource({ ...provided, subscribe: sse }),
      `resource: \`subscribe\` is [Function: sse]: expected ${aSource}; formats are provided: write contentTypesProvided: [sse()]`,
    ],
  ],

  'Near a format': [
    [
      'one that is in no list',
      () => resource({ contentTypesProvided: lariat.format({ mediaType: 'a/b', encode: () => '' }) }),
      `resource: \`contentTypesProvided\` is { mediaType: 'a/b', encode: [Function: bound encode], once: [Function: once], [Symbol(express-lariat.is)]: 'format' }: expected ${formats}; write a list: [sse()]`,
    ],
    [
      'media types without providers',
      () => resource({ contentTypesProvided: ['text/html'] }),
      `resource: \`contentTypesProvided\` is [ 'text/html' ]: expected ${formats}; write formats: [sse()], or an object: { 'text/html': () => … }`,
    ],
    [
      'a body that no function returns',
      () => resource({ contentTypesProvided: { 'text/html': '<p>' } }),
      `resource: \`contentTypesProvided\` is { 'text/html': '<p>' }: expected ${formats}; contentTypesProvided['text/html']: write () => '…'`,
    ],
    [
      'a list that is streamed once',
      () => resource({ contentTypesProvided: [ndjson().once([1])] }),
      `resource: \`contentTypesProvided\` is [ [Object] ]: expected ${formats}; a list is sent once: write { '…': () => format.once(list) }`,
    ],
    [
      'accepted types without callbacks',
      () => resource({ ...taking, contentTypesAccepted: ['application/json'] }),
      `resource: \`contentTypesAccepted\` is [ 'application/json' ]: expected ${acceptors}; write { 'application/json': async ({ json }) => … }`,
    ],
    [
      'its media type',
      () => loop({ ...held, format: 'text/event-stream' }),
      "loop: `format` is 'text/event-stream': expected a format, such as sse(); write sse(), or another factory of a format",
    ],
  ],

  'A source': [
    [
      'a method that was taken off its hub',
      () => resource({ ...provided, subscribe: hub.channel }),
      `resource: \`subscribe\` is [Function: channel]: expected ${aSource}; this method was taken off its object: write hub.channel('…')`,
    ],
    [
      'one for all responses',
      () => resource({ ...provided, subscribe: [1] }),
      `resource: \`subscribe\` is [ 1 ]: expected ${aSource}; each response needs a source of its own: write a function that returns it`,
    ],
    [
      'several formats of a loop',
      () => loop({ ...held, format: [sse(), ndjson()] }),
      'loop: `format` is [ [Object], [Object] ]: expected a format, such as sse(); a loop has one: to negotiate, write resource({ contentTypesProvided: […], subscribe: … })',
    ],
    [
      'an Observable for all responses',
      () => resource({ ...provided, subscribe: observable }),
      `resource: \`subscribe\` is { '@@observable': [Function: @@observable] }: expected ${aSource}; each response needs a source of its own: write a function that returns it`,
    ],
    [
      '`info` and no `subscribe`',
      () => resource({ info() {} }),
      'resource: `info` has no `subscribe` to get messages from',
    ],
    [
      '`timeout` and no `info`',
      () => resource({ ...provided, subscribe, timeout: 1 }),
      'resource: `timeout` has no `info` to tell',
    ],
  ],

  'A promise': [
    [
      'of what is provided',
      () => resource({ contentTypesProvided: Promise.resolve([]) }),
      `resource: \`contentTypesProvided\` is a promise: expected ${formats}; ${aPromise}`,
    ],
    [
      'of a representation',
      () => resource({ contentTypesProvided: { 'a/b': Promise.resolve('') } }),
      `resource: \`contentTypesProvided\` is { 'a/b': [Promise] }: expected ${formats}; contentTypesProvided['a/b']: ${aPromise}`,
    ],
    [
      'of a source',
      () => resource({ ...provided, subscribe: Promise.resolve() }),
      `resource: \`subscribe\` is a promise: expected ${aSource}; ${aPromise}`,
    ],
    [
      'of an answer',
      () => resource({ forbidden: Promise.resolve(true) }),
      `resource: \`forbidden\` is a promise: expected true or false${orFunction}; ${aPromise}`,
    ],
    [
      'of options',
      () => resource({ stream: Promise.resolve({}) }),
      `resource: \`stream\` is a promise: expected an object of stream options; ${aPromise}`,
    ],
    ['of a spec', () => resource(Promise.resolve({})), `resource: ${notPlain}; ${aPromise}`],
    [
      'of an entry',
      () => resources({ '/a': Promise.resolve({}) }),
      `resources['/a']: ${notPlain}; ${aPromise}`,
    ],
    [
      'of defaults',
      () => resources({}, Promise.resolve({})),
      `resources: defaults: ${notPlain}; ${aPromise}`,
    ],
  ],

  'A Map, whose entries are no keys': [
    [
      'of providers',
      () => resource({ contentTypesProvided: new Map() }),
      `resource: \`contentTypesProvided\` is Map(0) {}: expected ${formats}; ${entries}`,
    ],
    [
      'of accept callbacks',
      () => resource({ ...taking, contentTypesAccepted: new Map() }),
      `resource: \`contentTypesAccepted\` is Map(0) {}: expected ${acceptors}; ${entries}`,
    ],
    [
      'of headers',
      () => resource({ options: new Map([['a', 'b']]) }),
      `resource: \`options\` is Map(1) { 'a' => 'b' }: expected an object of header names and values${orFunction}; ${entries}`,
    ],
    ['of paths', () => resources(new Map()), `resources: ${notPlain}; ${entries}`],
  ],

  'A method in lower case': [
    [
      'that is allowed',
      () => resource({ allowedMethods: ['get'] }),
      `resource: \`allowedMethods\` is [ 'get' ]: expected ${methods}; names of methods are case-sensitive: write 'GET'`,
    ],
    [
      'in part',
      () => resource({ allowedMethods: ['GET', 'Post'] }),
      `resource: \`allowedMethods\` is [ 'GET', 'Post' ]: expected ${methods}; names of methods are case-sensitive: write 'POST'`,
    ],
    [
      'that is known',
      () => resource({ knownMethods: ['query'] }),
      `resource: \`knownMethods\` is [ 'query' ]: expected ${methods}; names of methods are case-sensitive: write 'QUERY'`,
    ],
  ],

  'A key of another place': [
    [
      'an option of the stream',
      () => resource({ heartbeat: 5 }),
      'resource: unknown key `heartbeat`: it is an option of the stream: write stream: { heartbeat: … }',
    ],
    [
      'an option of the stream of a loop',
      () => loop({ ...held, maxQueued: 5 }),
      'loop: unknown key `maxQueued`: it is an option of the stream: write stream: { maxQueued: … }',
    ],
    [
      'an option of the stream as a default',
      () => resources({}, { retry: 5 }),
      'resources: defaults: unknown key `retry`: it is an option of the stream: write stream: { retry: … }',
    ],
    [
      'a key of a spec among the options',
      () => resource({ stream: { timeout: 5 } }),
      'resource: stream: unknown key `timeout`: it is a key of the spec: write it beside `stream`, as timeout: …',
    ],
    [
      'a key of a spec as a default',
      () => resources({}, { bodyLimit: 5 }),
      'resources: defaults: unknown key `bodyLimit`: it is a key of a spec: write it in each entry',
    ],
    [
      'a format of a resource',
      () => resource({ format: sse() }),
      'resource: unknown key `format`: it is a key of loop(): write contentTypesProvided: [sse()]',
    ],
    [
      'a decision of a loop',
      () => loop({ ...held, forbidden: true }),
      'loop: unknown key `forbidden`: it is a key of resource(), which negotiates and decides: a loop does neither',
    ],
    [
      'a handler by method',
      () => resource({ get: () => '' }),
      'resource: unknown key `get`: it is written as `contentTypesProvided`',
    ],
    [
      'another handler by method',
      () => resource({ post: () => '' }),
      'resource: unknown key `post`: it is written as `contentTypesAccepted` and `allowedMethods`',
    ],
  ],

  'A string where a number belongs': [
    [
      'a time',
      () => resource({ stream: { heartbeat: '15s' } }),
      "resource: stream: `heartbeat` is '15s': expected milliseconds, more than 0, or false; write 15000",
    ],
    [
      'a count',
      () => resource({ stream: { maxStreams: '500' } }),
      "resource: stream: `maxStreams` is '500': expected a number, more than 0; write 500",
    ],
  ],

  'A constant stop()': [
    [
      'as a callback',
      () => resource({ forbidden: stop(404) }),
      `resource: \`forbidden\` is { status: 404, [Symbol(express-lariat.is)]: 'stop' }: expected true or false${orFunction}; stop() is returned by a function: write () => stop(…)`,
    ],
  ],

  'What is no spec': [
    [
      'a format',
      () => resource(sse()),
      'resource: this is a format: write { contentTypesProvided: [sse()], subscribe: … }',
    ],
    [
      'a channel',
      () => resources({ '/a': hub.channel('a') }),
      "resources['/a']: this is a feed: write { contentTypesProvided: [sse()], subscribe: feed }",
    ],
    [
      'a handler',
      () => resources({ '/a': () => {} }),
      `resources['/a']: ${noEntry} [Function: /a]. ${mounted}`,
    ],
  ],

  'A path': [
    [
      'without a slash',
      () => resources({ 'a/:b': {} }),
      "resources: expected a path that begins with a slash, not 'a/:b'; write '/a/:b'",
    ],
    [
      'that is empty',
      () => resources({ '': {} }),
      "resources: expected a path that begins with a slash, not ''; write '/'",
    ],
    [
      'of all',
      () => resources({ '*': {} }),
      "resources: expected a path that begins with a slash, not '*'; write '/*'",
    ],
    [
      'with a method',
      () => resources({ 'GET /a': {} }),
      "resources: expected a path, not 'GET /a'; write '/a', and allowedMethods: ['GET'] in its spec",
    ],
    [
      'that matches the same as an earlier one',
      () => resources({ '/a/:id': {}, '/A/:isbn/': {} }),
      "resources: the path '/A/:isbn/' is never reached: '/a/:id' before it matches the same",
    ],
    [
      'in place of a table',
      () => resources('/a', {}),
      "resources: expected a table of paths, not '/a'; write resources({ '/a': … })",
    ],
  ],
}

/** What stop() would drop, or send wrong. */
const stops: readonly Row[] = [
  [
    'a text',
    () => stop(404, 'No such book.'),
    `stop(404, …): ${answerKeys} 'No such book.'; write { body: 'No such book.' }`,
  ],
  ['a list', () => stop(200, [1]), `stop(200, …): ${answerKeys} [ 1 ]; write { body: [ 1 ] }`],
  ['null', () => stop(404, null), `stop(404, …): ${answerKeys} null; write { body: … }`],
  [
    'an error',
    () => stop(500, Object.assign(new Error('no'), { stack: 'Error: no\n    at secret' })),
    `stop(500, …): ${answerKeys} Error: no; write { body: … }`,
  ],
  [
    'an unknown key',
    () => stop(404, { header: {} }),
    'stop(404, …): unknown key `header`. Did you mean `headers`?',
  ],
  [
    'a status among them',
    () => stop(404, { status: 1 }),
    'stop(404, …): unknown key `status`: the status is the first argument',
  ],
  [
    'a detail that is no text',
    () => stop(404, { detail: 5 }),
    'stop(404, …): `detail` is 5: expected a string',
  ],
  [
    'a promise of a body',
    () => stop(200, { body: Promise.resolve() }),
    'stop(200, …): `body` is a promise: expected a string, bytes, a stream or a JSON value; await it before',
  ],
  [
    'a function as a body',
    () => stop(200, { body: subscribe }),
    'stop(200, …): `body` is [Function: subscribe]: expected a string, bytes, a stream or a JSON value',
  ],
  [
    'headers that are no object',
    () => stop(200, { headers: new Headers() }),
    `stop(200, …): \`headers\` is Headers {}: expected a plain object of header names and values; ${entries}`,
  ],
  [
    'a header that is none',
    () => stop(200, { headers: { 'a b': 'c' } }),
    "stop(200, …): { headers: { 'a b': 'c' } }: this is not a valid header",
  ],
  [
    'another framing',
    () => stop(200, { body: '', headers: { 'Transfer-Encoding': 'chunked' } }),
    "stop(200, …): { headers: { 'Transfer-Encoding': 'chunked' } }: Node frames the body",
  ],
  ...[99, 100, 101, 199, 600, 1000, 404.5, Number.NaN].map(
    (status): Row => [
      `the status ${status}`,
      () => stop(status),
      `stop(${status}): expected a final status, 200 to 599`,
    ],
  ),
  [
    'a status that is a text',
    () => stop('404'),
    "stop('404'): expected a final status, 200 to 599; write stop(404)",
  ],
  [
    'an answer in place of the status',
    () => stop({ body: 1 }),
    'stop({ body: 1 }): expected a final status, 200 to 599; write stop(200, { … })',
  ],
]

function expectThrows(make: () => unknown, code: string, message: string): void {
  expect(make)
    .to.throw(TypeError)
    .that.satisfies((error: Error) => {
      expect(error.message).to.equal(message)
      expect(error).to.include({ code })
      return true
    })
}

describe('Declared wrong, said at once: what came, what was expected, and what to write instead', () => {
  for (const [kind, rows] of Object.entries(misuses)) {
    describe(kind, () => {
      for (const [what, make, message] of rows) it(what, () => expectThrows(make, 'LARIAT_SPEC', message))
    })
  }

  describe('stop()', () => {
    for (const [what, make, message] of stops) it(what, () => expectThrows(make, 'LARIAT_ANSWER', message))
  })

  it('event() drops no text either', () => {
    expectThrows(
      () => event(1, 'tick'),
      'LARIAT_DATA',
      "event(…, 'tick'): expected an object with id, type, retry, comment; write { type: 'tick' }",
    )
  })

  it('event() drops no metadata: an unknown key is named', () => {
    for (const [meta, message] of [
      [{ event: 'tick' }, 'unknown key `event`: SSE’s field `event` is the `type`'],
      [{ typ: 'tick' }, 'unknown key `typ`. Did you mean `type`?'],
      [{ id: '1', data: 2 }, 'unknown key `data`: the data is the first argument'],
      [new Map([['id', '1']]), 'expected a plain object, not Map'],
    ] as const)
      expect(() => event(1, meta))
        .to.throw(TypeError, `event(…, …): ${message}`)
        .that.includes({ code: 'LARIAT_DATA' })
  })

  it('Another event’s metadata can be passed on', () => {
    const other = event('other', { id: '1', type: 'tick' })
    expect(event('data', other)).to.include({ data: 'data', id: '1', type: 'tick' })
    expect(event('data', { ...other, type: 'tock' })).to.include({ data: 'data', id: '1', type: 'tock' })
  })

  it('A router and an app are not taken for entries of a table', () => {
    for (const entry of [express.Router(), express()])
      expect(() => resources({ '/a': entry })).to.throw(TypeError, mounted)
  })
})

onBoth('Answered wrong: the advice fits what came', () => {
  const listed = 'a list is streamed by ndjson().once(list), or is a body as [...list]'
  for (const [what, answer, advice] of [
    ['a Set', () => new Set([1]), listed],
    ['a generator object', () => (function* () {})(), listed],
    ['an async generator', () => (async function* () {})(), 'a list is streamed by ndjson().once(list)'],
    ['a Map', () => new Map([['a', 1]]), entries],
    ['Headers', () => new Headers(), entries],
    ['a channel', () => hub.channel('a'), 'provide a format, sse(), and write subscribe: () => …'],
    ['an Observable', () => observable, 'provide a format, sse(), and write subscribe: () => …'],
    ['a Response of fetch', async () => new Response('a'), 'its body is a stream: return response.body'],
  ] as const) {
    it(`${what} of a provider`, async () => {
      await expectError(
        { contentTypesProvided: { 'a/b': answer as never } },
        {},
        `once() (${advice}), or stop()`,
      )
    })
  }

  it('a Response of fetch as a source', async () => {
    const spec = { ...provided, subscribe: (() => new Response('a')) as never }
    await expectError(spec, {}, '(its body is a stream: return response.body), or stop()')
  })

  it('a Set of methods', async () => {
    const allowedMethods = (() => new Set(['GET'])) as never
    await expectError(
      { ...provided, subscribe, allowedMethods },
      {},
      'a list of method names (write [...set])',
    )
  })
})

describe('What could be meant is not refused', () => {
  it('`subscribe`, wherever a function could return a format', () => {
    const may = () => sse()
    for (const spec of [
      { contentTypesProvided: { 'a/b': may } },
      { contentTypesProvided: may },
      { ...taking, contentTypesAccepted: { 'a/b': may } },
      { ...taking, contentTypesAccepted: may },
    ])
      expect(resource({ ...spec, subscribe })).to.be.a('function')
  })

  it('A method of its own, in any case', () => {
    expect(
      resource({ knownMethods: ['GET', 'Fetch'], allowedMethods: ['GET', 'Fetch', 'M-SEARCH'] }),
    ).to.be.a('function')
  })

  it('A user’s own function that is called as a factory', () => {
    const named = { sse: () => 'x', channel: () => [] }
    expect(
      resource({ contentTypesProvided: { 'text/plain': named.sse, 'a/b': sse() }, subscribe: named.channel }),
    ).to.be.a('function')
  })

  it('A plain entry with `init`, in JavaScript', () => {
    expect(resources({ '/a': { init: () => 1 } })).to.be.a('function')
  })

  it('An empty answer of stop(), and keys that are undefined', () => {
    for (const answer of [
      undefined,
      {},
      { body: undefined, headers: undefined, detail: undefined },
      Object.create(null),
    ])
      expect(stop(404, answer)).to.be.an('object')
    expect(stop(200, { headers: { 'X-One': undefined, 'X-Two': ['a', 'b'], 'X-Three': 3 } })).to.be.an(
      'object',
    )
    expect(stop(204, { body: null })).to.be.an('object')
  })
})

onBoth('Paths that could be meant', () => {
  it('The same path again, after a table, which leaves what it does not match', () => {
    expect(resources({ '/a/:b': resources({}), '/a/:c': {} })).to.be.a('function')
  })

  it('Paths that differ in more than their names', () => {
    expect(resources({ '/a': {}, '/a/:b': {}, '/a/:b/c': {}, '/a-:b': {} })).to.be.a('function')
  })
})
