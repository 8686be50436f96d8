import { expect } from 'chai'
import express from 'express'
import { createHub, event, loop, ndjson, resource, sse } from '../../lib/index.js'
import { stage } from '../../lib/testing.js'

const hub = () => createHub()

describe('stage (docs/guide/testing.md)', () => {
  it('The example of the docs', async () => {
    const prices = hub().channel('prices', { history: 9 })
    await prices.publish(event({ price: 3 }, { type: 'tick' }))
    const app = express()
    app.use(
      '/prices',
      resource({
        contentTypesProvided: { 'text/event-stream': sse() },
        subscribe: prices,
        stream: { endEvent: true },
      }),
    )
    await using at = await stage(app)
    const stream = await at.open('/prices', { accept: 'text/event-stream', lastEventId: 'earliest' })
    expect(stream.status).to.equal(200)
    expect(await stream.next('tick')).to.deep.include({ data: { price: 3 } })
    await prices.end()
    expect(await stream.ended).to.deep.equal({ whole: true, reason: 'end' })
  })

  it('A loop, and the clock', async () => {
    await using at = await stage(
      loop({
        format: ndjson(),
        subscribe: ({ send }) => void send({ n: 1 }),
        stream: { maxDuration: 60_000, heartbeat: 15_000 },
      }),
    )
    const stream = await at.open('/')
    expect(await stream.next()).to.deep.equal({ type: 'message', data: { n: 1 } })
    await stream.idle(45_000)
    await at.clock.advance(15_000)
    expect(await stream.ended).to.deep.equal({ whole: true })
  })

  it('A whole answer', async () => {
    await using at = await stage({ '/x': { contentTypesProvided: { 'application/json': () => ({ a: 1 }) } } })
    const answer = await at.request('/x')
    expect(answer.json()).to.deep.equal({ a: 1 })
    expect((await at.request('/y')).status).to.equal(404)
  })
})
