import { Readable } from 'node:stream'
import { expect } from 'chai'
import express from 'express'
import { type Format, jsonArray, loop, ndjson, resource, sse, stop, text } from '../../lib/index.js'
import { expresses } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

const accept = (type: string) => ({ headers: { Accept: type } })

describe('From REST to the loop (docs/guide/getting-started.md)', () => {
  staged()

  for (const version of Object.keys(expresses)) {
    it(`${version}: a format as provider streams what \`subscribe\` feeds, in the type that was negotiated`, async () => {
      const site = await stage.now.serve(
        resource({ contentTypesProvided: [sse(), ndjson()], subscribe: () => [1] }),
        { with: version },
      )
      const events = await site.get('/', accept('text/event-stream')).whole()
      expect(events.headers['content-type']).to.equal('text/event-stream')
      expect(events.body).to.equal(':\ndata: 1\n\n')
      const lines = await site.get('/', accept('application/x-ndjson')).whole()
      expect(lines.headers['content-type']).to.equal('application/x-ndjson')
      expect(lines.headers.vary).to.equal('Accept')
      expect(lines.body).to.equal('1\n')
    })
  }

  it('the same format under another media type', async () => {
    const site = await stage.now.serve(
      resource({ contentTypesProvided: { 'application/vnd.mine+json': ndjson() }, subscribe: () => [1] }),
    )
    expect((await site.get().whole()).headers['content-type']).to.equal('application/vnd.mine+json')
  })

  it('one resource is a snapshot and a stream', async () => {
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: {
          'application/json': () => ({ book: 1 }),
          'text/event-stream': sse(),
          'application/x-ndjson': ({ req }) => (req.query.follow ? ndjson() : ndjson().once(['a', 'b'])),
        },
        subscribe: () => ['live'],
      }),
    )
    expect((await site.get().whole()).body).to.equal('{"book":1}')
    expect((await site.get('/', accept('text/event-stream')).whole()).body).to.include('data: live')
    expect((await site.get('/', accept('application/x-ndjson')).whole()).body).to.equal('"a"\n"b"\n')
    expect((await site.get('/?follow=1', accept('application/x-ndjson')).whole()).body).to.equal('"live"\n')
  })

  it('a provider that returns a format switches there and then, with what it looked up in `state`', async () => {
    for (const isAsync of [false, true]) {
      const site = await stage.now.serve(
        resource({
          init: () => ({ found: '' }),
          contentTypesProvided: {
            'text/plain'({ state }) {
              state.found = 'it'
              return isAsync ? turns(1).then(() => text()) : text()
            },
          },
          subscribe: ({ state, negotiated }) => [state.found, negotiated.format.mediaType],
        }),
      )
      expect(await site.get().whole()).to.include({ status: 200, body: 'ittext/plain' })
    }
  })

  it('headers that were set so far stay (docs/guide/callbacks.md)', async () => {
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: {
          'text/event-stream'({ res }) {
            res.setHeader('X-Looked-Up', 'yes')
            return sse()
          },
        },
        languagesProvided: ['de'],
        variances: ['Cookie'],
        subscribe: () => [],
      }),
    )
    const { headers } = await site.get().whole()
    expect(headers).to.include({
      'x-looked-up': 'yes',
      'content-language': 'de',
      'content-type': 'text/event-stream',
      vary: 'Accept, Accept-Language, Cookie',
    })
  })

  it('a stream has neither validators nor ranges, whatever the resource says of its bodies', async () => {
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: { 'application/json': () => ndjson(), 'text/event-stream': sse() },
        generateEtag: '"a"',
        lastModified: new Date(0),
        expires: new Date(0),
        rangesProvided: 'auto',
        subscribe: () => [1],
      }),
    )
    for (const type of ['application/json', 'text/event-stream']) {
      const { status, headers } = await site
        .get('/', { headers: { Accept: type, Range: 'bytes=0-0' } })
        .whole()
      expect(status).to.equal(200)
      expect(headers).not.to.have.any.keys(
        'etag',
        'last-modified',
        'expires',
        'accept-ranges',
        'content-range',
      )
    }
  })

  it('a provider that returns stop() ends it', async () => {
    const site = await stage.now.serve(
      resource({ contentTypesProvided: { 'a/b': () => stop(418) }, subscribe: () => [] }),
    )
    expect((await site.get().whole()).status).to.equal(418)
  })

  it('a format returned where the spec has no `subscribe` is an error that says so', async () => {
    const site = await stage.now.serve(resource({ contentTypesProvided: { 'a/b': () => ndjson() } }))
    expect((await site.get().whole()).status).to.equal(500)
    expect(stage.now.errors[0])
      .to.be.instanceOf(TypeError)
      .with.property('message')
      .that.includes('subscribe')
  })

  describe('a format returned from an accept callback: the answer to a POST is a stream', () => {
    const chat = (formats: Format[] = [sse(), ndjson()]) =>
      resource({
        init: () => ({ words: [] as string[] }),
        allowedMethods: ['POST'],
        contentTypesProvided: formats,
        contentTypesAccepted: {
          'text/plain': async ({ text, state, negotiated }) => {
            state.words = (await text()).split(' ')
            return negotiated.format
          },
        },
        async *subscribe({ state }) {
          for (const word of state.words) {
            await turns(1)
            yield word
          }
        },
      })
    const post = (type: string) => ({
      method: 'POST',
      body: 'prompt in tokens out',
      headers: { 'Content-Type': 'text/plain', Accept: type },
    })

    for (const version of Object.keys(expresses)) {
      it(`${version}: in the format that was negotiated`, async () => {
        const site = await stage.now.serve(chat(), { with: version })
        const lines = await site.get('/', post('application/x-ndjson')).whole()
        expect(lines).to.include({ status: 200, body: '"prompt"\n"in"\n"tokens"\n"out"\n' })
        expect(lines.headers['content-type']).to.equal('application/x-ndjson')
        expect((await site.get('/', post('text/event-stream')).whole()).body).to.match(/^:\ndata: prompt\n\n/)
      })
    }

    it('also where other middleware has read the body', async () => {
      const site = await stage.now.serve(chat(), { before: [express.text()] })
      expect((await site.get('/', post('*/*')).whole()).body).to.include('data: tokens\n\n')
    })

    it('a stream in a format that was not negotiated has the type of the format', async () => {
      const site = await stage.now.serve(
        resource({
          allowedMethods: ['PUT', 'GET'],
          contentTypesProvided: { 'application/json': () => ({}) },
          contentTypesAccepted: { '*/*': () => ndjson() },
          subscribe: () => [1],
        }),
      )
      const message = await site
        .get('/', { method: 'PUT', body: 'x', headers: { 'Content-Type': 'text/plain' } })
        .whole()
      expect(message).to.include({ status: 200, body: '1\n' })
      expect(message.headers['content-type']).to.equal('application/x-ndjson')
    })

    it('the client that leaves then ends the loop: its request was over long ago', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        resource({
          allowedMethods: ['POST'],
          contentTypesAccepted: {
            '*/*': async ({ json }) => {
              await json()
              return ndjson()
            },
          },
          subscribe: ({ write }) => void write('open'),
          terminate: ({ kind }) => log.add(kind),
        }),
        { before: [express.json()] },
      )
      const client = site.get('/', {
        method: 'POST',
        body: '{}',
        headers: { 'Content-Type': 'application/json' },
      })
      await client.until('open')
      await turns(50)
      expect(log.entries).to.deep.equal([])
      client.leave()
      await log.until('disconnect')
    })
  })

  describe('format.once(list): a finite list in that format, then a complete end', () => {
    const listed = (list: () => Iterable<unknown> | AsyncIterable<unknown>, format = jsonArray()) =>
      resource({ contentTypesProvided: { 'application/json': () => format.once(list()) } })

    for (const [name, list] of Object.entries({
      'an array': () => [1, 2],
      'a generator': function* () {
        yield 1
        yield 2
      },
      'an async generator': async function* () {
        yield 1
        await turns(1)
        yield 2
      },
      'a Node stream': () => Readable.from([1, 2]),
    })) {
      it(name, async () => {
        const site = await stage.now.serve(listed(list))
        const message = await site.get().whole()
        expect(message).to.include({ status: 200, body: '[1,2]' })
        expect(message.headers['content-type']).to.equal('application/json')
      })
    }

    it('an empty list', async () => {
      const site = await stage.now.serve(listed(() => []))
      expect((await site.get().whole()).body).to.equal('[]')
    })

    it('does not call `subscribe`, `info` or `terminate`', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: {
            'application/json': () => jsonArray().once([1]),
            'text/event-stream': sse(),
          },
          subscribe: () => log.add('subscribe'),
          info: () => log.add('info'),
          terminate: () => log.add('terminate'),
        }),
      )
      expect((await site.get().whole()).body).to.equal('[1]')
      await turns()
      expect(log.entries).to.deep.equal([])
    })

    it('HEAD gets the head of GET, and the list is closed: infinite ones too', async () => {
      const log = new Log()
      const lists = {
        *sync() {
          for (;;) yield 1
        },
        async *async() {
          for (;;) yield 1
        },
        node: () => new Readable({ read() {}, objectMode: true }).on('close', () => log.add('closed')),
        custom: () => ({
          [Symbol.asyncIterator]: () => ({
            next: () => new Promise<never>(() => {}),
            async return() {
              log.add('closed')
              return { done: true as const, value: undefined }
            },
          }),
        }),
      }
      for (const list of Object.values(lists)) {
        const site = await stage.now.serve(listed(list))
        const client = site.get('/', { method: 'HEAD' })
        const { status, headers } = await client.whole()
        expect(status).to.equal(200)
        expect(headers).to.include({
          'content-type': 'application/json',
          'cache-control': 'no-store, no-transform',
        })
        expect(
          (await client.ask('/', { method: 'HEAD' }).whole()).status,
          'the connection is used again',
        ).to.equal(200)
      }
      await log.until('closed', 4)
    })

    it('HEAD of one that fails when it is closed harms nobody', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        listed(() =>
          new Readable({ read() {}, destroy: (_, done) => done(new Error('late')) }).on('close', () =>
            log.add('closed'),
          ),
        ),
      )
      expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(200)
      await log.until('closed')
      await turns()
    })

    it('an infinite one ends when the client leaves', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        listed(async function* () {
          try {
            for (;;) {
              await turns(1)
              yield 1
            }
          } finally {
            log.add('closed')
          }
        }),
      )
      const client = site.get()
      await client.until('1,1')
      client.leave()
      await log.until('closed')
    })

    it('one that fails is cut, and a warning', async () => {
      const site = await stage.now.serve(
        listed(function* () {
          yield 1
          throw new Error('broken')
        }),
      )
      expect(await site.get().closed()).to.include({ body: '[1', isWhole: false })
      expect(await stage.now.warning()).to.include({ name: 'LariatWarning' })
    })
  })

  describe('HEAD', () => {
    it('calls provider functions, and destroys a stream that they return', async () => {
      const log = new Log()
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: {
            'a/b': () => {
              log.add('called')
              return new Readable({ read() {} }).on('close', () => log.add('destroyed'))
            },
          },
        }),
      )
      expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(200)
      await log.until('destroyed')
      expect(log.entries).to.deep.equal(['called', 'destroyed'])
    })

    it('does not call `subscribe`, whichever way the loop was come to', async () => {
      const log = new Log()
      const subscribe = () => log.add('subscribe')
      for (const endpoint of [
        loop({ format: sse(), subscribe }),
        resource({ contentTypesProvided: [sse()], subscribe }),
        resource({ contentTypesProvided: { 'text/event-stream': async () => sse() }, subscribe }),
      ]) {
        const site = await stage.now.serve(endpoint)
        const get = await site.get().head()
        await log.until('subscribe')
        const client = site.get('/', { method: 'HEAD' })
        const head = await client.whole()
        expect(head.headers).to.deep.equal({ ...get.headers, date: head.headers.date })
        expect((await client.ask('/', { method: 'HEAD' }).whole()).status).to.equal(200)
        log.entries.length = 0
      }
      expect(log.entries).to.deep.equal([])
    })
  })

  describe('negotiated (docs/guide/callbacks.md)', () => {
    it('has each field as soon as it is decided', async () => {
      const seen: unknown[] = []
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          languagesProvided: ['en', 'de'],
          charsetsProvided: ['utf-8'],
          forbidden({ negotiated }) {
            seen.push(negotiated.mediaType)
            return false
          },
          subscribe({ negotiated: { mediaType, language, charset, format } }) {
            seen.push(mediaType, language, charset, format.mediaType)
            return []
          },
        }),
      )
      await site.get('/', { headers: { 'Accept-Language': 'de' } }).whole()
      expect(seen).to.deep.equal([
        undefined,
        'application/x-ndjson',
        'de',
        'utf-8',
        ['application/x-ndjson', 'application/jsonl'],
      ])
    })

    it('format throws where none was negotiated, and says what is to do', async () => {
      const site = await stage.now.serve(
        resource({
          allowedMethods: ['POST'],
          contentTypesProvided: { 'text/plain': () => 'x' },
          contentTypesAccepted: { '*/*': ({ negotiated }) => negotiated.format },
          subscribe: () => [],
        }),
      )
      const message = await site
        .get('/', { method: 'POST', body: '', headers: { 'Content-Type': 'a/b' } })
        .whole()
      expect(message.status).to.equal(500)
      expect(stage.now.errors[0])
        .to.have.property('message')
        .that.matches(/No format was negotiated/)
    })

    it('of a loop from the onset has its format', async () => {
      const format = sse()
      const seen: unknown[] = []
      const site = await stage.now.serve(
        loop({
          format,
          subscribe: ({ negotiated }) => void seen.push(negotiated.format, negotiated.mediaType),
        }),
      )
      await site.get().head()
      expect(seen).to.deep.equal([format, 'text/event-stream'])
    })
  })
})
