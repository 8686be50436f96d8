import { expect } from 'chai'
import express from 'express'
import { createHub, type Endpoint, resource, resources, sse } from '../../lib/index.js'
import { Lately } from '../../lib/inspector/lately.js'
import { errorText, fieldsOf, redacted, valueText } from '../../lib/inspector/text.js'
import { stage, staged, turns } from '../support/stage.js'
import { inspecting, type Json, pass, Scene } from './scene.js'

const markup = '<img src=x onerror=alert(1)>"\'&amp;</script><script>alert(1)</script>'

describe('What hostile clients say to an inspector', () => {
  inspecting()
  staged()

  /** Every text of a document. */
  const textsOf = (value: Json): string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, each]) => [key, ...textsOf(each)])
        : []

  function table() {
    const hub = createHub()
    const channel = hub.channel<unknown>(markup, { history: 10 })
    hub.channel('__proto__', { history: 1 })
    hub.channel(`long ${'x'.repeat(10_000)}`, { history: 1 })
    const endpoint = resources({
      '/news/:topic': { contentTypesProvided: [sse()], subscribe: channel },
    }) as Endpoint
    return { endpoint, hub, channel }
  }

  it('stays text in JSON, which no browser takes for a page, and is cut to a length', async () => {
    const { endpoint, hub } = table()
    const scene = await Scene.of(endpoint, { hub })
    await scene.view('view=decisions')
    const path = `/news/${encodeURIComponent(markup)}`
    const headers = {
      'User-Agent': markup,
      'X-Markup': markup,
      ['__proto__']: 'polluted',
      constructor: 'polluted',
    }
    await scene.stream(`${path}?q=${encodeURIComponent(markup)}`, { headers })
    await scene.site.get(path, { headers: { ...headers, Accept: `text/x;a="${markup}"` } }).whole()
    await scene.site
      .get(`/news/${'a'.repeat(7000)}?${'b'.repeat(7000)}`, {
        headers: { Accept: 'image/png', 'User-Agent': 'c'.repeat(1500) },
      })
      .whole()
    for (const view of ['overview', 'streams', 'ended', 'channels', 'decisions']) {
      const answer = await scene.ask(`feed?view=${view}`)
      expect(answer.headers).to.include({
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
      })
      const shown = JSON.parse(answer.body)
      for (const text of textsOf(shown)) expect(text.length, text.slice(0, 50)).to.be.at.most(600)
      if (view !== 'decisions') continue
      for (const { id } of shown.rows) {
        const full = JSON.parse((await scene.ask(`decisions/${id}`)).body)
        for (const text of textsOf(full)) expect(text.length).to.be.at.most(600)
        // as far as Node itself has it: what is polluted is an own key, and no prototype
        expect(Object.getPrototypeOf(full.headers)).to.equal(Object.prototype)
      }
      expect(shown.rows[2].userAgent).to.equal(markup)
    }
    const names = (await scene.rows('view=channels')).map(({ name }) => name)
    expect(names).to.include.members([markup, '__proto__'])
  })

  it('in a query is judged as text: nothing of it is a pattern, a list or an object', async () => {
    const { endpoint, hub } = table()
    const scene = await Scene.of(endpoint, {
      hub,
      serve: { set: (app) => app.set('query parser', 'extended') },
    })
    await scene.stream('/news/a.b')
    for (const [query, matched] of [
      ['q=.*', 0],
      ['q=a.b', 1],
      [`q=${encodeURIComponent('(a+)+$')}`, 0],
      ['q[]=a&q[$ne]=b', 1],
      ['q=a.b&q=none', 1],
      [`q=${'x'.repeat(5000)}`, 0],
      ['route=__proto__', 0],
      ['format=constructor', 0],
      ['q=%E0%A4%A', 0],
      ['%00=%00&q=%00', 0],
    ] as const)
      expect((await scene.view(`view=streams&${query}`)).matched, query).to.equal(matched)
  })

  it('in an event’s data, type or id stays text in a tail', async () => {
    const { endpoint, hub, channel } = table()
    const scene = await Scene.of(endpoint, { hub, payloads: true })
    await scene.stream('/news/a')
    const [ofChannel, ofStream] = [
      scene.watch(`tail?channel=${encodeURIComponent(markup)}`),
      scene.watch(`tail?stream=${[...endpoint.streams][0]!.id}`),
    ]
    await ofChannel.client.head()
    await ofStream.client.head()
    await turns()
    const forged = 'one\n\nevent: view\ndata: {"forged":true}\n\n'
    await channel.publish({ markup, forged }, { type: markup })
    await pass()
    for (const watch of [ofChannel, ofStream]) {
      expect(watch.told).to.have.length(1)
      const [{ data, type }] = watch.told[0].items
      expect(type).to.equal(markup)
      expect(JSON.parse(data)).to.deep.equal({ markup, forged })
      expect(watch.client.body).not.to.include('\nevent: view')
    }
  })

  for (const text of [
    '/a?to%6ben[]=S3CRET&to%6ben[]=S3CRET',
    '/a?t%6Fken%ZZ=S3CRET',
    '/a?token==S3CRET?S3CRET;S3CRET',
    '/a?x=1;token=S3CRET',
    '/a?next=/cb?token=S3CRET',
    '/a?next=%2Fcb%3Ftoken%3DS3CRET',
    '/a?next=%2Fcb%3Fnext%3D%252Fcb%253Ftoken%253DS3CRET',
    '/a?data=%7B%22token%22:%22S3CRET%22%7D',
    '/a?header=Bearer+S3CRET',
    '/login#access_token=S3CRET',
    '/a;jsessionid=S3CRET',
    '/a?sig=S3CRET&pwd=S3CRET&user[pass]=S3CRET&X-Amz-Credential=S3CRET&otp=S3CRET',
    'https://bob:S3CRET@example.com/a',
    '//bob:S3CRET@example.com',
    '/a?url=https://bob:S3CRET@example.com/&url=https%3A%2F%2Fbob%3AS3CRET%40example.com',
  ])
    it(`has its secrets not shown, wherever they are written: ${text}`, () => {
      expect(redacted(text)).not.to.include('S3CRET')
      expect(fieldsOf({ 'x-original-uri': text })['x-original-uri']).not.to.include('S3CRET')
      expect(fieldsOf({ referer: `https://example.com${text}` }).referer).not.to.include('S3CRET')
      expect(errorText(new Error(`GET ${text} failed`))).not.to.include('S3CRET')
      expect(valueText(text)).not.to.include('S3CRET')
      expect(valueText([text])).not.to.include('S3CRET')
      expect(valueText({ to: text })).not.to.include('S3CRET')
    })

  it('has no secret in an error, whose words stay', () => {
    for (const [message, shown] of [
      ['connect redis://:S3CRET@store:6379 failed', 'connect redis://…@store:6379 failed'],
      ['Authorization: Bearer S3CRET.x was refused', 'Authorization: Bearer … was refused'],
      ['of eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.S3CRET', 'of …'],
      ['password=S3CRET is wrong', 'password=… is wrong'],
      ['a == b, and page=2', 'a == b, and page=2'],
    ] as const)
      expect(errorText(new Error(message))).to.equal(`Error: ${shown}`)
  })

  it('keeps what is no secret as it is', () => {
    for (const text of [
      '/sessions/1?page=2&q=a%20b&lastEventId=k-1-2',
      '/auth/login?next=%2Fhome%3Fpage%3D2',
      'Bearer realm="news", error="invalid_token"',
      'text/html;q=0.9, */*;q=0.1',
      'W/"abc=="',
    ])
      expect(redacted(text)).to.equal(text)
  })

  it('is redacted and cut in a time that grows with its length alone', () => {
    const began = performance.now()
    for (const text of [
      '?'.repeat(1e6),
      '&'.repeat(1e6),
      `/?${'%'.repeat(1e6)}`,
      `http://${'@'.repeat(1e6)}`,
      `/?${'token='.repeat(2e5)}`,
      `/?${'a='.repeat(2e5)}`,
      `/?a=${encodeURIComponent('a='.repeat(1e5))}`,
      '"'.repeat(1e6),
      '"a" :'.repeat(1e5),
      '-eyJaaaaaa'.repeat(1e5),
      'bearer '.repeat(1e5),
    ])
      expect(redacted(text).length).to.be.at.most(500)
    expect(performance.now() - began).to.be.lessThan(1000)
  })

  it('in an absolute URL that is none is a query like others', async () => {
    const { endpoint, hub } = table()
    const scene = await Scene.of(endpoint, { hub })
    for (const [path, status] of [
      ['tail?stream=none', 404],
      ['tail', 400],
      ['feed?view=none', 400],
    ] as const)
      expect(
        (await scene.site.get(`http://localhost:99999/inspector/${path}`).whole()).status,
        path,
      ).to.equal(status)
  })

  it('as the value of a callback is shown without calling anything of it', () => {
    const never = () => {
      throw new Error('was called')
    }
    for (const value of [
      Object.defineProperty({}, 'a', { get: never, enumerable: true }),
      { toString: never, toJSON: never, [Symbol.toPrimitive]: never },
      new Proxy({}, { ownKeys: never, getPrototypeOf: never, get: never }),
      Object.create(null),
      Object.create({ constructor: never }),
      Symbol('a'),
      10n ** 500n,
      Array.from({ length: 1e6 }, () => 'x'),
      'x'.repeat(1e6),
      Promise.resolve(),
    ])
      expect(valueText(value).length).to.be.at.most(200)
    expect(valueText({ password: 'a', title: 'b', deep: { token: 'c' } })).to.equal(
      '{ password: …, title: "b", deep }',
    )
  })

  it('cannot fill the memory with routes: of a mount that is a pattern they are paths, and cut', async () => {
    const endpoint = resource({ contentTypesProvided: [sse()], subscribe: () => {} }) as Endpoint
    const scene = await Scene.of(endpoint, { serve: { before: [express().use(/\/x.*/, endpoint)] } })
    const path = `/x${'a'.repeat(3000)}`
    const client = scene.site.get(path)
    await client.head()
    await scene.site.get(path, { headers: { Accept: 'image/png' } }).whole()
    const { rows, alerts } = await scene.view('view=overview')
    const [row] = rows.filter((each: Json) => each.route.startsWith('/xa'))
    expect(row).to.include({ open: 1, opened: 1 })
    expect(row.refused).to.deep.equal({ 406: 1 })
    expect(alerts[0].view.length).to.be.at.most(400)
    expect((await scene.view(alerts[0].view)).matched).to.equal(1)
    expect((await scene.view(`view=streams&route=${encodeURIComponent(row.route)}`)).matched).to.equal(1)
  })

  it('cannot fill the memory: counts are kept of so many names', () => {
    const lately = new Lately()
    for (let at = 0; at < 5000; at++) lately.add(`opened\n/${at}`)
    expect(lately.of('opened\n').size).to.equal(1000)
    stage.now.time.advance(60_000)
    expect(lately.of('opened\n').size).to.equal(0)
  })
})
