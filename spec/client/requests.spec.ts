import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { FollowError, follow, following, ndjson, sse } from '../../lib/client.js'
import { turns } from '../support/stage.js'
import { answering, clients, loop } from './scene.js'

class Failure {
  constructor(readonly code: number) {}
}

describe('The request of a client', () => {
  clients()

  it('Asks for all that is read, in order of preference, in no more characters than need no preflight, and is not kept by caches', async () => {
    const server = await answering()
    loop(server)
    const { headers, req } = await server.next()
    expect(req.method).to.equal('GET')
    expect(headers.accept).to.equal(
      'text/event-stream, application/x-ndjson;q=0.9, application/json-seq;q=0.8, application/json;q=0.7, */*;q=0.6',
    )
    expect(headers['cache-control']).to.equal('no-cache')
    const client = following(ndjson, sse)(server.url)
    const step = client.next()
    expect((await server.next()).headers.accept).to.equal('application/x-ndjson, text/event-stream;q=0.9')
    client.close()
    await step
  })

  it('Asks for what accept says, one or several, and headers have the last word', async () => {
    const server = await answering()
    for (const [accept, headers, sent] of [
      ['text/csv', {}, 'text/csv'],
      [['text/csv', 'text/plain'], {}, 'text/csv, text/plain;q=0.9'],
      ['text/csv', { Accept: '*/*' }, '*/*'],
    ] as const) {
      loop(server, { accept, headers })
      expect((await server.next()).headers.accept).to.equal(sent)
    }
  })

  it('Asks headers, query and body for each attempt, in whatever way they answer', async () => {
    const server = await answering()
    let count = 0
    const loops = loop(
      { url: `${server.url}/path?by=url` },
      {
        method: 'QUERY',
        headers: async () => new Headers({ 'x-count': `${++count}` }),
        query: () => ({ count, isFirst: count === 1, by: 'ümlaut & more' }),
        body: () => Promise.resolve([{ count }]),
      },
    )
    for (const round of [1, 2]) {
      const { req, headers, cut } = await server.next()
      expect(req.method).to.equal('QUERY')
      expect(headers).to.include({ 'x-count': `${round}`, 'content-type': 'application/json' })
      const { pathname, searchParams } = new URL(req.url ?? '', server.url)
      expect(pathname).to.equal('/path')
      expect([...searchParams]).to.deep.equal([
        ['by', 'url'],
        ['count', `${searchParams.get('count')}`],
        ['isFirst', `${searchParams.get('count') === '1'}`],
        ['by', 'ümlaut & more'],
      ])
      expect(await text(req)).to.match(/^\[\{"count":\d\}\]$/)
      cut()
      if (round === 1) await loops.retried()
    }
    expect(count).to.equal(2)
  })

  it('Sends strings, forms and bytes as they are, with their own type', async () => {
    const server = await answering()
    for (const [body, type, sent] of [
      ['words', 'text/plain;charset=UTF-8', 'words'],
      [new URLSearchParams({ a: '1' }), 'application/x-www-form-urlencoded;charset=UTF-8', 'a=1'],
      [new Uint8Array([65]), undefined, 'A'],
      [{ a: 1 }, 'application/merge+json', '{"a":1}'],
      [Object.assign(Object.create(null), { a: 1 }), 'application/json', '{"a":1}'],
      [new Failure(1), 'application/json', '{"code":1}'],
      [Readable.from([Buffer.from('read')]), undefined, 'read'],
    ] as const) {
      const headers: Record<string, string> = String(type).includes('merge')
        ? { 'content-type': type as string }
        : {}
      loop(server, { body, headers })
      const { req, headers: fields } = await server.next()
      expect(req.method).to.equal('POST')
      expect(fields['content-type']).to.equal(type)
      expect(await text(req)).to.equal(sent)
    }
  })

  it('Waits where a function fails, tells why, and asks it again', async () => {
    const server = await answering()
    for (const option of ['headers', 'query', 'body'] as const)
      for (const how of ['throws', 'rejects']) {
        let count = 0
        const failure = new Error(option)
        const ask = () => {
          if (count++) return {}
          if (how === 'throws') throw failure
          return Promise.reject(failure)
        }
        const loops = loop(server, { method: 'QUERY', [option]: ask })
        expect(await loops.becomes('waiting')).to.deep.equal({ delay: 500, error: failure })
        await loops.retried()
        ;(await server.next()).stream('data: 1\n\n')
        await loops.count(1)
        loops.client.close()
      }
  })

  it('Fails for good where a function fails with a FollowError', async () => {
    const server = await answering()
    const failure = new FollowError('Signed out')
    const loops = loop(server, { headers: () => Promise.reject(failure) })
    expect(await loops.ended).to.equal(failure)
  })

  it('Fails for good at once where it can never be made', async () => {
    const server = await answering()
    for (const [url, options] of [
      ['/relative', {}],
      // which a URL takes for a scheme
      ['localhost:3000/prices', {}],
      ['http://user:secret@127.0.0.1/', {}],
      [server.url, { headers: { 'no name': '' } }],
      [server.url, { headers: { name: 'a\nb' } }],
      [server.url, { lastEventId: 'a\nb' }],
      [server.url, { lastEventId: 'a'.repeat(1e6) }],
      [server.url, { method: 'GET', body: 'words' }],
      [server.url, { method: 'NO METHOD' }],
      [server.url, { body: { a: 1n } }],
    ] as const) {
      const error = (await loop({ url }, options).ended) as FollowError
      expect(error).to.be.instanceOf(FollowError)
      expect(error.message).to.match(/^No request can be made to /)
    }
    await server.none()
  })

  it('Is made with the fetch, and the credentials, that the options say', async () => {
    const server = await answering()
    const seen: [string, RequestInit][] = []
    const fetch = (url: string, init: RequestInit) => {
      seen.push([url, init])
      return globalThis.fetch(url, init)
    }
    loop(server, { fetch })
    await server.next()
    loop(server, { fetch, credentials: 'include' })
    await server.next()
    expect(seen[0]?.[0]).to.equal(`${server.url}/`)
    expect(seen.map(([, { credentials }]) => credentials)).to.deep.equal([undefined, 'include'])
    expect(seen.map(([, init]) => 'cache' in init && init.cache)).to.deep.equal(['no-store', 'no-store'])
  })
})

