import { expect } from 'chai'
import express from 'express'
import { createHub, ndjson, resource, resources } from '../../lib/index.js'
import { inspector } from '../../lib/inspector.js'

describe('inspector(options)', () => {
  const of = resource({ contentTypesProvided: [ndjson()], subscribe: () => {} })
  const made = (options: unknown) => () => void inspector(options as never).close()

  it('takes an endpoint, a table, or a list of either, and a hub or several', () => {
    const table = resources({ '/a': of, '/b': { contentTypesProvided: [ndjson()], subscribe: () => {} } })
    const hub = createHub()
    for (const options of [{ of }, { of: table }, { of: [of, table], hub }, { of, hub: [hub, createHub()] }])
      expect(made(options), JSON.stringify(options)).not.to.throw()
  })

  for (const [title, options, message] of [
    [
      'nothing',
      undefined,
      /inspector: expected an object with of, hub, isAuthorized, actions, payloads, not undefined/,
    ],
    [
      'the endpoint itself',
      of,
      /inspector\(endpoint\): this is the endpoint itself: expected \{ of: endpoint \}/,
    ],
    [
      'the hub itself',
      createHub(),
      /inspector\(hub\): this is the hub itself: expected \{ of: endpoint, hub \}/,
    ],
    ['a list', [of], /inspector\(.*\): expected \{ of: \[endpoint, …\] \}/],
    [
      'no endpoints',
      {},
      /`of` is undefined: expected an endpoint, or a list of endpoints: what resource\(\)/,
    ],
    ['an empty list of endpoints', { of: [] }, /`of` is \[\]: expected an endpoint/],
    ['an app in the place of an endpoint', { of: express() }, /`of` is .*: expected an endpoint/],
    ['a spec in the place of an endpoint', { of: [of, {}] }, /`of` is .*: expected an endpoint/],
    ['a channel in the place of a hub', { of, hub: createHub().channel('a') }, /`hub` is .*: expected a hub/],
    [
      'a login that is no function',
      { of, isAuthorized: true },
      /`isAuthorized` is true: expected a function .* write \(\) => true/,
    ],
    [
      'actions that are no flag',
      { of, actions: ['close'] },
      /`actions` is \[ 'close' \]: expected true or false/,
    ],
    ['a key that is not known', { of, payload: true }, /unknown key `payload`. Did you mean `payloads`\?/],
  ] as const)
    it(`refuses ${title}, and says what to write instead`, () => {
      expect(made(options)).to.throw(TypeError, message)
    })

  it('refuses to start in production without `isAuthorized`: nobody is to forget who may look', () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    try {
      expect(made({ of })).to.throw(
        TypeError,
        /`isAuthorized` is missing, and NODE_ENV is production: expected a function/,
      )
      expect(made({ of, isAuthorized: () => true })).not.to.throw()
    } finally {
      if (before === undefined) delete process.env.NODE_ENV
      else process.env.NODE_ENV = before
    }
  })

  it('is mounted by app.use: a table says so', () => {
    const one = inspector({ of })
    expect(() => resources({ '/inspector': one as never })).to.throw(TypeError, /app\.use\('\/inspector'/)
    void one.close()
  })
})
