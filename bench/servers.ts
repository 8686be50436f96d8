import { createServer, type RequestListener } from 'node:http'
import express from 'express'
import { book, cases, etag, problems } from './cases.js'
import { beside, lariatOf } from './lariat.js'

/** What is measured: each of these answers the four cases with the same status, headers and bytes. */
export const servers = {
  /** The floor: nothing but Node. */
  'node:http': (): RequestListener => {
    const powered = { 'X-Powered-By': 'Express' }
    const problem = { ...powered, 'Content-Type': 'application/problem+json' }
    return (req, res) => {
      const headers = { ...powered, ETag: etag, Vary: 'Accept' }
      let body: string
      switch (req.url) {
        case '/200':
          body = JSON.stringify(book)
          res.writeHead(200, {
            ...headers,
            'Content-Type': 'application/json; charset=utf-8',
            'Content-Length': Buffer.byteLength(body),
          })
          return res.end(body)
        case '/304':
          return res.writeHead(304, headers).end()
        case '/405':
          body = JSON.stringify(problems[405])
          res.writeHead(405, {
            ...problem,
            Allow: 'GET, HEAD, OPTIONS',
            'Content-Length': Buffer.byteLength(body),
          })
          return res.end(body)
        default:
          body = JSON.stringify(problems[406])
          res.writeHead(406, { ...problem, Vary: 'Accept', 'Content-Length': Buffer.byteLength(body) })
          return res.end(body)
      }
    }
  },

  /**
   * A bare route, as its author would write it who knows what the answer is: it decides nothing. A problem has
   * no charset, which `send` would add to a string, so that it is sent as bytes; and no entity tag, so that
   * the app's own are off, which costs the bare route less.
   */
  'bare Express': (): RequestListener => {
    const app = express().disable('etag')
    app.all('/200', (_req, res) => {
      res.set({ ETag: etag, Vary: 'Accept' }).json(book)
    })
    app.all('/304', (_req, res) => {
      res.status(304).set({ ETag: etag, Vary: 'Accept' }).end()
    })
    app.all('/405', (_req, res) => {
      const body = Buffer.from(JSON.stringify(problems[405]))
      res
        .status(405)
        .set({ Allow: 'GET, HEAD, OPTIONS', 'Content-Type': 'application/problem+json' })
        .send(body)
    })
    app.all('/406', (_req, res) => {
      const body = Buffer.from(JSON.stringify(problems[406]))
      res.status(406).set({ Vary: 'Accept', 'Content-Type': 'application/problem+json' }).send(body)
    })
    return app
  },

  /** A route that decides by hand, with what Express has for it. */
  'Express, by hand': (): RequestListener => {
    const app = express().disable('etag')
    for (const { status } of cases) {
      app.all(`/${status}`, (req, res) => {
        if (req.method !== 'GET' && req.method !== 'HEAD') {
          const body = Buffer.from(JSON.stringify(problems[405]))
          res.status(405).set({ Allow: 'GET, HEAD, OPTIONS', 'Content-Type': 'application/problem+json' })
          return res.send(body)
        }
        res.vary('Accept')
        if (!req.accepts('json')) {
          const body = Buffer.from(JSON.stringify(problems[406]))
          return res.status(406).set('Content-Type', 'application/problem+json').send(body)
        }
        return res.set('ETag', etag).json(book)
      })
    }
    return app
  },

  /** One resource for all four. */
  'resource()': () => oneResource('here'),

  ...(beside && { 'another checkout': () => oneResource('beside') }),
}

async function oneResource(which: 'here' | 'beside'): Promise<RequestListener> {
  const { resource } = await lariatOf(which)
  const app = express().disable('etag')
  for (const { status } of cases) {
    app.all(
      `/${status}`,
      resource({
        generateEtag: () => etag,
        contentTypesProvided: { 'application/json; charset=utf-8': () => book },
      }),
    )
  }
  return app
}

export type Name = keyof typeof servers

const name = process.argv[2] as Name | undefined
if (name && process.send) {
  const server = createServer(await servers[name]?.()).listen(0, '127.0.0.1', () => {
    process.send?.((server.address() as { port: number }).port)
  })
  process.on('message', () => process.send?.(process.cpuUsage()))
  process.on('disconnect', () => process.exit())
}
