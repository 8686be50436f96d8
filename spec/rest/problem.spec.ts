import { STATUS_CODES } from 'node:http'
import { expect } from 'chai'
import { sse, stop } from '../../lib/index.js'
import { type Asked, asText, expectStatus, hello, onBoth, type Spec, writable } from '../support/http.js'

interface Case {
  readonly what: string
  readonly spec: Spec
  readonly asked?: Asked
  readonly status: number
  readonly detail?: string
  readonly offered?: readonly string[]
}

const nothing = (what: string) => `None of the ${what} that are provided is acceptable to the client.`

/** Every status of 400 and above that a decision comes to. */
const cases: readonly Case[] = [
  { what: 'unavailable', spec: { ...hello, serviceAvailable: false }, status: 503 },
  { what: 'an unknown method', spec: { ...hello, knownMethods: [] }, status: 501 },
  { what: 'a URI that is too long', spec: { ...hello, uriTooLong: true }, status: 414 },
  {
    what: 'a method that is not allowed',
    spec: { ...hello, allowedMethods: ['HEAD', 'OPTIONS'] },
    status: 405,
    detail: 'The method GET is not allowed here.',
    offered: ['HEAD', 'OPTIONS'],
  },
  { what: 'a malformed request', spec: { ...hello, malformedRequest: true }, status: 400 },
  { what: 'a challenge', spec: { ...hello, isAuthorized: 'Basic' }, status: 401 },
  { what: 'forbidden', spec: { ...hello, forbidden: true }, status: 403 },
  { what: 'a rate limit', spec: { ...hello, rateLimited: 1 }, status: 429 },
  { what: 'content headers', spec: { ...hello, validContentHeaders: false }, status: 501 },
  { what: 'a length', spec: { ...hello, validEntityLength: false }, status: 413 },
  {
    what: 'no media type',
    spec: { contentTypesProvided: { 'text/html': () => '', 'text/plain;a=b': () => '' } },
    asked: { headers: { accept: 'image/png' } },
    status: 406,
    detail: nothing('media types'),
    offered: ['text/html', 'text/plain;a=b'],
  },
  {
    what: 'no media type of a stream',
    spec: { contentTypesProvided: [sse()], subscribe: () => [] },
    asked: { headers: { accept: 'image/png' } },
    status: 406,
    detail: nothing('media types'),
    offered: ['text/event-stream'],
  },
  {
    what: 'no language',
    spec: { ...hello, languagesProvided: ['de', 'en'] },
    asked: { headers: { 'accept-language': 'fr' } },
    status: 406,
    detail: nothing('languages'),
    offered: ['de', 'en'],
  },
  {
    what: 'no charset',
    spec: { ...hello, charsetsProvided: ['utf-8'] },
    asked: { headers: { 'accept-charset': 'koi8-r' } },
    status: 406,
    detail: nothing('charsets'),
    offered: ['utf-8'],
  },
  {
    what: 'no coding',
    spec: { ...hello, encodingsProvided: ['gzip'] },
    asked: { headers: { 'accept-encoding': '*;q=0' } },
    status: 406,
    detail: nothing('codings'),
    offered: ['gzip'],
  },
  { what: 'a malformed If-Match', spec: hello, asked: { headers: { 'if-match': 'a' } }, status: 400 },
  {
    what: 'a malformed If-None-Match',
    spec: hello,
    asked: { headers: { 'if-none-match': 'a' } },
    status: 400,
  },
  { what: 'a lost If-Match', spec: hello, asked: { headers: { 'if-match': '"a"' } }, status: 412 },
  { what: 'missing', spec: { ...hello, resourceExists: false }, status: 404 },
  { what: 'gone', spec: { ...hello, resourceExists: false, previouslyExisted: true }, status: 410 },
  {
    what: 'a conflict',
    spec: { ...writable, isConflict: true },
    asked: { method: 'PUT', headers: asText },
    status: 409,
  },
  {
    what: 'a failed DELETE',
    spec: { ...writable, deleteResource: false },
    asked: { method: 'DELETE' },
    status: 500,
  },
  {
    what: 'a type that is not accepted',
    spec: { ...writable, contentTypesAccepted: { 'a/b': () => true, 'c/*': () => true } },
    asked: { method: 'POST', headers: asText },
    status: 415,
    detail: 'The media type of the request body is not accepted here.',
    offered: ['a/b', 'c/*'],
  },
  {
    what: 'a body that is not accepted',
    spec: { ...writable, contentTypesAccepted: { '*/*': () => false } },
    asked: { method: 'POST', headers: asText },
    status: 400,
  },
  {
    what: 'a range',
    spec: { ...hello, rangesProvided: 'auto' },
    asked: { headers: { range: 'bytes=9-' } },
    status: 416,
  },
]

