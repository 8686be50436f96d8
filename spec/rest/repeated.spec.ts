import { Readable } from 'node:stream'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { linesOf } from '../../lib/http/field.js'
import { resource } from '../../lib/index.js'
import { onBoth, Site, type Spec, withSite, writable } from '../support/http.js'

const then = new Date(Date.UTC(2024, 0, 1))
const before = new Date(0).toUTCString()
const spec: Spec = {
  ...writable,
  contentTypesProvided: { 'text/plain': () => 'hello' },
  generateEtag: '"a"',
  lastModified: then,
  rangesProvided: 'auto',
}

async function statusOf(site: Site, method: string, ...fields: readonly string[]): Promise<number> {
  const head = [`${method} / HTTP/1.1`, 'Host: a', 'Connection: close', ...fields].join('\r\n')
  return Number((await site.exchange(`${head}\r\n\r\n`)).slice(9, 12))
}

onBoth('A field that stands twice', () => {
  const rows: readonly (readonly [
    what: string,
    method: string,
    fields: readonly string[],
    status: number,
  ])[] = [
    ['One If-Modified-Since', 'GET', [`If-Modified-Since: ${then.toUTCString()}`], 304],
    [
      'Two are ignored (RFC 9110 13.1.3)',
      'GET',
      [`If-Modified-Since: ${then.toUTCString()}`, `If-Modified-Since: ${before}`],
      200,
    ],
    [
      'Two of the same, in any case of the name, are ignored too',
      'GET',
      [`If-Modified-Since: ${then.toUTCString()}`, `if-modified-since: ${then.toUTCString()}`],
      200,
    ],
    ['One If-Unmodified-Since', 'DELETE', [`If-Unmodified-Since: ${before}`], 412],
    [
      'Two are ignored (RFC 9110 13.1.4)',
      'DELETE',
      [`If-Unmodified-Since: ${before}`, `If-Unmodified-Since: ${before}`],
      204,
    ],
    ['Two If-None-Match are one list', 'GET', ['If-None-Match: "b"', 'If-None-Match: "a"'], 304],
    ['Two If-Match are one list', 'DELETE', ['If-Match: "b"', 'If-Match: "a"'], 204],
    ['Two If-Match that are none of its own', 'DELETE', ['If-Match: "b"', 'If-Match: "c"'], 412],
    ['Two Range are none: the whole', 'GET', ['Range: bytes=0-0', 'Range: bytes=1-1'], 200],
    [
      'Two If-Range are neither etag nor date: the whole',
      'GET',
      ['Range: bytes=0-0', 'If-Range: "a"', 'If-Range: "a"'],
      200,
    ],
    ['Two Accept are one list', 'GET', ['Accept: image/png', 'Accept: text/plain'], 200],
  ]
  for (const [what, method, fields, status] of rows) {
    it(`${what}: ${method} is ${status}`, () =>
      withSite(new Site(spec), async (site) => {
        expect(await statusOf(site, method, ...fields)).to.equal(status)
      }))
  }

  it('Middleware that has removed or replaced it is believed', async () => {
    for (const [value, status] of [
      [undefined, 200],
      [then.toUTCString(), 304],
    ] as const) {
      const replacing: RequestHandler = (req, _res, next) => {
        if (value === undefined) delete req.headers['if-modified-since']
        else req.headers['if-modified-since'] = value
        next()
      }
      await withSite(new Site(spec, { before: [replacing] }), async (site) => {
        expect(await statusOf(site, 'GET', `If-Modified-Since: ${before}`)).to.equal(status)
      })
    }
  })
})

describe('The lines of a field', () => {
  it('Of a request that a test tool made, with what it has', () => {
    const of = (headers: object, rawHeaders?: readonly string[]) =>
      linesOf({ headers, rawHeaders } as never, 'a')
    expect(of({})).to.deep.equal([])
    expect(of({ a: 'b' })).to.deep.equal(['b'])
    expect(of({ a: ['b', 'c'] })).to.deep.equal(['b', 'c'])
    expect(of({ a: 'b' }, ['A', 'b', 'x', 'a', 'a', 'c'])).to.deep.equal(['b', 'c'])
    expect(of({ a: 'b' }, [])).to.deep.equal(['b'])
    expect(of({}, ['a', 'b'])).to.deep.equal([])
  })

  it('An endpoint answers a request that has no raw headers', async () => {
    const req = Object.assign(new Readable({ read() {} }), {
      method: 'GET',
      url: '/',
      originalUrl: '/',
      httpVersion: '1.1',
      headers: { 'if-modified-since': then.toUTCString() },
      socket: {},
    })
    const status = await new Promise((resolve) => {
      const res = {
        req,
        statusCode: 200,
        hasHeader: () => false,
        getHeader: () => undefined,
        setHeader() {},
        removeHeader() {},
        end() {
          resolve(res.statusCode)
        },
      }
      resource(spec)(req as never, res as never, resolve)
    })
    expect(status).to.equal(304)
  })
})
