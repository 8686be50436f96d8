import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import express from 'express'
import promClient, { Registry } from 'prom-client'
import { createHub, ndjson, resource, resources, sse } from '../../lib/index.js'
import { metrics, openTelemetry } from '../../lib/metrics.js'
import { needs, pathOf } from '../support/installed.js'
import { linesOf as linesOfProcess } from '../support/lines.js'
import { stage, staged } from '../support/stage.js'
import { listening } from '../support/told.js'
import { atEnd, linesOf, measuring, parsed } from './kinds.js'

const labels = { route: '/news', format: 'application/x-ndjson' }

describe('metrics() in a registry of prom-client (docs/operate/metrics.md)', () => {
  staged()
  measuring()
  const told = listening()
  const endpointOf = () => resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: () => {} } })

  it('answers with all that the registry has, and is itself in no count and no message', async () => {
    const register = new Registry()
    new promClient.Counter({ name: 'own_total', help: 'of the app', registers: [register] }).inc(3)
    const endpoint = endpointOf()
    const handler = metrics({ of: endpoint, register })
    atEnd(handler.stop)
    told.now.on('decisions').on('refusal')
    const site = await stage.now.serve(express().use('/metrics', handler).use(endpoint))
    const accept =
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
    for (const headers of [{}, { Accept: accept }, { Accept: 'image/png' }]) {
      const answer = await site.get('/metrics', { headers }).whole()
      expect(answer.status).to.equal(200)
      expect(answer.headers['content-type']).to.equal('text/plain; version=0.0.4; charset=utf-8')
      expect(answer.body).to.include('\nown_total 3\n')
      expect(parsed(answer.body).value('streams_open', labels)).to.equal(0)
    }
    const head = await site.get('/metrics', { method: 'HEAD' }).whole()
    expect([head.status, head.body]).to.deep.equal([200, ''])
    expect((await site.get('/metrics', { method: 'POST' }).whole()).status).to.equal(405)
    expect(told.now.all).to.deep.equal([])
  })

  it('is an entry of a table like others', async () => {
    const handler = metrics({ of: endpointOf(), register: new Registry() })
    atEnd(handler.stop)
    const site = await stage.now.serve(resources({ '/metrics': handler }))
    expect((await site.get('/metrics').whole()).body).to.include('lariat_streams_open{route="/news"')
  })

  it('writes OpenMetrics once the registry is told to', async () => {
    const register = new Registry()
    const handler = metrics({ of: endpointOf(), register })
    atEnd(handler.stop)
    const site = await stage.now.serve(handler)
    await site.get('/').whole()
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
    const answer = await site.get('/').whole()
    expect(answer.headers['content-type']).to.equal(Registry.OPENMETRICS_CONTENT_TYPE)
    expect(answer.body).to.match(/# EOF\n$/)
    expect(answer.body).to.include(
      'lariat_streams_opened_total{route="/news",format="application/x-ndjson"} 0',
    )
  })

  it('is in the default registry of the app’s own prom-client, if none is given', async () => {
    const handler = metrics({ of: endpointOf() })
    atEnd(handler.stop)
    expect(await promClient.register.metrics()).to.include('lariat_streams_open{route="/news"')
    handler.stop()
    expect(await promClient.register.metrics()).to.not.include('lariat_')
  })

  it('a second call adds to the same instruments, which go with the last that is stopped', async () => {
    const register = new Registry()
    const hub = createHub()
    const first = metrics({ of: endpointOf(), register })
    const again = metrics({
      of: resource({ contentTypesProvided: [sse()], subscribe: () => {} }),
      hub,
      channels: ['a'],
      register,
    })
    const third = metrics({ of: [], hub, channels: ['b'], register })
    await hub.channel<number>('a').publish(1)
    const now = parsed(await register.metrics())
    expect(now.value('streams_open', labels)).to.equal(0)
    expect(now.value('published_total', { channel: 'a', outcome: 'ok' })).to.equal(1)
    expect(now.value('published_total', { channel: 'b', outcome: 'ok' })).to.equal(0)
    first.stop()
    first.stop()
    third.stop()
    await hub.channel<number>('a').publish(1)
    expect(
      parsed(await register.metrics()).value('published_total', { channel: 'a', outcome: 'ok' }),
    ).to.equal(2)
    again.stop()
    expect((await register.metrics()).trim()).to.equal('')
  })

  it('two prefixes are two sets of instruments; a registry that was cleared gets new ones', async () => {
    const register = new Registry()
    const endpoint = endpointOf()
    for (const prefix of ['', 'shop_']) atEnd(metrics({ of: endpoint, register, prefix }).stop)
    const text = await register.metrics()
    expect(text)
      .to.match(/^streams_open\{/m)
      .and.match(/^shop_streams_open\{/m)
    register.clear()
    atEnd(metrics({ of: endpoint, register, prefix: 'shop_' }).stop)
    const site = await stage.now.serve(endpoint)
    await site.get('/news').head()
    const now = await register.metrics()
    expect(parsed(now, 'shop_').value('streams_opened_total', labels)).to.equal(1)
    expect(now).to.not.match(/^streams_open\{/m)
  })

  it('a registry from which one instrument was removed, or that has one of the app’s of that name, can be used again', async () => {
    const register = new Registry()
    const endpoint = endpointOf()
    const first = metrics({ of: endpoint, register })
    register.removeSingleMetric('lariat_streams_open')
    const second = metrics({ of: endpoint, register })
    expect(await register.metrics()).to.include('lariat_streams_open{route="/news"')
    first.stop()
    second.stop()
    new promClient.Gauge({ name: 'lariat_backend_up', help: 'of the app', registers: [register] })
    expect(() => metrics({ of: endpoint, register })).to.throw(
      'lariat_backend_up has already been registered',
    )
    expect(register.getMetricsAsArray()).to.have.length(1)
    register.removeSingleMetric('lariat_backend_up')
    metrics({ of: endpoint, register }).stop()
    expect(register.getMetricsAsArray()).to.have.length(0)
  })

  it('a meter that fails is told of once, and fails neither publishes nor streams', async () => {
    let isBroken = true
    const fail = () => {
      const error = new Error('the meter is broken')
      error.stack = String(error)
      if (isBroken) throw error
    }
    const make = () => ({ add: fail, record: fail })
    const meter = {
      createCounter: make,
      createHistogram: make,
      createObservableCounter: make,
      createObservableGauge: make,
      createObservableUpDownCounter: make,
      addBatchObservableCallback() {},
      removeBatchObservableCallback() {},
    }
    const hub = createHub()
    const endpoint = resources({
      '/news': { contentTypesProvided: [ndjson()], subscribe: hub.channel('news') },
    })
    expect(() => openTelemetry({ of: endpoint, hub, meter })).to.throw('the meter is broken')
    // nothing listens now
    await hub.channel('news').publish('one')
    isBroken = false
    atEnd(openTelemetry({ of: endpoint, hub, meter }).stop)
    isBroken = true
    const site = await stage.now.serve(endpoint)
    const client = site.get('/news')
    await client.head()
    await hub.channel('news').publish('two')
    await client.until('two')
    expect(stage.now.warnings.map(({ message }) => message)).to.deep.equal([
      'Metrics: counting failed: Error: the meter is broken',
    ])
    stage.now.warnings.length = 0
  })

  it('labels are escaped, whatever the names of channels', async () => {
    const register = new Registry()
    const hub = createHub()
    const name = 'a "b"\\c\nd{}'
    atEnd(metrics({ of: [], hub, channels: [name], register }).stop)
    await hub.channel<number>(name).publish(1)
    const found = linesOf(await register.metrics()).filter(
      (line) => line.value === 1 && line.name.endsWith('published_total'),
    )
    expect(found.map(({ labels }) => labels.channel)).to.deep.equal([name])
  })

  describe('Its names and words', () => {
    needs('promtool')

    it('pass promtool check metrics', async () => {
      const register = new Registry()
      const hub = createHub()
      const endpoint = resources({
        '/news': {
          contentTypesProvided: [ndjson()],
          subscribe: hub.channel('news'),
          stream: { maxStreams: 5 },
        },
      })
      atEnd(metrics({ of: endpoint, hub, channels: ['news'], register }).stop)
      const site = await stage.now.serve(endpoint)
      await site.get('/news').head()
      await hub.channel('news').publish('one')
      const input = await register.metrics()
      const { status, stdout, stderr } = spawnSync(pathOf('promtool')!, ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      })
      expect(stdout + stderr).to.equal('')
      expect(status).to.equal(0)
    })
  })
})

describe('What metrics() and openTelemetry() are given', () => {
  const endpoint = resources({})
  const cases: readonly (readonly [string, () => unknown, string])[] = [
    ['nothing', () => metrics(undefined as never), 'metrics: expected an object with of, hub'],
    ['an endpoint alone', () => metrics(endpoint as never), 'write metrics({ of: endpoint })'],
    [
      'no endpoint',
      () => metrics({} as never),
      'metrics: `of` is undefined: expected an endpoint, or a list',
    ],
    [
      'an app',
      () => metrics({ of: express() as never }),
      'expected what resource(), loop() or resources() returned',
    ],
    ['a hub that is none', () => metrics({ of: endpoint, hub: {} as never }), '`hub` is {}: expected a hub'],
    [
      'a channel for its name',
      () => metrics({ of: endpoint, channels: [createHub().channel('a')] as never }),
      '`channels` is',
    ],
    ['a misspelt option', () => metrics({ of: endpoint, registry: 1 } as never), 'Did you mean `register`?'],
    [
      'another registry',
      () => metrics({ of: endpoint, register: {} as never }),
      'expected a Registry of prom-client',
    ],
    [
      'a prefix with a dash',
      () => metrics({ of: endpoint, prefix: 'my-app_' }),
      "expected text such as 'lariat_'",
    ],
    ['no meter', () => openTelemetry({ of: endpoint } as never), 'expected a meter of OpenTelemetry'],
  ]
  for (const [name, call, message] of cases)
    it(`${name}: is told what is expected`, () => {
      expect(call).to.throw(TypeError).with.property('message').that.includes(message)
    })

  it('prom-client is needed for metrics() alone, and can be given', async () => {
    const said = await linesOfProcess(`
      import Module from 'node:module'
      const { _resolveFilename } = Module
      Module._resolveFilename = function (name, ...rest) {
        if (name !== 'prom-client') return _resolveFilename.call(this, name, ...rest)
        throw Object.assign(new Error("Cannot find module 'prom-client'"), { code: 'MODULE_NOT_FOUND' })
      }
      import { resources } from './lib/index.js'
      import { metrics } from './lib/metrics.js'
      import * as promClient from 'prom-client'
      const of = resources({})
      try {
        metrics({ of })
      } catch (error) {
        console.log(error.message)
      }
      metrics({ of, client: promClient })
      console.log(promClient.register.getSingleMetric('lariat_streams_open') !== undefined)
    `)
    expect(said[0]).to.include('npm install prom-client').and.to.include('metrics({ client: promClient')
    expect(said[1]).to.equal('true')
  })
})