onBoth('Every refusal is a problem (RFC 9457)', () => {
  for (const { what, spec, asked = {}, status, detail, offered } of cases) {
    it(`${status} by ${what} is a problem: type, title and status${detail ? ', detail' : ''}${offered ? ', offered' : ''}`, async () => {
      const answer = await expectStatus(spec, asked, status)
      expect(answer.headers['content-type']).to.equal('application/problem+json')
      expect(Number(answer.headers['content-length'])).to.equal(answer.body.length)
      expect(answer.json).to.deep.equal({
        type: 'about:blank',
        title: STATUS_CODES[status],
        status,
        ...(detail !== undefined && { detail }),
        ...(offered !== undefined && { offered }),
      })
      expect(answer.errors).to.deep.equal([])
      expect(answer.text).not.to.match(/\bat .*:\d+:\d+/)
    })
  }
})

describe('Problems (RFC 9457)', () => {
  for (const { what, spec, asked = {}, status } of cases) {
    if (asked.method || status === 416) continue
    it(`${status} by ${what} has no body for HEAD (RFC 9110 9.3.2)`, async () => {
      const isAllowed =
        spec.allowedMethods === undefined || (spec.allowedMethods as string[]).includes('HEAD')
      const answer = await expectStatus(
        spec,
        { ...asked, method: 'HEAD' },
        status === 405 && isAllowed ? 200 : status,
      )
      expect(answer.body).to.have.length(0)
      if (answer.status >= 400) expect(answer.headers['content-type']).to.equal('application/problem+json')
    })
  }

  it('A Content-Type that the resource has set does not call the problem something else', async () => {
    const spec: Spec = {
      ...hello,
      resourceExists: ({ res }) => {
        res.set('Content-Type', 'text/html')
        return false
      },
    }
    const answer = await expectStatus(spec, {}, 404)
    expect(answer.headers['content-type']).to.equal('application/problem+json')
  })

  describe('stop() with a status of 400 and above', () => {
    const stopping = (...given: Parameters<typeof stop>): Spec => ({
      ...hello,
      resourceExists: () => stop(...given),
    })

    it('Has a problem body with its detail', async () => {
      const answer = await expectStatus(stopping(422, { detail: 'No ISBN.' }), {}, 422)
      expect(answer.headers['content-type']).to.equal('application/problem+json')
      expect(answer.json).to.deep.equal({
        type: 'about:blank',
        title: 'Unprocessable Entity',
        status: 422,
        detail: 'No ISBN.',
      })
    })

    it('Has one without a detail too', async () => {
      const answer = await expectStatus(stopping(404), {}, 404)
      expect(answer.json).to.deep.equal({ type: 'about:blank', title: 'Not Found', status: 404 })
    })

    it('Has its headers', async () => {
      const answer = await expectStatus(stopping(429, { headers: { 'Retry-After': '3' } }), {}, 429)
      expect(answer.headers['retry-after']).to.equal('3')
      expect(answer.json).to.include({ status: 429 })
    })

    it('Has its own body instead, where it is given one', async () => {
      const answer = await expectStatus(stopping(404, { body: 'gone', detail: 'unused' }), {}, 404)
      expect(answer.text).to.equal('gone')
      expect(answer.headers['content-type']).to.equal('text/plain; charset=utf-8')
    })

    it('A status that nobody has a name for has a title', async () => {
      const answer = await expectStatus(stopping(499), {}, 499)
      expect(answer.json).to.have.property('title').that.is.a('string')
    })

    it('HEAD gets its head', async () => {
      const answer = await expectStatus(stopping(404, { detail: 'a' }), { method: 'HEAD' }, 404)
      expect(answer.body).to.have.length(0)
    })
  })
})
