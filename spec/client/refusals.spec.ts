import { expect } from 'chai'
import { FollowError } from '../../lib/client.js'
import { turns } from '../support/stage.js'
import { answering, clients, clientTime, loop } from './scene.js'

const json = { 'content-type': 'application/problem+json' }

describe('A client that is refused', () => {
  clients()

  for (const status of [429, 500, 502, 503, 504])
    it(`Comes back after ${status}`, async () => {
      const server = await answering()
      const loops = loop(server)
      ;(await server.next()).answer(status)
      expect(await loops.becomes('waiting')).to.deep.equal({ delay: 500, status })
      await loops.retried()
      ;(await server.next()).stream('data: 1\n\n')
      expect(await loops.count(1)).to.deep.equal([1])
    })

  it('Comes back by Retry-After: that many seconds, or at a date, and a random part more', async () => {
    const server = await answering()
    const loops = loop(server)
    const date = new Date(Math.ceil(clientTime.now() / 1000) * 1000 + 60_000)
    const until = date.getTime() - clientTime.now()
    for (const [value, delay] of [
      ['7', 7500],
      [date.toUTCString(), until - 7500 + 1000],
      // of the past, and what is none
      ['Thu, 01 Jan 1970 00:00:00 GMT', 2000],
      ['-3', 4000],
      ['soon', 8000],
      ['1e3', 16_000],
    ] as const) {
      ;(await server.next()).answer(503, { 'retry-after': value })
      expect(await loops.retried(), value).to.equal(delay)
    }
  })

  it('Fails for good with the problem body of any other 4xx', async () => {
    const server = await answering()
    const loops = loop(server)
    const problem = { type: 'about:blank', title: 'Gone', detail: 'It was sold', status: 410, shelf: 3 }
    ;(await server.next()).answer(410, { ...json, 'retry-after': '9' }, JSON.stringify(problem))
    const error = (await loops.ended) as FollowError
    expect(error).to.be.instanceOf(FollowError)
    expect(error).to.include({ status: 410, title: 'Gone', detail: 'It was sold', retryAfter: 9 })
    expect(error.problem).to.deep.equal(problem)
    expect(error.message).to.equal(`${server.url}/ answered 410: It was sold`)
    expect(loops.states.at(-1)).to.deep.equal(['over', { error }])
    await server.none()
  })

  for (const [name, headers, body] of [
    ['no body', {}, ''],
    ['a page', { 'content-type': 'text/html' }, '<h1>404</h1>'],
    ['JSON that is none', json, '{"title":'],
  ] as const)
    it(`Fails for good by the status of a 404 with ${name}`, async () => {
      const server = await answering()
      const loops = loop(server)
      ;(await server.next()).answer(404, headers, body)
      const error = (await loops.ended) as FollowError
      expect(error).to.include({ status: 404, title: 'Not Found', detail: undefined })
    })

  it('Does not wait for a problem body for longer than it may be silent, nor once it is closed', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).res.writeHead(404, json).write('{"title":')
    await turns()
    clientTime.advance(45_000)
    expect(await loops.ended).to.include({ status: 404, title: 'Not Found' })
    const closed = loop(server)
    ;(await server.next()).res.writeHead(404, json).write('{"title":')
    await turns()
    closed.client.close()
    expect(await closed.ended).to.equal(undefined)
  })

  it('Fails for good at a type that it does not read, such as a login page', async () => {
    const server = await answering()
    const loops = loop(server)
    const request = await server.next()
    request.stream('<form>', { 'content-type': 'text/html; charset=utf-8' })
    const error = (await loops.ended) as FollowError
    expect(error).to.be.instanceOf(FollowError).and.include({ status: 200 })
    expect(error.message).to.contain('its Content-Type is text/html; charset=utf-8, which is not read')
    await turns()
    expect(request.isGone).to.equal(true)
    const other = loop(server)
    ;(await server.next()).res.writeHead(200).end('?')
    expect((await other.ended) as Error).to.match(/its Content-Type is missing/)
  })

  it('Follows a redirect, and comes back to where it was sent from', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).answer(307, { location: '/other' })
    const other = await server.next()
    expect(other.req.url).to.equal('/other')
    other.stream('data: 1\n\n').end()
    await loops.retried()
    expect((await server.next()).req.url).to.equal('/')
  })
})

describe('A client whose functions give nothing', () => {
  clients()

  it('Fails for good where fetch gives no response, as one that a test stands in for', async () => {
    const fetch = () => Promise.resolve() as unknown as Promise<Response>
    expect(await loop({ url: 'http://127.0.0.1/' }, { fetch }).ended).to.be.instanceOf(FollowError)
  })

  it('Fails with a FollowError where a POST is lost by a function that rejects with nothing', async () => {
    const headers = () => Promise.reject()
    const loops = loop({ url: 'http://127.0.0.1/' }, { body: 'words', headers })
    expect(await loops.ended).to.be.instanceOf(FollowError)
  })

  it('Begins without an id where that is empty', async () => {
    const server = await answering()
    loop(server, { lastEventId: '' })
    expect((await server.next()).headers).to.not.have.property('last-event-id')
  })
})

describe('A client that gets a 401', () => {
  clients()

  it('Fails for good without refresh()', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).answer(401)
    expect(await loops.ended).to.include({ status: 401 })
  })

  it('Calls refresh() once and asks again at once, with headers that are asked for anew', async () => {
    const server = await answering()
    let token = 0
    const refresh = async () => {
      await turns(2)
      token += 1
    }
    const loops = loop(server, { refresh, headers: () => ({ authorization: `${token}` }) })
    ;(await server.next()).answer(401)
    const second = await server.next()
    expect(second.headers.authorization).to.equal('1')
    second.answer(401)
    expect(await loops.ended).to.include({ status: 401 })
    expect(token).to.equal(1)
  })

  it('Calls refresh() again once there was an answer in between', async () => {
    const server = await answering()
    let count = 0
    const refresh = () => {
      count += 1
    }
    const loops = loop(server, { refresh })
    for (let round = 1; round <= 2; round++) {
      ;(await server.next()).answer(401)
      ;(await server.next()).stream('data: 1\n\n').end()
      await loops.retried()
      expect(count).to.equal(round)
    }
  })

  it('Waits where refresh() fails, and calls it again', async () => {
    const server = await answering()
    let count = 0
    const lost = new Error('no network')
    const loops = loop(server, {
      refresh() {
        count += 1
        if (count === 1) throw lost
      },
    })
    ;(await server.next()).answer(401)
    expect(await loops.becomes('waiting')).to.deep.equal({ delay: 500, error: lost })
    await loops.retried()
    ;(await server.next()).answer(401)
    ;(await server.next()).stream('data: 1\n\n')
    await loops.count(1)
  })

  it('Makes a POST again after refresh(), since it was refused', async () => {
    const server = await answering()
    const loops = loop(server, { body: { question: 1 }, refresh: () => {} })
    ;(await server.next()).answer(401)
    const again = await server.next()
    expect(again.req.method).to.equal('POST')
    again.stream('data: 1\n\n').end()
    expect(await loops.ended).to.equal(undefined)
  })
})
