import { expect } from 'chai'
import { createHub, resources, sse } from '../../lib/index.js'
import { staged, turns } from '../support/stage.js'
import { inspecting, Scene } from './scene.js'

const mine = { 'Lariat-Inspector': '1', 'Sec-Fetch-Site': 'same-origin' }
const typed = { ...mine, 'Content-Type': 'application/json' }

describe('The actions of an inspector', () => {
  inspecting()
  staged()

  async function made(options: object = { actions: true }) {
    const hub = createHub()
    const news = hub.channel<unknown>('news', { history: 10 })
    const endpoint = resources({ '/news': { contentTypesProvided: [sse()], subscribe: news } })
    const scene = await Scene.of(endpoint, { hub, ...options })
    const client = await scene.stream('/news')
    const [stream] = endpoint.streams
    return { scene, hub, news, client, id: stream!.id }
  }

  it('close a stream, which ends with reason `revoked`', async () => {
    const { scene, client, id } = await made()
    expect((await scene.ask(`streams/${id}`, { method: 'DELETE', headers: mine })).status).to.equal(204)
    await client.whole()
    expect((await scene.rows('view=ended'))[0]).to.include({ id, reason: 'revoked' })
    expect((await scene.ask(`streams/${id}`, { method: 'DELETE', headers: mine })).status).to.equal(404)
  })

  it('publish to a channel, and answer the id', async () => {
    const { scene, news, client } = await made()
    const body = JSON.stringify({ data: { title: 'Loop' }, type: 'flash' })
    const answer = await scene.ask('channels/news', { method: 'POST', headers: typed, body })
    expect(answer.status).to.equal(200)
    const { id } = JSON.parse(answer.body)
    expect(id).to.equal(await news.position())
    expect(await client.until('Loop')).to.include(`event: flash\nid: ${id}\ndata: {"title":"Loop"}\n\n`)
  })

  it('end a channel, to which nothing can be published then', async () => {
    const { scene, client } = await made()
    expect((await scene.ask('channels/news', { method: 'DELETE', headers: mine })).status).to.equal(204)
    await client.whole()
    const body = JSON.stringify({ data: 1 })
    expect((await scene.ask('channels/news', { method: 'POST', headers: typed, body })).status).to.be.oneOf([
      404, 409,
    ])
  })

  for (const [body, detail] of [
    ['null', 'The body is null: expected { data, type? }'],
    ['[1]', 'The body is [ 1 ]: expected { data, type? }'],
    ['{"text":1}', 'The body is { text: 1 }: expected { data, type? }'],
    ['{"data":1,"type":2}', 'type is 2: expected text'],
    ['{"data":1,"type":"a\\nb"}', /type/],
    ['{', /JSON/],
  ] as const)
    it(`publish nothing for the body ${body}, and say what is expected`, async () => {
      const { scene, news } = await made()
      const before = await news.position()
      const answer = await scene.ask('channels/news', { method: 'POST', headers: typed, body })
      expect(answer.status).to.equal(400)
      const said = JSON.parse(answer.body).detail
      if (typeof detail === 'string') expect(said).to.equal(detail)
      else expect(said).to.match(detail)
      expect(await news.position()).to.equal(before)
    })

  it('are not there without `actions: true`, nor for what is not shown', async () => {
    const without = await made({})
    for (const [method, path] of [
      ['DELETE', `streams/${without.id}`],
      ['DELETE', 'channels/news'],
      ['POST', 'channels/news'],
    ] as const)
      expect(
        (await without.scene.ask(path, { method, headers: typed, body: '{"data":1}' })).status,
        `${method} ${path}`,
      ).to.equal(404)
    const { scene } = await made()
    for (const [method, path] of [
      ['DELETE', 'streams/none'],
      ['DELETE', 'channels/none'],
      ['POST', 'channels/none'],
    ] as const)
      expect(
        (await scene.ask(path, { method, headers: typed, body: '{"data":1}' })).status,
        `${method} ${path}`,
      ).to.equal(404)
  })

  it('are taken from a page of the same origin alone', async () => {
    const { scene, client, id } = await made()
    const { port } = scene.site
    const Host = `localhost:${port}`
    const own = { 'Lariat-Inspector': '1', Host }
    for (const headers of [
      {},
      own,
      { 'Sec-Fetch-Site': 'same-origin' },
      { ...own, 'Sec-Fetch-Site': 'cross-site', Origin: `http://${Host}` },
      { ...own, 'Sec-Fetch-Site': 'same-site', Origin: `http://${Host}` },
      { ...own, 'Sec-Fetch-Site': 'none' },
      { ...own, Origin: 'http://evil.example' },
      { ...own, Origin: `http://localhost:${port + 1}` },
      { ...own, Origin: 'null' },
      { ...own, Origin: `http://${Host}.evil.example` },
      { ...own, Origin: `http://${Host}/` },
      { ...own, Origin: '' },
      { Host, Origin: `http://${Host}` },
      { ...own, 'Lariat-Inspector': '0', Origin: `http://${Host}` },
    ] as Record<string, string>[]) {
      const answer = await scene.ask(`streams/${id}`, { method: 'DELETE', headers })
      expect(answer.status, JSON.stringify(headers)).to.equal(403)
      expect(JSON.parse(answer.body).detail).to.match(/^An action /)
      await turns()
      expect(client.message.isWhole).to.equal(false)
    }
    const headers = { ...own, Origin: `http://${Host}` }
    expect((await scene.ask(`streams/${id}`, { method: 'DELETE', headers })).status).to.equal(204)
  })

  it('behind a proxy that the app trusts, the origin is that of the proxy', async () => {
    const asked = async (trust: boolean) => {
      const { scene, id } = await made({
        actions: true,
        isAuthorized: () => true,
        serve: { set: (app: { set(name: string, value: unknown): void }) => app.set('trust proxy', trust) },
      })
      const headers = {
        'Lariat-Inspector': '1',
        Host: 'inner:3000',
        'X-Forwarded-Host': 'shop.example',
        Origin: 'https://shop.example',
      }
      return (await scene.ask(`streams/${id}`, { method: 'DELETE', headers })).status
    }
    expect([await asked(false), await asked(true)]).to.deep.equal([403, 204])
  })

  it('are taken by POST and DELETE alone', async () => {
    const { scene, id } = await made()
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH'])
      for (const path of [`streams/${id}`, 'channels/news'])
        expect((await scene.ask(path, { method, headers: mine })).status, `${method} ${path}`).to.equal(405)
  })

  it('ask `isAuthorized` too', async () => {
    const { scene, id } = await made({ actions: true, isAuthorized: () => false })
    expect((await scene.ask(`streams/${id}`, { method: 'DELETE', headers: mine })).status).to.equal(403)
  })
})
