import { expect } from 'chai'
import { sse } from '../../lib/index.js'
import { asText, expectStatus, type Spec, writable } from '../support/http.js'

const then = new Date(Date.UTC(2024, 1, 29, 12, 0, 0))
const at = (seconds: number) => new Date(then.getTime() + seconds * 1000).toUTCString()
const tagged: Spec = { ...writable, generateEtag: '"a"', lastModified: then }

type Case = readonly [method: string, headers: Record<string, string>, status: number, why: string]

function cases(spec: Spec, all: readonly Case[]): void {
  for (const [method, headers, status, why] of all) {
    const fields = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', ')
    it(`${method} with ${fields} is ${status}: ${why}`, async () => {
      const answer = await expectStatus(spec, { method, headers: { ...asText, ...headers } }, status)
      expect(answer.errors).to.deep.equal([])
    })
  }
}

describe('Preconditions', () => {
  describe('If-Match (RFC 9110 13.1.1)', () => {
    cases(tagged, [
      ['GET', { 'if-match': '*' }, 200, 'there is something'],
      ['GET', { 'if-match': '"a"' }, 200, 'it matches'],
      ['GET', { 'if-match': '"b", "a"' }, 200, 'one of the list matches'],
      ['GET', { 'if-match': '"b","a"' }, 200, 'no blank is needed'],
      ['GET', { 'if-match': ', "a" ,, ' }, 200, 'empty members of a list are skipped (5.6.1)'],
      ['GET', { 'if-match': '"b"' }, 412, 'it is lost'],
      ['HEAD', { 'if-match': '"b"' }, 412, 'HEAD too'],
      ['PUT', { 'if-match': '"b"' }, 412, 'PUT too'],
      ['POST', { 'if-match': '"b"' }, 412, 'POST too'],
      ['PATCH', { 'if-match': '"b"' }, 412, 'PATCH too'],
      ['DELETE', { 'if-match': '"b"' }, 412, 'DELETE too'],
      ['DELETE', { 'if-match': '"a"' }, 204, 'it matches'],
      ['GET', { 'if-match': 'W/"a"' }, 412, 'the match must be strong (8.8.3.2)'],
      ['GET', { 'if-match': '"A"' }, 412, 'entity tags are case-sensitive'],
      ['GET', { 'if-match': '"*"' }, 412, 'that is a tag, no asterisk'],
      ['GET', { 'if-match': '' }, 412, 'none of an empty list matches'],
      ['GET', { 'if-match': 'a' }, 400, 'malformed'],
      ['GET', { 'if-match': '"a' }, 400, 'malformed'],
      ['GET', { 'if-match': '"a" "b"' }, 400, 'malformed'],
      ['GET', { 'if-match': '*, "a"' }, 400, 'malformed'],
      ['GET', { 'if-match': 'w/"a"' }, 400, 'W/ is case-sensitive: malformed'],
      ['GET', { 'if-match': '"a b"' }, 400, 'a blank is in no entity tag: malformed'],
    ])

    it('A weak etag of its own never matches strongly: 412', async () => {
      const spec: Spec = { ...tagged, generateEtag: 'W/"a"' }
      await expectStatus(spec, { headers: { 'if-match': 'W/"a"' } }, 412)
      await expectStatus(spec, { headers: { 'if-match': '"a"' } }, 412)
    })

    it('Where no etag is known a list is lost and * passes', async () => {
      await expectStatus(writable, { headers: { 'if-match': '"a"' } }, 412)
      await expectStatus(writable, { headers: { 'if-match': '*' } }, 200)
    })

    it('Where it passes by *, no etag is asked for', async () => {
      const generateEtag = () => {
        throw new Error('asked')
      }
      await expectStatus(
        { ...writable, generateEtag },
        { method: 'DELETE', headers: { 'if-match': '*' } },
        204,
      )
    })
  })

  describe('If-Unmodified-Since (RFC 9110 13.1.4)', () => {
    cases(tagged, [
      ['GET', { 'if-unmodified-since': at(0) }, 200, 'not modified since'],
      ['GET', { 'if-unmodified-since': at(1) }, 200, 'not modified since'],
      ['GET', { 'if-unmodified-since': at(-1) }, 412, 'modified later'],
      ['PUT', { 'if-unmodified-since': at(-1) }, 412, 'PUT too'],
      ['DELETE', { 'if-unmodified-since': at(-1) }, 412, 'DELETE too'],
      ['GET', { 'if-unmodified-since': at(-1), 'if-match': '"a"' }, 200, 'only without If-Match'],
      ['GET', { 'if-unmodified-since': at(-1), 'if-match': '*' }, 200, 'only without If-Match'],
      ['GET', { 'if-unmodified-since': 'garbage' }, 200, 'an invalid date is ignored'],
      ['GET', { 'if-unmodified-since': '2020-01-01T00:00:00Z' }, 200, 'Date.parse would take it'],
      ['GET', { 'if-unmodified-since': '0' }, 200, 'Date.parse would take it'],
    ])

    it('Where no date is known it passes', () =>
      expectStatus(writable, { headers: { 'if-unmodified-since': at(-1) } }, 200))

    it('Dates are compared in whole seconds', async () => {
      const spec: Spec = { ...writable, lastModified: new Date(then.getTime() + 999) }
      await expectStatus(spec, { headers: { 'if-unmodified-since': at(0) } }, 200)
    })
  })

  describe('If-None-Match (RFC 9110 13.1.2)', () => {
    cases(tagged, [
      ['GET', { 'if-none-match': '"a"' }, 304, 'it matches'],
      ['HEAD', { 'if-none-match': '"a"' }, 304, 'it matches'],
      ['GET', { 'if-none-match': 'W/"a"' }, 304, 'a weak match will do'],
      ['GET', { 'if-none-match': '"b", W/"a"' }, 304, 'one of the list matches'],
      ['GET', { 'if-none-match': '*' }, 304, 'there is something'],
      ['HEAD', { 'if-none-match': '*' }, 304, 'there is something'],
      ['PUT', { 'if-none-match': '"a"' }, 412, 'for other methods'],
      ['POST', { 'if-none-match': '"a"' }, 412, 'for other methods'],
      ['PATCH', { 'if-none-match': 'W/"a"' }, 412, 'for other methods'],
      ['DELETE', { 'if-none-match': '"a"' }, 412, 'for other methods'],
      ['PUT', { 'if-none-match': '*' }, 412, 'for other methods'],
      ['GET', { 'if-none-match': '"b"' }, 200, 'no match'],
      ['DELETE', { 'if-none-match': '"b"' }, 204, 'no match'],
      ['GET', { 'if-none-match': '"A"' }, 200, 'entity tags are case-sensitive'],
      ['GET', { 'if-none-match': '' }, 200, 'none of an empty list matches'],
      ['GET', { 'if-none-match': 'a' }, 400, 'malformed'],
      ['PUT', { 'if-none-match': '"a", b' }, 400, 'malformed'],
      ['GET', { 'if-none-match': '*,*' }, 400, 'malformed'],
    ])

    it('A weak etag of its own matches a strong one and a weak one', async () => {
      const spec: Spec = { ...writable, generateEtag: 'W/"a"' }
      await expectStatus(spec, { headers: { 'if-none-match': '"a"' } }, 304)
      await expectStatus(spec, { headers: { 'if-none-match': 'W/"a"' } }, 304)
    })

    it('No etag known: no match, go on (Cowboy says 412)', async () => {
      await expectStatus(writable, { headers: { 'if-none-match': '"a"' } }, 200)
      await expectStatus(writable, { method: 'PUT', headers: { ...asText, 'if-none-match': '"a"' } }, 204)
      const generateEtag = async () => undefined
      await expectStatus({ ...writable, generateEtag }, { headers: { 'if-none-match': '"a"' } }, 200)
    })

    it('No etag known, * matches what is there', async () => {
      await expectStatus(writable, { headers: { 'if-none-match': '*' } }, 304)
      await expectStatus(writable, { method: 'PUT', headers: { ...asText, 'if-none-match': '*' } }, 412)
    })

    it('Several fields are one list', () =>
      expectStatus(tagged, { headers: { 'if-none-match': ['"b"', '"a"'] } }, 304))
  })

  describe('If-Modified-Since (RFC 9110 13.1.3)', () => {
    cases(tagged, [
      ['GET', { 'if-modified-since': at(0) }, 304, 'not modified since'],
      ['HEAD', { 'if-modified-since': at(0) }, 304, 'not modified since'],
      ['GET', { 'if-modified-since': at(1) }, 304, 'not modified since'],
      ['GET', { 'if-modified-since': at(-1) }, 200, 'modified since'],
      ['GET', { 'if-modified-since': at(3e9) }, 304, 'a date in the future is not ignored'],
      ['GET', { 'if-modified-since': at(0), 'if-none-match': '"b"' }, 200, 'only without If-None-Match'],
      ['GET', { 'if-modified-since': at(0), 'if-none-match': '' }, 200, 'only without If-None-Match'],
      ['PUT', { 'if-modified-since': at(0) }, 204, 'only for GET and HEAD'],
      ['DELETE', { 'if-modified-since': at(0) }, 204, 'only for GET and HEAD'],
      ['POST', { 'if-modified-since': at(0) }, 204, 'only for GET and HEAD'],
      ['GET', { 'if-modified-since': 'garbage' }, 200, 'an invalid date is ignored'],
      ['GET', { 'if-modified-since': '2999-01-01' }, 200, 'Date.parse would take it'],
      ['GET', { 'if-modified-since': at(0).replace('GMT', 'UTC') }, 200, 'Date.parse would take it'],
      ['GET', { 'if-modified-since': at(0).replace('GMT', '+0000') }, 200, 'Date.parse would take it'],
      ['GET', { 'if-modified-since': at(0).toLowerCase() }, 200, 'an HTTP-date is case-sensitive'],
      ['GET', { 'if-modified-since': 'Thursday, 29-Feb-24 12:00:00 GMT' }, 304, 'the form of RFC 850'],
      ['GET', { 'if-modified-since': 'Thu Feb 29 12:00:00 2024' }, 304, 'the form of asctime'],
      ['GET', { 'if-modified-since': 'Thu Feb 29 11:59:59 2024' }, 200, 'the form of asctime'],
    ])

    it('Where no date is known it is 200', () =>
      expectStatus(writable, { headers: { 'if-modified-since': at(0) } }, 200))

    it('Dates are compared in whole seconds', async () => {
      const spec: Spec = { ...writable, lastModified: new Date(then.getTime() + 999) }
      await expectStatus(spec, { headers: { 'if-modified-since': at(0) } }, 304)
    })

    it('The epoch is a date', async () => {
      const spec: Spec = { ...writable, lastModified: new Date(0) }
      const answer = await expectStatus(spec, {}, 200)
      expect(answer.headers['last-modified']).to.equal('Thu, 01 Jan 1970 00:00:00 GMT')
      await expectStatus(spec, { headers: { 'if-modified-since': new Date(0).toUTCString() } }, 304)
    })
  })

  describe('Their order (RFC 9110 13.2.2)', () => {
    cases(tagged, [
      ['GET', { 'if-match': '"b"', 'if-none-match': '"a"' }, 412, 'If-Match comes first'],
      ['GET', { 'if-match': '"a"', 'if-none-match': '"a"' }, 304, 'then If-None-Match'],
      [
        'GET',
        { 'if-match': 'a', 'if-none-match': '"a"' },
        400,
        'a malformed one comes before those after it',
      ],
      ['GET', { 'if-match': '"b"', 'if-none-match': 'a' }, 412, 'a lost one before a malformed one after it'],
      ['GET', { 'if-unmodified-since': at(-1), 'if-none-match': '"a"' }, 412, 'before If-None-Match'],
      ['GET', { 'if-unmodified-since': at(0), 'if-modified-since': at(0) }, 304, 'then If-Modified-Since'],
    ])
  })

  describe('304', () => {
    const full: Spec = {
      ...tagged,
      expires: then,
      languagesProvided: ['en'],
      variances: ['Cookie'],
      rangesProvided: 'auto',
      init: ({ res }) => {
        res.set('Cache-Control', 'max-age=60')
        return undefined
      },
    }
    for (const headers of [
      { 'if-none-match': '"a"' },
      { 'if-none-match': '*' },
      { 'if-modified-since': at(0) },
    ]) {
      it(`Carries ETag, Last-Modified, Expires, Cache-Control and Vary (RFC 9110 15.4.5), by ${Object.keys(headers)}`, async () => {
        const answer = await expectStatus(full, { headers }, 304)
        expect(answer.headers).to.include({
          etag: '"a"',
          'last-modified': then.toUTCString(),
          expires: then.toUTCString(),
          'cache-control': 'max-age=60',
        })
        expect(answer.vary).to.deep.equal(['Accept', 'Accept-Language', 'Cookie'])
      })

      it(`Has no Content-Type, no Content-Length and no body, by ${Object.keys(headers)}`, async () => {
        const answer = await expectStatus(full, { headers }, 304)
        expect(answer.headers).not.to.have.any.keys('content-type', 'content-length', 'transfer-encoding')
        expect(answer.body).to.have.length(0)
      })
    }

    it('Has no Content-Type even if the resource set one', async () => {
      const spec: Spec = {
        ...tagged,
        init: ({ res }) => {
          res.set('Content-Type', 'text/html')
          return undefined
        },
      }
      const answer = await expectStatus(spec, { headers: { 'if-none-match': '"a"' } }, 304)
      expect(answer.headers).not.to.have.property('content-type')
    })

    it('Calls no provider', async () => {
      let calls = 0
      const spec: Spec = {
        ...tagged,
        contentTypesProvided: {
          'text/plain': () => {
            calls += 1
            return 'hello'
          },
        },
      }
      await expectStatus(spec, { headers: { 'if-none-match': '"a"' } }, 304)
      expect(calls).to.equal(0)
    })

    it('Is Last-Modified without its fraction of a second', async () => {
      const spec: Spec = { ...writable, lastModified: () => new Date(then.getTime() + 999) }
      const answer = await expectStatus(spec, { headers: { 'if-modified-since': at(0) } }, 304)
      expect(answer.headers['last-modified']).to.equal(then.toUTCString())
    })

    it('Is not made by Express where the graph says 200', async () => {
      const spec: Spec = {
        ...writable,
        init: ({ res }) => {
          res.set('ETag', '"set"')
          return undefined
        },
      }
      await expectStatus(spec, { headers: { 'if-none-match': '"set"' } }, 200)
    })
  })

  describe('Where a format was negotiated there is nothing to revalidate', () => {
    const stream: Spec = {
      ...writable,
      contentTypesProvided: [sse()],
      subscribe: () => [],
      generateEtag: '"a"',
      lastModified: then,
      expires: then,
      multipleChoices: () => {
        throw new Error('asked')
      },
    }
    cases(stream, [
      ['GET', { 'if-none-match': '"a"' }, 200, 'skipped'],
      ['HEAD', { 'if-none-match': '"a"' }, 200, 'skipped'],
      ['GET', { 'if-none-match': '*' }, 200, 'skipped'],
      ['GET', { 'if-none-match': 'garbage' }, 200, 'skipped'],
      ['GET', { 'if-modified-since': at(0) }, 200, 'skipped'],
      ['HEAD', { 'if-modified-since': at(0) }, 200, 'skipped'],
      ['GET', { 'if-match': '"b"' }, 412, 'that is no revalidation'],
      ['GET', { 'if-match': 'b' }, 400, 'that is no revalidation'],
      ['GET', { 'if-unmodified-since': at(-1) }, 412, 'that is no revalidation'],
      ['PUT', { 'if-none-match': '"a"' }, 412, 'only GET and HEAD stream'],
      ['PUT', { 'if-none-match': '*' }, 412, 'only GET and HEAD stream'],
    ])

    for (const method of ['GET', 'HEAD']) {
      it(`ETag, Last-Modified and Expires are not sent, nor multipleChoices asked: ${method}`, async () => {
        const answer = await expectStatus(stream, { method }, 200)
        expect(answer.headers).not.to.have.any.keys('etag', 'last-modified', 'expires')
        expect(answer.headers['content-type']).to.equal('text/event-stream')
      })

      it(`A format that a provider returns later clears them, and what the resource set: ${method}`, async () => {
        const spec: Spec = {
          ...stream,
          contentTypesProvided: {
            'text/event-stream': ({ res }) => {
              res.set({ ETag: '"own"', 'Last-Modified': at(0), Expires: at(0) })
              return sse()
            },
          },
        }
        const answer = await expectStatus(spec, { method }, 200)
        expect(answer.headers).not.to.have.any.keys('etag', 'last-modified', 'expires')
      })
    }
  })
})
