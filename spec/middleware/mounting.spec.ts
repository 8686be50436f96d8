import { expect } from 'chai'
import type { ErrorRequestHandler, Express, Router } from 'express'
import { type Endpoint, ndjson, type OpenStream, resource, resources, sse } from '../../lib/index.js'
import { currentExpress, onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { stage, staged } from '../support/stage.js'

/** Streams, or answers with, what Express has made of the path. */
const where = (): Endpoint =>
  resource({
    contentTypesProvided: {
      'application/json': ({ req: { baseUrl, url, params } }) => ({ baseUrl, url, params: { ...params } }),
      'application/x-ndjson': ndjson(),
    },
    subscribe: ({ req: { baseUrl, url, params }, send }) => send({ baseUrl, url, params: { ...params } }),
  })

/** A router of the Express that serves. */
const routerOf = (options?: { mergeParams: boolean }): Router => currentExpress().Router(options)

const mounted = (mount: (app: Express) => unknown) => stage.now.serve(routerOf(), { set: mount })

const bodyOf = async (site: Awaited<ReturnType<typeof mounted>>, path: string) =>
  JSON.parse((await site.get(path).whole()).body)

onBoth('Mounted in an app (docs/guide/existing-app.md)', () => {
  staged()

  it('below a prefix, `req.baseUrl`, `req.url` and the params of the prefix are those of Express', async () => {
    const site = await mounted((app) => app.use('/shops/:shop', where()))
    const expected = { baseUrl: '/shops/rope', url: '/news?a=1', params: { shop: 'rope' } }
    expect(await bodyOf(site, '/shops/rope/news?a=1')).to.deep.equal(expected)
    const client = site.get('/shops/rope/news?a=1', { headers: { Accept: 'application/x-ndjson' } })
    expect(JSON.parse(await client.until('\n'))).to.deep.equal(expected)
  })

  it('in nested routers with `mergeParams`, all params are there', async () => {
    const site = await mounted((app) => {
      const news = routerOf({ mergeParams: true })
      news.all('/news/:id', where())
      app.use('/shops/:shop', routerOf({ mergeParams: true }).use('/:floor', news))
    })
    expect((await bodyOf(site, '/shops/rope/2/news/7')).params).to.deep.equal({
      shop: 'rope',
      floor: '2',
      id: '7',
    })
  })

  it('a table in a router has its own params, as every router has: those of a prefix are for middleware before it', async () => {
    const site = await mounted((app) => {
      const table = resources({
        '/news/:id': {
          contentTypesProvided: { 'application/json': ({ req, res }) => [req.params, res.locals.shop] },
        },
      })
      app.use(
        '/shops/:shop',
        (req, res, next) => {
          res.locals.shop = req.params.shop
          next()
        },
        table,
      )
    })
    expect(await bodyOf(site, '/shops/rope/news/7')).to.deep.equal([{ id: '7' }, 'rope'])
  })

  it('`app.param` and `router.param` are asked before it, once, and their error is for the app', async () => {
    const log = new Log()
    const site = await mounted((app) => {
      const router = routerOf()
      for (const [name, each] of [
        ['app', app],
        ['router', router],
      ] as const) {
        each.param('id', (_req, _res, next, id) => {
          log.add(`${name} ${id}`)
          next(id === 'none' ? Object.assign(new Error('none'), { status: 404 }) : undefined)
        })
      }
      router.all('/news/:id', where())
      app.use('/api', router)
      app.all('/news/:id', where())
      app.use(resources({ '/table/:id': where() }))
    })
    expect((await bodyOf(site, '/news/7')).params).to.deep.equal({ id: '7' })
    expect((await bodyOf(site, '/api/news/8')).params).to.deep.equal({ id: '8' })
    expect(await site.get('/news/none').whole()).to.include({ status: 404, body: 'the app failed' })
    // as with every other router, those of a table are not the app's
    expect((await bodyOf(site, '/table/9')).params).to.deep.equal({ id: '9' })
    expect(log.entries).to.deep.equal(['app 7', 'router 8', 'app none'])
  })

  it('several endpoints and tables stand beside each other, and what none of them has is the app’s 404', async () => {
    const text = (body: string) => ({ contentTypesProvided: { 'text/plain': () => body } })
    const site = await mounted((app) => {
      app.use(resources({ '/a': text('a'), '/b': text('b') }))
      app.all('/c', resource(text('c')))
      app.use('/d', resources({ '/e': text('d/e') }))
      app.use('/d', resource(text('the rest of d')))
      app.use((_req, res) => void res.status(404).send('nowhere'))
    })
    for (const [path, status, body] of [
      ['/a', 200, 'a'],
      ['/b', 200, 'b'],
      ['/c', 200, 'c'],
      ['/d/e', 200, 'd/e'],
      ['/d/f', 200, 'the rest of d'],
      ['/c/below', 404, 'nowhere'],
      ['/f', 404, 'nowhere'],
    ] as const) {
      expect(await site.get(path).whole(), path).to.include({ status, body })
    }
  })

  it('by `all` it answers every method; by `get` GET and HEAD, and the rest is Express’s', async () => {
    const site = await mounted((app) => {
      app.all('/all', where())
      app.get('/get', where())
    })
    for (const [path, method, status, allow] of [
      ['/all', 'GET', 200, undefined],
      ['/all', 'HEAD', 200, undefined],
      ['/all', 'OPTIONS', 200, 'GET, HEAD, OPTIONS'],
      ['/all', 'DELETE', 405, 'GET, HEAD, OPTIONS'],
      ['/get', 'GET', 200, undefined],
      ['/get', 'HEAD', 200, undefined],
      ['/get', 'DELETE', 404, undefined],
    ] as const) {
      const message = await site.get(path, { method }).whole()
      expect(message.status, `${method} ${path}`).to.equal(status)
      expect(message.headers.allow, `${method} ${path}`).to.equal(allow)
    }
    const options = await site.get('/get', { method: 'OPTIONS' }).whole()
    expect(options.headers.allow).to.match(/^GET, ?HEAD$/)
  })

  it('one endpoint that is mounted twice has one list of streams, each with its path', async () => {
    const endpoint = resource({ contentTypesProvided: [sse()], subscribe: () => {} })
    const site = await mounted((app) => {
      app.use('/a', endpoint)
      app.use('/b', routerOf().use('/c', endpoint))
    })
    for (const path of ['/a/x?y', '/b/c']) await site.get(path).head()
    expect([...endpoint.streams].map(({ path }: OpenStream) => path)).to.deep.equal(['/a/x', '/b/c'])
  })

  it('an entry of a table gets the `req.next` from before the table, so that a held stream keeps no router of it', async () => {
    const seen: unknown[] = []
    const site = await mounted((app) => {
      const look = resource({
        contentTypesProvided: [ndjson()],
        subscribe: ({ req, send }) => {
          seen.push(req.next)
          send(req.params.id)
        },
      })
      const table = resources({ '/a/:id': look, '/b/:id': resources({ '/b': look, '/b/:id': look }) })
      app.use((req, res, next) => {
        seen.push(req.next)
        table(req as never, res, next)
      })
    })
    for (const path of ['/a/1', '/b/2'])
      expect(await site.get(path).until('\n')).to.equal(`"${path.at(-1)}"\n`)
    const [before, within, before2, within2] = seen
    expect(within).to.be.a('function').and.equal(before)
    expect(within2).to.be.a('function').and.equal(before2)
  })

  it('the error of an entry finds the request as it was before the table', async () => {
    const seen: unknown[] = []
    const fails = {
      contentTypesProvided: {
        'text/plain': ({ req }: { req: { params: unknown } }) => {
          seen.push({ ...(req.params as object) })
          throw new URIError('not that of a path')
        },
      },
    }
    const look: ErrorRequestHandler = (error, { baseUrl, url, params }, _res, next) => {
      seen.push({ baseUrl, url, params: { ...params } })
      next(error)
    }
    const site = await mounted((app) => {
      const table = resources({ '/a/:id': fails, '/b/:no': resources({ '/b/:id': fails }) })
      app.use('/shops', routerOf().use(table), look)
    })
    for (const path of ['/shops/a/1', '/shops/b/2']) {
      expect(await site.get(path).whole()).to.include({ status: 500, body: 'the app failed' })
      const outside = { baseUrl: '/shops', url: path.slice('/shops'.length), params: {} }
      expect(seen.splice(0), path).to.deep.equal([{ id: path.at(-1) }, outside])
    }
  })

  it('a table in a table that has no entry for a path leaves it to the entries that follow', async () => {
    const text = (body: string) => ({ contentTypesProvided: { 'text/plain': () => body } })
    const site = await mounted((app) => {
      app.use(
        resources({
          '/a/:id': resources({ '/a/1': text('the first') }),
          '/:kind/:id': resources({}),
          '/a/2': text('the second'),
        }),
      )
      app.use((req, res) => void res.status(404).json({ ...req.params }))
    })
    expect(await site.get('/a/1').whole()).to.include({ status: 200, body: 'the first' })
    expect(await site.get('/a/2').whole()).to.include({ status: 200, body: 'the second' })
    expect(await site.get('/a/3').whole()).to.include({ status: 404, body: '{}' })
    expect(await site.get('/a/%ff').whole()).to.include({ status: 400 })
  })

  it('a promise that a patched router makes of its handlers is no matter', async () => {
    // as express-async-errors does: whatever a handler returns is waited for, and what it rejects with goes to next
    const site = await mounted((app) => {
      const endpoint = where()
      app.use('/patched', (req, res, next) => {
        Promise.resolve(endpoint(req as never, res, next) as unknown).catch(next)
      })
    })
    expect((await bodyOf(site, '/patched/news')).url).to.equal('/news')
    expect(stage.now.errors).to.deep.equal([])
  })
})
