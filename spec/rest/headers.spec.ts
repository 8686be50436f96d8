import { expect } from 'chai'
import { type Context, loop, ndjson, resource, sse, stop } from '../../lib/index.js'
import { asText, expectError, expectStatus, onBoth, type Spec, writable } from '../support/http.js'
import { Log } from '../support/log.js'

const streamed: Spec = { contentTypesProvided: [sse()], subscribe: () => [1] }

onBoth('`headers`: those of a held response', () => {
  it('An object, or a function of the context, sync or async', async () => {
    const own = ({ negotiated }: Pick<Context<undefined>, 'negotiated'>) => ({
      'X-From': String(negotiated.format.mediaType),
    })
    for (const headers of [
      { 'X-From': 'text/event-stream' },
      own,
      async (context: Context<undefined>) => own(context),
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await expectStatus({ ...streamed, headers }, { method }, 200)
        expect(answer.headers).to.include({
          'x-from': 'text/event-stream',
          'cache-control': 'no-store, no-transform',
        })
      }
    }
  })

  it('Replace those of the library; Vary and Set-Cookie are added to', async () => {
    const headers = { 'Cache-Control': 'no-cache', Vary: 'Cookie', 'Set-Cookie': 'a=b' }
    const answer = await expectStatus({ ...streamed, headers }, {}, 200)
    expect(answer.headers).to.deep.include({ 'cache-control': 'no-cache', 'set-cookie': ['a=b'] })
    expect(answer.vary).to.deep.equal(['Accept', 'Cookie'])
  })

  it('However the format was chosen: by a provider, by an accept callback, as a list', async () => {
    const headers = { 'X-A': 'b' }
    const subscribe = () => [1]
    const provided = (answer: unknown): Spec => ({
      contentTypesProvided: { 'application/x-ndjson': () => answer as never },
      subscribe,
      headers,
    })
    const accepted = (answer: unknown): Spec => ({
      ...writable,
      contentTypesAccepted: { '*/*': () => answer as never },
      subscribe,
      headers,
    })
    for (const answer of [ndjson(), ndjson().once([1])]) {
      const got = await expectStatus(provided(answer), {}, 200)
      expect([got.headers['x-a'], got.text]).to.deep.equal(['b', '1\n'])
      const posted = await expectStatus(accepted(answer), { method: 'POST', headers: asText, body: 'a' }, 200)
      expect([posted.headers['x-a'], posted.text]).to.deep.equal(['b', '1\n'])
    }
  })

  it('Are not those of a body: it is not asked', async () => {
    const headers = () => expect.fail('asked')
    const contentTypesProvided = { 'text/plain': () => 'hello', 'text/event-stream': sse() }
    const answer = await expectStatus({ ...streamed, contentTypesProvided, headers }, {}, 200)
    expect(answer.text).to.equal('hello')
  })

  it('stop() answers instead, before anybody is subscribed', async () => {
    const spec: Spec = { ...streamed, subscribe: () => expect.fail('subscribed'), headers: () => stop(503) }
    await expectStatus(spec, {}, 503)
    await expectStatus({ ...spec, headers: async () => stop(503) }, { method: 'HEAD' }, 503)
  })

  it('A value may be a number, several lines, or undefined for none', async () => {
    const headers = { 'X-A': 5, 'Set-Cookie': ['a=b', 'c=d'], 'X-None': undefined }
    for (const each of [headers, () => headers]) {
      const answer = await expectStatus({ ...streamed, headers: each }, {}, 200)
      expect(answer.headers).to.deep.include({ 'x-a': '5', 'set-cookie': ['a=b', 'c=d'] })
      expect(answer.headers).not.to.have.property('x-none')
    }
    const options = { 'Access-Control-Max-Age': 5, 'X-None': undefined }
    const answer = await expectStatus({ ...streamed, options }, { method: 'OPTIONS' }, 200)
    expect(answer.headers).to.include({ 'access-control-max-age': '5' })
    expect(answer.headers).not.to.have.property('x-none')
  })

  it('What it throws, or may not answer, is an error that names it', async () => {
    for (const [answer, message] of [
      [{ 'X-A': 'b\r\nc' }, 'headers answered'],
      [{ 'Content-Length': '1' }, 'without Content-Length and Transfer-Encoding'],
      ['X-A: b', 'headers answered'],
      [{ 'X-A': 'b', 'X C': 'd' }, "({ 'X C': 'd' } is not a valid header)"],
      [{ 'X-A': 'b', 'X-C': { d: 1 } }, "({ 'X-C': { d: 1 } } is not a valid header)"],
    ] as const) {
      for (const headers of [() => answer, async () => answer])
        await expectError({ ...streamed, headers: headers as never }, {}, message)
    }
    const failing = () => {
      throw new Error('no headers')
    }
    await expectError({ ...streamed, headers: failing }, {}, 'no headers')
  })

  it('A list that is not streamed after all is closed', async () => {
    const failing = () => {
      throw new Error('no headers')
    }
    for (const [headers, status] of [
      [() => stop(503), 503],
      [async () => stop(503), 503],
      [failing, 500],
      [async () => failing(), 500],
      [() => ({ 'Content-Length': '1' }), 500],
    ] as const) {
      const log = new Log()
      const list: Iterable<unknown> = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: true, value: undefined }),
          return: () => {
            log.add('closed')
            return { done: true, value: undefined }
          },
        }),
      }
      const contentTypesProvided = { 'application/x-ndjson': () => ndjson().once(list) }
      await expectStatus({ contentTypesProvided, headers: headers as never }, {}, status)
      expect(log.entries).to.deep.equal(['closed'])
    }
  })

  it('A loop takes the same, and says the same of what it may not be', async () => {
    const made = (headers: unknown) =>
      loop({ format: sse(), subscribe: () => [1], headers: headers as never })
    expect(
      (
        await expectStatus(
          made(async () => ({ 'X-A': 'b' })),
          {},
          200,
        )
      ).headers,
    ).to.include({ 'x-a': 'b' })
    await expectError(
      made(() => ({ 'X-A': true })),
      {},
      'headers answered',
    )
    await expectStatus(
      made(() => stop(418)),
      {},
      418,
    )
    for (const make of [made, (headers: unknown) => resource({ ...streamed, headers: headers as never })])
      expect(() => make({ 'Transfer-Encoding': 'chunked' })).to.throw(TypeError, '`headers` is ')
  })

  it('Are there when the stream is asked for again, and asked once per request', async () => {
    let asked = 0
    const headers = () => ({ 'X-Asked': String(++asked) })
    for (const count of ['1', '2']) {
      const answer = await expectStatus({ ...streamed, headers }, {}, 200)
      expect(answer.headers['x-asked']).to.equal(count)
    }
  })
})
