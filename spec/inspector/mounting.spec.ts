import { expect } from 'chai'
import helmet from 'helmet'
import { ndjson, resources } from '../../lib/index.js'
import { inspector } from '../../lib/inspector.js'
import { currentExpress, onBoth } from '../support/http.js'
import { stage, staged } from '../support/stage.js'
import { inspecting, Scene } from './scene.js'

const of = () => resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: () => {} } })
const json = { Accept: 'application/json' }

onBoth('An inspector is mounted', () => {
  inspecting()
  staged()

  for (const at of ['/', '/inspector', '/a/b/inspector', '/:tenant/inspector']) {
    it(`at ${at}: its page, its files and its data are below`, async () => {
      const scene = await Scene.of(of(), { at })
      const path = at.replace(':tenant', 'rope').replace(/\/$/, '')
      const page = await scene.site.get(`${path}/`).whole()
      expect(page.status).to.equal(200)
      expect(page.headers['content-type']).to.equal('text/html; charset=utf-8')
      expect(page.body).not.to.match(/(?:src|href)="\//)
      expect((await scene.site.get(`${path}/graph.svg`).whole()).headers['content-type']).to.equal(
        'image/svg+xml',
      )
      const { view } = JSON.parse((await scene.site.get(`${path}/feed`, { headers: json }).whole()).body)
      expect(view).to.equal('overview')
    })
  }

  it('without the slash at its end it leads to the one with it, by the last part of the path alone, with the query', async () => {
    const scene = await Scene.of(of(), { at: '/a/b/inspector' })
    for (const [path, location] of [
      ['/a/b/inspector', './inspector/'],
      ['/a/b/inspector?view=streams&q=a%2Fb?c', './inspector/?view=streams&q=a%2Fb?c'],
    ] as const) {
      const { status, headers } = await scene.site.get(path).whole()
      expect([status, headers.location]).to.deep.equal([301, location])
    }
  })

  it('a name that looks like a URL stays a path when it leads there', async () => {
    const scene = await Scene.of(of(), { at: '/:tenant' })
    for (const name of [
      'javascript:alert(1)',
      'https:evil.example',
      '%2f%2fevil.example',
      '\\evil.example',
      'a%0d%0ab',
    ]) {
      const { status, headers } = await scene.site.get(`/${name}`).whole()
      expect(status).to.equal(301)
      const { origin } = new URL(headers.location!, 'http://localhost/x')
      expect([headers.location?.slice(0, 2), origin]).to.deep.equal(['./', 'http://localhost'])
    }
  })

  it('behind a proxy that takes a prefix away, every place it names is relative', async () => {
    const app = currentExpress()()
    const shown = inspector({ of: of() })
    app.use('/tools', currentExpress().Router().use('/inspector', shown))
    const site = await stage.now.serve((req, res) => {
      // as a proxy does it: what follows knows nothing of the prefix
      req.url = req.url.replace(/^\/proxied/, '/tools')
      req.originalUrl = req.url
      app(req, res)
    })
    expect((await site.get('/proxied/inspector').whole()).headers.location).to.equal('./inspector/')
    expect((await site.get('/proxied/inspector/').whole()).status).to.equal(200)
    await shown.close()
  })

  it('helmet’s policy is replaced by its own, which lets nothing pass but its own files', async () => {
    const scene = await Scene.of(of(), { serve: { before: [helmet()] } })
    for (const path of ['', 'graph.svg', 'feed', 'feed?view=none', 'decisions/none']) {
      const { headers } = await scene.ask(path, { headers: json })
      expect(headers['content-security-policy'], path).to.equal(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      expect(headers['x-content-type-options']).to.equal('nosniff')
    }
  })

  it('its files are asked for again by their entity tags, and its data is stored nowhere', async () => {
    const scene = await Scene.of(of())
    for (const path of ['', 'graph.svg']) {
      const { headers } = await scene.ask(path)
      expect(headers['cache-control']).to.equal('no-cache')
      expect(headers.etag).to.match(/^"[\w-]{22}"$/)
      const again = await scene.ask(path, { headers: { 'If-None-Match': headers.etag! } })
      expect([again.status, again.body, again.headers['cache-control']]).to.deep.equal([304, '', 'no-cache'])
    }
    expect((await scene.ask('feed', { headers: json })).headers['cache-control']).to.equal('no-store')
    const watch = scene.watch('feed')
    await watch.next(1)
    expect(watch.client.message.headers['cache-control']).to.match(/^no-store\b/)
  })

  it('what it has not is left to the app', async () => {
    const scene = await Scene.of(of())
    for (const path of ['none.js', '..%2f..%2fpackage.json', 'page/index.html', 'index.html/x', '__proto__'])
      expect((await scene.ask(path)).status, path).to.equal(404)
  })

  it('nothing of it can be written to', async () => {
    const scene = await Scene.of(of())
    for (const path of ['', 'feed', 'tail?channel=a', 'graph.svg'])
      for (const method of ['POST', 'PUT', 'DELETE'])
        expect((await scene.ask(path, { method })).status, `${method} ${path}`).to.equal(405)
  })
})