describe('A request that is not safe', () => {
  clients()

  for (const [method, options] of Object.entries({
    POST: { body: 'question' },
    PUT: { method: 'PUT' },
    GET: { repeat: false },
  })) {
    it(`Is not made again by itself after a cut: ${method}`, async () => {
      const server = await answering()
      const loops = loop(server, options)
      const request = await server.next()
      expect(request.req.method).to.equal(method)
      request.stream('data: 1\n\n')
      await loops.count(1)
      request.cut()
      const error = (await loops.ended) as FollowError
      expect(error).to.be.instanceOf(FollowError)
      expect(error.message).to.match(new RegExp(`^.+\\. A ${method} is repeated with repeat: true only$`))
      expect(error.cause).to.be.instanceOf(Error)
      await server.none()
    })

    it(`Ends where its answer does: ${method}`, async () => {
      const server = await answering()
      const loops = loop(server, options)
      ;(await server.next()).stream('data: 1\n\n').end()
      expect(await loops.ended).to.equal(undefined)
    })

    it(`Fails with the problem of a 503: ${method}`, async () => {
      const server = await answering()
      const loops = loop(server, options)
      ;(await server.next()).answer(503, { 'retry-after': '5' })
      expect(await loops.ended).to.include({ status: 503, retryAfter: 5 })
      await server.none()
    })
  }

  it('Is not made again by itself after silence, nor where the server says that the stream goes on', async () => {
    const server = await answering()
    const loops = loop(server, { body: 'question' })
    ;(await server.next()).stream('event: reconnect\ndata: {"reason":"shutdown"}\n\n').end()
    expect((await loops.ended) as Error)
      .to.be.instanceOf(FollowError)
      .and.match(/the stream goes on/)
    await server.none()
  })

  it('Is made again with repeat: true, with its body and its id', async () => {
    const server = await answering()
    const loops = loop(server, { body: { question: 1 }, repeat: true })
    const first = await server.next()
    expect(await text(first.req)).to.equal('{"question":1}')
    first.stream('id: a\ndata: 1\n\n')
    await loops.count(1)
    first.cut()
    await loops.retried()
    const second = await server.next()
    expect(await text(second.req)).to.equal('{"question":1}')
    expect(second.headers['last-event-id']).to.equal('a')
    second.answer(503)
    await loops.retried()
    ;(await server.next()).stream('data: 2\n\n').end()
    await loops.retried()
    await server.next()
  })
})

describe('A client chooses its reader by the Content-Type', () => {
  clients()

  for (const [type, body, data] of [
    ['Text/Event-Stream; charset=utf-8', 'data: 1\n\n', 1],
    ['application/vnd.news+x-ndjson', '{"a":1}\n', { a: 1 }],
    ['application/vnd.news+json', '[{"a":1}]', { a: 1 }],
    ['application/jsonl', '1\n', 1],
    ['text/plain ; charset="latin1"', new Uint8Array([0xfc]), 'ü'],
  ] as const)
    it(`Reads ${type}`, async () => {
      const server = await answering()
      const loops = loop(server)
      ;(await server.next()).stream(body, { 'content-type': type })
      expect(await loops.count(1)).to.deep.equal([data])
    })

  it('Reads what was asked for by name as text or bytes, if nothing else reads it', async () => {
    const server = await answering()
    for (const [type, data] of [
      ['text/markdown', 'A'],
      ['image/png', new Uint8Array([65])],
    ] as const) {
      const loops = loop(server, { accept: ['text/csv', type] })
      ;(await server.next()).stream('A', { 'content-type': type })
      expect(await loops.count(1)).to.deep.equal([data])
    }
    const client = following(sse)(server.url, { accept: 'text/markdown' })
    const step = client.next().catch((error) => error)
    ;(await server.next()).stream('A', { 'content-type': 'text/markdown' })
    expect(await step).to.be.instanceOf(FollowError)
  })

  it('Reads nothing faster than it is iterated', async () => {
    const server = await answering()
    const client = follow(server.url, { accept: 'application/octet-stream' })
    await turns()
    await server.none()
    const first = client.next()
    const { res } = (await server.next()).stream('', { 'content-type': 'application/octet-stream' })
    const part = Buffer.alloc(2 ** 20, 'x')
    let written = 0
    // what the kernel and fetch take is little; the rest waits with the server
    while (written < 2 ** 8 && res.write(part)) {
      written += 1
      await turns()
    }
    for (let more = 0; more < 2 ** 5; more++) res.write(part)
    await first
    await turns(100)
    expect(written).to.be.below(2 ** 5)
    expect(res.writableLength).to.be.above(2 ** 20)
    let size = 0
    for await (const { data } of client) {
      size += (data as Uint8Array).length
      if (size > 2 ** 24) break
    }
    expect(size).to.be.above(2 ** 24)
  })
})
