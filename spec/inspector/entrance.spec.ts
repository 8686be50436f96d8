import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { ndjson, resources, stop } from '../../lib/index.js'
import { stage, staged, turns } from '../support/stage.js'
import { inspecting, Scene } from './scene.js'

const of = () => resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: () => {} } })

/** Makes requests seem to come from another machine. */
const from =
  (address: string | undefined): RequestHandler =>
  (req, _res, next) => {
    Object.defineProperty(req.socket, 'remoteAddress', { value: address, configurable: true })
    next()
  }

const json = { Accept: 'application/json' }

describe('Who may look', () => {
  inspecting()
  staged()

  describe('without `isAuthorized`', () => {
    it('this machine alone, under a name of its own', async () => {
      const scene = await Scene.of(of())
      for (const Host of ['localhost', 'localhost:3000', '127.0.0.1:3000', '[::1]:3000', 'LOCALHOST'])
        expect((await scene.ask('feed', { headers: { ...json, Host } })).status, Host).to.equal(200)
    })

    for (const [address, status] of [
      ['127.0.0.1', 200],
      ['127.8.9.10', 200],
      ['::1', 200],
      ['::ffff:127.0.0.1', 200],
      ['192.0.2.1', 403],
      ['::ffff:192.0.2.1', 403],
      ['127.0.0.1.example', 403],
      ['fe80::127:1', 403],
      [undefined, 403],
    ] as const)
      it(`a peer at ${address} gets ${status}`, async () => {
        const scene = await Scene.of(of(), { serve: { before: [from(address)] } })
        for (const path of ['', 'feed', 'tail?channel=a', 'decisions/1'])
          expect((await scene.ask(path)).status, path).to.equal(
            status === 200 && /tail|decisions/.test(path) ? 404 : status,
          )
      })

    it('no request under another name, which a page of another site may have led here (DNS rebinding)', async () => {
      const scene = await Scene.of(of())
      for (const Host of [
        'evil.example',
        'localhost.evil.example',
        'evil.example:3000',
        '127.0.0.1.evil.example',
        '',
      ])
        expect((await scene.ask('feed', { headers: { ...json, Host } })).status, Host).to.equal(403)
      expect((await scene.ask('', { headers: { Host: 'evil.example' } })).status).to.equal(403)
    })

    it('no request that came through a proxy on this machine', async () => {
      const scene = await Scene.of(of())
      for (const name of [
        'Forwarded',
        'Via',
        'X-Real-IP',
        'X-Forwarded-For',
        'X-Forwarded-Proto',
        'X-Forwarded-Host',
      ]) {
        const { status, body } = await scene.ask('feed', { headers: { ...json, [name]: '127.0.0.1' } })
        expect(status, name).to.equal(403)
        expect(JSON.parse(body).detail).to.equal(
          `The request came through a proxy, which has added ${name.toLowerCase()}. Without \`isAuthorized\` the inspector answers this machine alone.`,
        )
      }
    })

    it('no request of HTTP/1.0: so asks a proxy of which nobody has said more than where to', async () => {
      const scene = await Scene.of(of())
      for (const path of ['', 'feed'])
        expect(
          (await scene.ask(path, { version: '1.0', headers: { Host: 'localhost:3000' } })).status,
        ).to.equal(403)
    })
  })

  describe('with `isAuthorized`', () => {
    it('is asked for every request: true, a challenge, false, or a stop()', async () => {
      const answers: Record<string, unknown> = {
        yes: true,
        later: Promise.resolve(true),
        challenge: 'Basic realm="inspector"',
        no: false,
        login: stop(303, { headers: { Location: '/login' } }),
      }
      const scene = await Scene.of(of(), {
        isAuthorized: ({ req }) => answers[req.get('who') as string] as never,
        serve: { before: [from('192.0.2.1')] },
      })
      const statuses: Record<string, number> = {}
      for (const who of Object.keys(answers)) {
        const { status, headers } = await scene.ask('feed', {
          headers: { ...json, who, 'X-Forwarded-For': '1.2.3.4' },
        })
        statuses[who] = status
        if (who === 'challenge') expect(headers['www-authenticate']).to.equal('Basic realm="inspector"')
        for (const path of ['', 'tail?channel=a', 'decisions/1'])
          if (who !== 'yes' && who !== 'later')
            expect((await scene.ask(path, { headers: { who } })).status).to.equal(status)
      }
      expect(statuses).to.deep.equal({ yes: 200, later: 200, challenge: 401, no: 403, login: 303 })
    })

    it('is asked again every 5 seconds of a feed: a logout ends it', async () => {
      let isIn = true
      const scene = await Scene.of(of(), { isAuthorized: () => isIn })
      const watch = scene.watch('feed?view=overview')
      await watch.next(1)
      isIn = false
      stage.now.time.advance(4900)
      await turns()
      expect(watch.client.message.isWhole).to.equal(false)
      stage.now.time.advance(100)
      await watch.client.whole()
    })
  })

  it('a page of another origin gets no data, whatever the app’s cors() lets pass', async () => {
    const scene = await Scene.of(of(), {
      isAuthorized: () => true,
      serve: {
        before: [
          (_req, res, next) => {
            res.setHeader('Access-Control-Allow-Origin', '*')
            res.setHeader('Access-Control-Allow-Credentials', 'true')
            next()
          },
        ],
      },
    })
    for (const site of ['cross-site', 'same-site'])
      for (const path of ['feed', 'tail?channel=a', 'decisions/1']) {
        const { status, headers } = await scene.ask(path, { headers: { ...json, 'Sec-Fetch-Site': site } })
        expect(status, `${path} ${site}`).to.equal(403)
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).to.deep.equal([])
      }
    // it may be linked to
    expect((await scene.ask('', { headers: { 'Sec-Fetch-Site': 'cross-site' } })).status).to.equal(200)
    for (const site of ['same-origin', 'none'])
      expect((await scene.ask('feed', { headers: { ...json, 'Sec-Fetch-Site': site } })).status).to.equal(200)
  })
})
