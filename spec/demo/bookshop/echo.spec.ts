import { expect } from 'chai'
import { all, type Demo, eventsOf, next, recordsOf, runDemo, until } from './demo.js'

describe('The demo: /api/echo', () => {
  let demo: Demo
  let slow: Demo

  before(async () => {
    demo = await runDemo({ pace: 1 })
    slow = await runDemo({ pace: 600_000 })
  })

  after(() => Promise.all([demo.close(), slow.close()]))

  const post = (text: string, headers = {}) => ({
    body: text,
    headers: { 'Content-Type': 'text/plain', ...headers },
  })
  const say = (text: string, headers = {}) => demo.ask('POST /api/echo', post(text, headers))

  it('A text comes back word by word, as SSE', async () => {
    const answer = await say('Hold on\nto  the rope')
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.equal('text/event-stream')
    const events = await all(eventsOf(answer))
    expect(events.map(({ data }) => data)).to.deep.equal(['Hold', 'on', 'to', 'the', 'rope'])
  })

  it('A text comes back word by word, as NDJSON', async () => {
    const answer = await say('Håll i repet 🤠', { Accept: 'application/x-ndjson' })
    expect(answer.headers.get('content-type')).to.equal('application/x-ndjson')
    expect(await all(recordsOf(answer))).to.deep.equal(['Håll', 'i', 'repet', '🤠'])
  })

  it('A word comes when it is due, and not with the last', async () => {
    const events = eventsOf(await say('word '.repeat(10_000)))
    expect(await next(1, events)).to.deep.equal([{ type: 'message', data: 'word' }])
    await events.return(null)
  })

  it('A text without words is a stream without events', async () => {
    expect(await all(eventsOf(await say(' \n ')))).to.deep.equal([])
  })

  it('Stops when the client stops', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    const before = timers()
    const leave = new AbortController()
    const { signal } = leave
    const request = { ...post('never said'), signal }
    await Promise.all(Array.from({ length: 20 }, () => slow.ask('POST /api/echo', request)))
    await until(() => timers() >= before + 20)
    leave.abort()
    await until(() => timers() <= before + 5)
  })

  it('A client may leave between two words', async () => {
    const events = eventsOf(await say('word '.repeat(10_000)))
    expect(await next(3, events)).to.have.length(3)
    await events.return(null)
    expect(await all(eventsOf(await say('still here')))).to.have.length(2)
  })

  it('Another type than text is 415', async () => {
    const answer = await say('{}', { 'Content-Type': 'application/json' })
    expect(answer.status).to.equal(415)
    expect(answer.headers.get('accept')).to.equal('text/plain')
  })

  it('A text past 1 MiB is 413', async () => {
    expect((await say('x'.repeat(2 ** 20 + 1))).status).to.equal(413)
  })

  it('Another format is 406, before the text is looked at', async () => {
    expect((await say('Hold on', { Accept: 'text/html' })).status).to.equal(406)
  })

  it('GET is 405', async () => {
    const answer = await demo.ask('GET /api/echo')
    expect(answer.status).to.equal(405)
    expect(answer.headers.get('allow')).to.equal('POST, OPTIONS')
  })
})
