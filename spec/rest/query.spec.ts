import { METHODS } from 'node:http'
import { expect } from 'chai'
import express, { type RequestHandler } from 'express'
import { acceptQuery } from '../../lib/http/accept-query.js'
import { parseMediaType } from '../../lib/http/media-type.js'
import { ndjson, resource, sse } from '../../lib/index.js'
import {
  type Asked,
  ask,
  expectError,
  expectStatus,
  onBoth,
  Site,
  type Spec,
  tableOf,
} from '../support/http.js'

const json = { 'content-type': 'application/json' }

/** A resource that is queried for its books, by title. */
const books: Spec = {
  allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'QUERY'],
  contentTypesProvided: { 'application/json': () => ['Dune', 'Emma'] },
  contentTypesAccepted: { 'application/json': async ({ json }) => ({ body: [await json()] }) },
}
const query = (body = '"Dune"', headers: Asked['headers'] = json): Asked => ({
  method: 'QUERY',
  headers,
  body,
})
const answering = (answer: unknown, spec: Spec = {}): Spec => ({
  ...books,
  ...spec,
  contentTypesAccepted: { '*/*': () => answer as true },
})

onBoth('QUERY (RFC 10008)', () => {
  before(function () {
    // the parser of an older Node refuses it with 400
    if (!METHODS.includes('QUERY')) this.skip()
  })

  describe('What it answers', () => {
    it('{ body } is the answer, 200, in the negotiated type', async () => {
      const answer = await expectStatus(books, query(), 200)
      expect(answer.json).to.deep.equal(['Dune'])
      expect(answer.headers).to.include({ 'content-type': 'application/json', vary: 'Accept' })
    })

    it('true is answered by the provider, as GET is: with its validators', async () => {
      const answer = await expectStatus(answering(true, { generateEtag: '"a"' }), query(), 200)
      expect(answer.json).to.deep.equal(['Dune', 'Emma'])
      expect(answer.headers.etag).to.equal('"a"')
      expect((await expectStatus(answering(true, { multipleChoices: true }), query(), 300)).json).to.be.an(
        'array',
      )
    })

    it('true with no provider is 200 without a body, as GET is', async () => {
      const { contentTypesProvided: _, ...spec } = answering(true)
      expect((await expectStatus(spec, query(), 200)).headers['content-length']).to.equal('0')
    })

    it('{ seeOther } is 303 with Location; false is 400', async () => {
      const answer = await expectStatus(answering({ seeOther: '/found/1' }), query(), 303)
      expect(answer.headers.location).to.equal('/found/1')
      await expectStatus(answering(false), query(), 400)
    })

    it('A format, or a list by once(), is a stream', async () => {
      const streamed: Spec = { subscribe: () => [1, 2] }
      for (const answer of [ndjson(), ndjson().once([1, 2])]) {
        const { text, headers } = await expectStatus(answering(answer, streamed), query(), 200)
        expect(text).to.equal('1\n2\n')
        expect(headers['content-type']).to.equal('application/x-ndjson')
      }
    })

    it('true where a format was negotiated is a stream, and so is a format from the provider', async () => {
      for (const contentTypesProvided of [[ndjson()], { 'application/x-ndjson': () => ndjson() }]) {
        const spec: Spec = { contentTypesProvided, subscribe: () => ['Dune'] }
        expect((await expectStatus(answering(true, spec), query(), 200)).text).to.equal('"Dune"\n')
      }
    })

    it('A stream keeps the type that was negotiated, if its provider chose the format', async () => {
      const contentTypesProvided = { 'application/vnd.books': () => ndjson() }
      const spec = answering(true, { contentTypesProvided, subscribe: () => [1] })
      const { headers } = await expectStatus(spec, query(), 200)
      expect(headers['content-type']).to.equal('application/vnd.books')
    })

    it('Is safe: { created } is an error that names the callback', () =>
      expectError(answering({ created: '/1' }), query(), "contentTypesAccepted['*/*'] answered"))

    it('A Location that a callback set creates nothing either', async () => {
      const contentTypesAccepted: Spec['contentTypesAccepted'] = {
        '*/*': ({ res }) => {
          res.setHeader('Location', '/a')
          return true
        },
      }
      await expectStatus({ ...books, contentTypesAccepted }, query(), 200)
    })

    it('Has no ranges, and promises none', async () => {
      const spec = answering(true, { rangesProvided: 'auto' })
      const answer = await expectStatus(spec, query('1', { ...json, range: 'bytes=0-1' }), 200)
      expect(answer.headers).not.to.have.property('accept-ranges')
      await expectStatus(spec, { headers: { range: 'bytes=0-1' } }, 206)
    })
  })

  describe('Its Content-Type', () => {
    it('Missing, it is 400, with or without a body, and whatever is accepted', async () => {
      for (const asked of [query('a', {}), { method: 'QUERY' }]) {
        expect((await expectStatus(answering(true), asked, 400)).json).to.include({
          detail: 'A QUERY needs a Content-Type.',
        })
      }
    })

    it('Not accepted, it is 415: Accept-Query lists what is, and so does the problem', async () => {
      const answer = await expectStatus(books, query('a', { 'content-type': 'text/csv' }), 415)
      expect(answer.headers['accept-query']).to.equal('application/json')
      expect(answer.headers).not.to.have.property('accept')
      expect(answer.json).to.deep.include({ offered: ['application/json'] })
    })
  })

  describe('Up to the preconditions it is as GET', () => {
    it('If-None-Match and If-Modified-Since are 304, If-Match is 412, before the query is run', async () => {
      const lastModified = new Date(Date.UTC(2024, 0, 1))
      const spec: Spec = {
        ...books,
        generateEtag: '"a"',
        lastModified,
        contentTypesAccepted: { '*/*': () => expect.fail('asked') },
      }
      for (const [field, value, status] of [
        ['if-none-match', '"a"', 304],
        ['if-modified-since', lastModified.toUTCString(), 304],
        ['if-match', '"b"', 412],
        ['if-unmodified-since', new Date(0).toUTCString(), 412],
      ] as const) {
        const answer = await expectStatus(spec, query('1', { ...json, [field]: value }), status)
        if (status === 304) expect(answer.headers).to.include({ etag: '"a"', vary: 'Accept' })
      }
    })

    it('Where a format was negotiated there is nothing to revalidate', async () => {
      const spec = answering(true, {
        contentTypesProvided: [sse()],
        subscribe: () => [1],
        generateEtag: '"a"',
      })
      const answer = await expectStatus(spec, query('1', { ...json, 'if-none-match': '"a"' }), 200)
      expect(answer.headers).not.to.have.property('etag')
    })

    it('A missing resource is 404, 410, 301 or 307, as for GET: nothing is accepted', async () => {
      const missing = { ...answering(true), resourceExists: false }
      await expectStatus(missing, query(), 404)
      const gone: Spec = { ...missing, previouslyExisted: true }
      await expectStatus(gone, query(), 410)
      await expectStatus({ ...gone, movedPermanently: '/a' }, query(), 301)
      await expectStatus({ ...gone, movedTemporarily: '/a' }, query(), 307)
    })

    it('406 comes before 415', () =>
      expectStatus(books, query('a', { 'content-type': 'text/csv', accept: 'text/csv' }), 406))
  })

  describe('Discovery', () => {
    it('OPTIONS answers Accept-Query where QUERY is allowed, and only there', async () => {
      const options = await expectStatus(books, { method: 'OPTIONS' }, 200)
      expect(options.headers).to.include({
        allow: 'GET, HEAD, OPTIONS, QUERY',
        'accept-query': 'application/json',
      })
      const { headers } = await expectStatus(
        { ...books, allowedMethods: ['OPTIONS', 'POST'] },
        { method: 'OPTIONS' },
        200,
      )
      expect(headers).not.to.have.property('accept-query')
    })

    it('contentTypesAccepted may be a function there, too; `options` has the last word', async () => {
      const spec: Spec = {
        ...books,
        contentTypesAccepted: async () => ({ 'text/x-sql; charset=utf-8': () => true }),
      }
      const { headers } = await expectStatus(spec, { method: 'OPTIONS' }, 200)
      expect(headers['accept-query']).to.equal('text/x-sql;charset="utf-8"')
      const own = await ask({ ...spec, options: { 'accept-query': 'a/b' } }, { method: 'OPTIONS' })
      expect(own.headers['accept-query']).to.equal('a/b')
    })

    it('Where it is not allowed it is 405, and where it is not known 501', async () => {
      expect((await expectStatus({}, query(), 405)).headers.allow).to.equal('GET, HEAD, OPTIONS')
      await expectStatus({ ...books, knownMethods: ['GET'] }, query(), 501)
    })
  })

  it('Comes through a table, a router and app.all', async () => {
    const endpoint = resource(books) as RequestHandler
    const mounts = [
      (app: express.Express) => app.use(tableOf({ '/a': books }) as RequestHandler),
      (app: express.Express) => app.all('/a', endpoint),
      (app: express.Express) => app.use('/a', endpoint),
    ]
    for (const mount of mounts) {
      const answer = await ask(new Site({ mount }), { ...query(), url: '/a' })
      expect([answer.status, answer.json]).to.deep.equal([200, ['Dune']])
    }
  })

  it('Reads what express.json() has read', async () => {
    const site = new Site(books, { before: [express.json({ strict: false }) as RequestHandler] })
    expect((await ask(site, query())).json).to.deep.equal(['Dune'])
  })

  it('fetch asks it, and gets a stream', async () => {
    const site = await new Site(answering(ndjson().once(['Dune']))).open()
    try {
      const response = await fetch(`http://127.0.0.1:${site.port}/`, {
        method: 'QUERY',
        headers: json,
        body: '1',
      })
      expect([response.status, await response.text()]).to.deep.equal([200, '"Dune"\n'])
    } finally {
      site.close()
    }
  })
})

describe('Accept-Query is a list of a structured field (RFC 10008 3, RFC 9651)', () => {
  const written = (...types: string[]) => acceptQuery(types.map((type) => parseMediaType(type)!))

  it('A type is a token, or a string if no token can be that; its parameters are parameters', () => {
    expect(written('application/json', 'text/*', '*/*')).to.equal('application/json, text/*, */*')
    expect(written('3gpp/a')).to.equal('"3gpp/a"')
    expect(written('Text/X-SQL; Charset=UTF-8')).to.equal('text/x-sql;charset="UTF-8"')
    expect(written('a/b; c="d\\"e\\\\"')).to.equal('a/b;c="d\\"e\\\\"')
  })

  it('A boundary is the sender’s; a parameter that cannot be said leaves its type out', () => {
    expect(written('multipart/form-data; boundary=a')).to.equal('multipart/form-data')
    expect(written('a/b; c=\u00e9', 'a/b; 1=c', 'c/d')).to.equal('c/d')
  })
})
