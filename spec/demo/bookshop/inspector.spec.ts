import { expect } from 'chai'
import { type Demo, eventsOf, runDemo } from './demo.js'

describe('The demo: /inspector', () => {
  let demo: Demo

  before(async () => {
    demo = await runDemo()
  })

  after(() => demo.close())

  it('is linked from the page', async () => {
    const page = await (await demo.ask('GET /', { headers: { Accept: 'text/html' } })).text()
    expect(page).to.include('<a href="inspector/">')
    expect((await demo.ask('GET /inspector/')).headers.get('content-type')).to.equal(
      'text/html; charset=utf-8',
    )
  })

  it('shows the open streams, the channel of the books, and who was refused', async () => {
    const answer = await demo.ask('GET /api/events/stream', { headers: { Accept: 'text/event-stream' } })
    const events = eventsOf(answer)
    await demo.ask('GET /api/books', { headers: { Accept: 'image/png' } })
    const rows = async (view: string) => {
      const shown = await (await demo.ask(`GET /inspector/feed?view=${view}`)).json()
      return (shown as { rows: object[] }).rows
    }
    expect((await rows('streams'))[0]).to.include({ path: '/api/events/stream', format: 'text/event-stream' })
    expect((await rows('channels'))[0]).to.include({ name: 'books', subscribers: 1, backend: 'memory' })
    expect((await rows('decisions'))[0]).to.include({ url: '/api/books', status: 406 })
    await events.return(undefined)
  })

  it('is not there in production, where it would need a login', async () => {
    const before = process.env.NODE_ENV
    process.env.NODE_ENV = 'production'
    const other = await runDemo()
    try {
      expect((await other.ask('GET /inspector/')).status).to.equal(404)
    } finally {
      if (before === undefined) delete process.env.NODE_ENV
      else process.env.NODE_ENV = before
      await other.close()
    }
  })
})
