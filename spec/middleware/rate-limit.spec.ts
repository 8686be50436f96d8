import { expect } from 'chai'
import { type Options, rateLimit } from 'express-rate-limit'
import { type LoopContext, loop, ndjson, resource, sse } from '../../lib/index.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

/** An endpoint that holds, behind a limit of two requests. */
async function limited(options: Partial<Options> = {}) {
  const log = new Log()
  const contexts: LoopContext<undefined>[] = []
  const limiter = rateLimit({
    windowMs: 60_000,
    limit: 2,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    ...options,
  })
  const site = await stage.now.serve(
    loop({
      format: ndjson(),
      subscribe: (context) => void contexts.push(context),
      terminate: ({ kind }) => log.add(kind),
    }),
    { before: [limiter] },
  )
  return { site, log, contexts, used: async () => (await limiter.getKey('127.0.0.1'))?.totalHits ?? 0 }
}

onBoth('Behind express-rate-limit (docs/guide/existing-app.md)', () => {
  staged()

  it('its headers are on a stream, which counts once however long it is held', async () => {
    const { site, contexts, used } = await limited()
    const client = site.get()
    const { headers, status } = await client.head()
    expect(status).to.equal(200)
    expect(headers.ratelimit).to.match(/r=1;/)
    expect(headers).to.have.property('ratelimit-policy')
    for (let n = 0; n < 10; n++) {
      contexts[0]!.write(n)
      stage.now.time.advance(10_000)
    }
    await client.until('9\n')
    expect(await used()).to.equal(1)
    contexts[0]!.stream.close()
    await client.whole()
    expect(await used()).to.equal(1)
  })

  it('one more is its 429 with Retry-After, and nobody is subscribed', async () => {
    const { site, contexts } = await limited()
    for (const client of [site.get(), site.get()]) await client.head()
    const refused = await site.get().whole()
    expect(refused.status).to.equal(429)
    expect(refused.headers).to.have.property('retry-after')
    expect(contexts).to.have.length(2)
  })

  it('with `skipFailedRequests` a stream that its client leaves is no success, and is not counted', async () => {
    const { site, log, used } = await limited({ skipFailedRequests: true })
    const client = site.get()
    await client.head()
    expect(await used()).to.equal(1)
    client.leave()
    await log.until('disconnect')
    await turns()
    expect(await used()).to.equal(0)
  })

  it('with `skipSuccessfulRequests` a stream counts as long as it is held, and no more once it is complete', async () => {
    const { site, contexts, used } = await limited({ skipSuccessfulRequests: true })
    const client = site.get()
    await client.head()
    expect(await used()).to.equal(1)
    contexts[0]!.stream.close()
    await client.whole()
    await turns()
    expect(await used()).to.equal(0)
  })

  it('what is held at once is limited by `maxStreamsPerClient` instead', async () => {
    const site = await stage.now.serve(
      resource({ contentTypesProvided: [sse()], subscribe: () => {}, stream: { maxStreamsPerClient: 1 } }),
      { before: [rateLimit({ windowMs: 60_000, limit: 100 })] },
    )
    await site.get().head()
    const refused = await site.get().whole()
    expect(refused.status).to.equal(429)
    expect(refused.headers['content-type']).to.equal('application/problem+json')
    expect(refused.headers).to.include.keys('retry-after', 'x-ratelimit-limit')
  })
})
