import { expect } from 'chai'
import express from 'express'
import { createHub, type Endpoint, resource, sse, stop } from '../../lib/index.js'
import { staysClean } from '../support/clean.js'
import { type Asked, onBoth, type Spec, tableOf, writable } from '../support/http.js'
import { changingSite } from './changing.js'
import { inherited, own, staysPure } from './purity.js'

onBoth('A name that all objects have is a name like any other in a request (CWE-1321)', () => {
  staysClean()
  staysPure()
  const served = changingSite()
  const ask = (endpoint: Endpoint, asked: Asked) => {
    served.use(endpoint)
    return served.site.ask(asked)
  }
  const statusOf = async (spec: Spec, asked: Asked) => (await ask(resource(spec), asked)).status

  afterEach(() => expect(served.site.errors.splice(0)).to.deep.equal([]))

  const everything: Spec = {
    ...writable,
    contentTypesProvided: {
      'text/plain': () => 'hello',
      'application/json': () => ({}),
      'text/event-stream': sse(),
    },
    languagesProvided: ['en'],
    charsetsProvided: ['utf-8'],
    encodingsProvided: ['gzip', 'identity'],
    subscribe: ({ lastEventId }) => [String(lastEventId)],
  }

  it('A query', async () => {
    const parameters = [
      '__proto__[polluted]=1',
      'constructor[prototype][polluted]=1',
      '__proto__.polluted=1',
      '__proto__=1',
    ]
    for (const parameter of parameters) {
      for (const target of [resource(everything), tableOf({ '/': everything, '/:id': everything })]) {
        for (const url of [`/?${parameter}`, `/a?a=b&${parameter}`])
          expect((await ask(target, { url })).status).to.equal(200)
      }
    }
  })

  it('A query, as Express reads it with its extended parser', async () => {
    served.site.app.set('query parser', 'extended')
    const seen: unknown[] = []
    const spec: Spec = {
      ...everything,
      malformedRequest: ({ req }) => {
        seen.push(Object(req.query).polluted, ({} as { polluted?: unknown }).polluted)
        return false
      },
    }
    expect(
      await statusOf(spec, { url: '/?__proto__[polluted]=1&constructor[prototype][polluted]=1' }),
    ).to.equal(200)
    expect(seen).to.deep.equal([undefined, undefined])
  })

  for (const name of inherited) {
    it(`A header field ${name}`, async () => {
      for (const method of ['GET', 'POST'])
        expect(
          await statusOf(everything, { method, headers: { [name]: 'a', 'content-type': 'text/plain' } }),
        ).to.be.oneOf([200, 204])
    })

    it(`A path /${name}, and a parameter of that value`, async () => {
      const seen: unknown[] = []
      const table = tableOf({
        '/:id': { ...everything, forbidden: ({ req }) => seen.push(req.params.id) < 0 },
      })
      expect((await ask(table, { url: `/${name}` })).status).to.equal(200)
      expect(seen).to.deep.equal([name])
    })

    it(`Accept, Accept-Language and Accept-Charset find no ${name} that nobody provides: 406`, async () => {
      for (const accept of [name, `${name}/x`, `x/${name}`, `text/plain;${name}=1`, `${name}/*`])
        expect(await statusOf(everything, { headers: { accept } }), accept).to.equal(406)
      expect(await statusOf(everything, { headers: { 'accept-language': name } })).to.equal(406)
      expect(await statusOf(everything, { headers: { 'accept-charset': name } })).to.equal(406)
      expect(
        await statusOf(everything, { headers: { 'accept-encoding': `${name}, identity;q=0` } }),
      ).to.equal(406)
    })

    it(`Content-Type and Content-Encoding find no ${name} either: 415`, async () => {
      const spec: Spec = {
        ...writable,
        contentTypesAccepted: { 'text/plain': async ({ text }) => ({ body: await text() }) },
      }
      const post = (headers: Record<string, string>) =>
        statusOf(spec, { method: 'POST', body: 'a', headers: { 'content-type': 'text/plain', ...headers } })
      for (const type of [name, `${name}/x`, `x/${name}`])
        expect(await post({ 'content-type': type })).to.equal(415)
      expect(await post({ 'content-encoding': name })).to.equal(415)
      expect(await post({ 'content-type': `text/plain;charset=${name}` })).to.equal(415)
      expect(await post({ 'content-type': `text/plain;${name}=1` })).to.equal(200)
    })

    it(`A type that an app provides or accepts as ${name} is found by it`, async () => {
      const type = `${name.toLowerCase()}/x`
      const spec: Spec = {
        ...writable,
        contentTypesProvided: { [type]: () => 'hello' },
        charsetsProvided: ['utf-8', name],
        contentTypesAccepted: { [type]: () => ({ body: 'taken' }) },
      }
      const seen: unknown[] = []
      const telling: Spec = { ...spec, resourceExists: ({ negotiated }) => seen.push(negotiated.charset) > 0 }
      const answer = await ask(resource(telling), { headers: { accept: type, 'accept-charset': name } })
      expect(answer.status).to.equal(200)
      expect(answer.headers).to.include({ 'content-type': type })
      expect(seen).to.deep.equal([name])
      const post = { method: 'POST', headers: { 'content-type': type }, body: 'a' }
      expect((await ask(resource(spec), post)).text).to.equal('taken')
    })

    it(`A stream's Last-Event-ID ${name}, in header or query, is that id`, async () => {
      const lines = async (asked: Asked) =>
        (await ask(resource(everything), asked)).text.split('\n').filter((line) => line.startsWith('data:'))
      const headers = { accept: 'text/event-stream' }
      expect(await lines({ headers: { ...headers, 'last-event-id': name } })).to.deep.equal([`data: ${name}`])
      expect(await lines({ headers, url: `/?lastEventId=${name}` })).to.deep.equal([`data: ${name}`])
      expect(await lines({ headers, url: `/?lastEventId[${name}]=1` })).to.deep.equal(['data: undefined'])
    })

    it(`Of a channel the id ${name} is unknown, and told as such`, async () => {
      const channel = createHub().channel(name, { history: 10 })
      await channel.publish('one')
      const read = new AbortController()
      const spec: Spec = { contentTypesProvided: [sse()], subscribe: channel, stream: { maxDuration: 1 } }
      const answer = await ask(resource(spec), { headers: { 'last-event-id': name } })
      read.abort()
      expect(answer.headers['last-event-id']).to.equal('earliest')
      expect(answer.text).to.include(`"requested":"${name}"`).and.to.include('"reason":"unknown"')
    })

    it(`A JSON body with a member ${name} is what it is, read by us or by express.json()`, async () => {
      const sent = JSON.stringify(own(name, { polluted: 1 }))
      const spec: Spec = {
        ...writable,
        contentTypesAccepted: {
          'application/json': async ({ json }) => {
            const body = Object(await json())
            return { body: { keys: Object.keys(body), has: 'polluted' in body, text: JSON.stringify(body) } }
          },
        },
      }
      const parsed = express.json()
      const endpoint = resource(spec)
      const behind = ((req, res, next) => parsed(req, res, () => endpoint(req, res, next))) as Endpoint
      for (const target of [endpoint, behind]) {
        const answer = await ask(target, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: sent,
        })
        expect(answer.json).to.deep.equal({ keys: [name], has: false, text: sent })
      }
    })

    it(`Headers of a member ${name} are headers`, async () => {
      const headers = { ...own(name), 'X-Own': 'a' }
      for (const [spec, method] of [
        [{ forbidden: () => stop(200, { headers }) }, 'GET'],
        [{ options: () => headers }, 'OPTIONS'],
      ] as const) {
        const answer = await ask(resource({ ...writable, ...spec } as Spec), { method })
        expect(answer.status).to.equal(200)
        expect(answer.headers['x-own']).to.equal('a')
      }
    })

    it(`A clientKey ${name} is counted by itself`, async () => {
      const endpoint = resource({
        contentTypesProvided: [sse()],
        subscribe: ({ req, send, signal }) => {
          send(`${req.query.key}`)
          signal.addEventListener('abort', () => {})
        },
        stream: { maxStreamsPerClient: 1, clientKey: ({ req }) => String(req.query.key) },
      })
      served.use(endpoint)
      const open = async (key: string) => {
        const stopped = new AbortController()
        const { status } = await fetch(`http://127.0.0.1:${served.site.port}/?key=${key}`, {
          signal: stopped.signal,
        })
        return [status, stopped] as const
      }
      const opened = [await open(name), await open(name), await open(`${name}2`)]
      expect(opened.map(([status]) => status)).to.deep.equal([200, 429, 200])
      for (const [, stopped] of opened) stopped.abort()
      while ([...endpoint.streams].length > 0) await new Promise((resolve) => setImmediate(resolve))
    })
  }

  it('A charset by such a name is one that Node does not know: what it cannot write is refused', async () => {
    for (const name of inherited) {
      const spec = (body: string): Spec => ({
        contentTypesProvided: { 'text/plain': () => body },
        charsetsProvided: [name],
      })
      expect((await ask(resource(spec('hello')), {})).headers['content-type']).to.equal(
        `text/plain; charset=${name}`,
      )
      expect((await ask(resource(spec('é')), {})).status, name).to.equal(500)
      expect(String(served.site.errors.splice(0))).to.include(`charset ${name}`)
    }
  })
})
