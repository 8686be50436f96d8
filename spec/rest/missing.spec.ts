import { expect } from 'chai'
import { cases } from '../support/cases.js'
import { type Asked, ask, asText, expectStatus, type Spec, writable } from '../support/http.js'

const missing: Spec = { ...writable, resourceExists: false }
const gone: Spec = { ...missing, previouslyExisted: true }
const post: Asked = { method: 'POST', headers: asText, body: 'a' }
const put: Asked = { ...post, method: 'PUT' }
const withIfMatch = (asked: Asked, value = '*'): Asked => ({
  ...asked,
  headers: { ...asked.headers, 'if-match': value },
})
const created = { contentTypesAccepted: { 'text/plain': () => ({ created: '/new' }) } }

describe('Missing resources', () => {
  describe('resourceExists', () => {
    for (const value of [false, () => false, async () => false] as const) {
      it(`${String(value)} is 404`, () => expectStatus({ ...writable, resourceExists: value }, {}, 404))
    }
    it('true, in each way, is 200', async () => {
      for (const value of [true, () => true, async () => true]) {
        await expectStatus({ ...writable, resourceExists: value }, {}, 200)
      }
    })
    it('A 404 has no validators, and still Vary', async () => {
      const spec: Spec = { ...missing, generateEtag: '"a"', lastModified: new Date(0), expires: new Date(0) }
      const answer = await expectStatus(spec, {}, 404)
      expect(answer.headers).not.to.have.any.keys('etag', 'last-modified', 'expires')
      expect(answer.vary).to.deep.equal(['Accept'])
    })
  })

  describe('PUT', () => {
    it('To a missing resource that is accepted is 201 (RFC 9110 9.3.4)', () =>
      expectStatus(missing, put, 201))

    it('To one that moved for good is 301 with Location', async () => {
      const answer = await expectStatus({ ...missing, movedPermanently: '/there' }, put, 301)
      expect(answer.headers.location).to.equal('/there')
      expect(answer.headers).not.to.have.property('content-type')
    })

    it('Moved for good comes before If-Match: 301, not 412 (RFC 9110 13.2.1)', () =>
      expectStatus({ ...missing, movedPermanently: '/there' }, withIfMatch(put), 301))

    cases(
      'With If-Match, whatever is in it, is 412: what is missing matches nothing',
      ['*', '"a"', '"a", W/"b"', 'garbage', ''],
      (value) => `With If-Match of '${value}' is 412: what is missing matches nothing`,
      async (value) => {
        let isAsked = false
        const isConflict = () => {
          isAsked = true
          return false
        }
        await expectStatus({ ...missing, isConflict }, withIfMatch(put, value), 412)
        expect(isAsked).to.equal(false)
      },
    )

    it('With If-None-Match of * creates: that is what it is for (RFC 9110 13.1.2)', () =>
      expectStatus(missing, { ...put, headers: { ...asText, 'if-none-match': '*' } }, 201))

    it('A conflict is 409, in each way', async () => {
      for (const isConflict of [true, () => true, async () => true]) {
        await expectStatus({ ...missing, isConflict }, put, 409)
      }
    })

    it('A type that is not accepted is 415, after the conflict', async () => {
      const asked = { ...put, headers: { 'content-type': 'image/png' } }
      await expectStatus(missing, asked, 415)
      await expectStatus({ ...missing, isConflict: true }, asked, 409)
    })

    it('Does not ask previouslyExisted, movedTemporarily or allowMissingPost', async () => {
      const fail = () => {
        throw new Error('asked')
      }
      const spec = { ...missing, previouslyExisted: fail, movedTemporarily: fail, allowMissingPost: fail }
      await expectStatus(spec, put, 201)
    })
  })

  describe('previouslyExisted: no', () => {
    cases(
      'A method that creates nothing is 404',
      ['GET', 'HEAD', 'DELETE', 'PATCH'],
      (method) => `${method} is 404`,
      (method) => expectStatus(missing, { method, headers: asText }, 404),
    )

    it('POST is accepted by default', () => expectStatus({ ...missing, ...created }, post, 201))

    it('POST is 404 where allowMissingPost is false, in each way', async () => {
      for (const allowMissingPost of [false, () => false, async () => false]) {
        await expectStatus({ ...missing, allowMissingPost }, post, 404)
      }
    })

    it('POST with If-Match is 412: what is missing matches nothing', async () => {
      await expectStatus(missing, withIfMatch(post), 412)
      await expectStatus(missing, withIfMatch(post, '"a"'), 412)
    })

    it('POST with If-Match that would be refused anyway is 404 (RFC 9110 13.2.1)', () =>
      expectStatus({ ...missing, allowMissingPost: false }, withIfMatch(post), 404))

    it('POST asks no isConflict: that is for PUT', () =>
      expectStatus({ ...missing, ...created, isConflict: true }, post, 201))

    it('Does not ask where it has moved to', async () => {
      const moved: Spec = { ...missing, movedPermanently: '/there', movedTemporarily: '/here' }
      await expectStatus(moved, {}, 404)
      await expectStatus({ ...moved, ...created }, post, 201)
    })
  })

  describe('previouslyExisted: yes', () => {
    cases(
      'A method that creates nothing is 410',
      ['GET', 'HEAD', 'DELETE', 'PATCH'],
      (method) => `${method} is 410`,
      (method) => expectStatus(gone, { method, headers: asText }, 410),
    )

    it('Counts in each way', async () => {
      for (const previouslyExisted of [() => true, async () => true]) {
        await expectStatus({ ...missing, previouslyExisted }, {}, 410)
      }
    })

    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PATCH']) {
      it(`${method} is 301 with Location where it moved for good`, async () => {
        const spec: Spec = { ...gone, movedPermanently: '/there', movedTemporarily: '/here' }
        const answer = await expectStatus(spec, { method, headers: asText }, 301)
        expect(answer.headers.location).to.equal('/there')
      })

      it(`${method} is 307 with Location where it moved for now`, async () => {
        const answer = await expectStatus(
          { ...gone, movedTemporarily: '/here' },
          { method, headers: asText },
          307,
        )
        expect(answer.headers.location).to.equal('/here')
      })
    }

    it('POST is accepted by default', () => expectStatus({ ...gone, ...created }, post, 201))

    it('POST is 410 where allowMissingPost is false', () =>
      expectStatus({ ...gone, allowMissingPost: false }, post, 410))

    it('POST with If-Match is 412, but 410 where it would be refused anyway (RFC 9110 13.2.1)', async () => {
      await expectStatus(gone, withIfMatch(post), 412)
      await expectStatus({ ...gone, allowMissingPost: false }, withIfMatch(post), 410)
    })
  })

  describe('Location', () => {
    for (const [what, value, field] of [
      ['a URL', new URL('http://example.com/a b'), 'http://example.com/a%20b'],
      ['a relative URI', '../a?b=c#d', '../a?b=c#d'],
      ['text that is no URI, encoded', '/a b\r\nX: y/é', '/a%20b%0D%0AX:%20y/%C3%A9'],
      ['what is encoded already, as it is', '/%C3%A9', '/%C3%A9'],
    ] as const) {
      it(`May be ${what}`, async () => {
        for (const moved of [{ movedPermanently: () => value }, { movedTemporarily: async () => value }]) {
          const answer = await ask({ ...gone, ...moved })
          expect(answer.headers.location).to.equal(field)
          expect(answer.headers).not.to.have.property('x')
        }
      })
    }
  })

  describe('Preconditions of what is missing are ignored where there is no success (RFC 9110 13.2.1)', () => {
    const conditions = {
      'if-match': ['*', '"a"', 'garbage'],
      'if-none-match': ['*', '"a"', 'garbage'],
      'if-modified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'garbage'],
      'if-unmodified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'garbage'],
    }
    for (const [name, values] of Object.entries(conditions)) {
      for (const value of values) {
        it(`GET with ${name}: ${value} is 404`, () =>
          expectStatus({ ...missing, generateEtag: '"a"' }, { headers: { [name]: value } }, 404))
      }
    }
    it('DELETE with If-Match is 404', () => expectStatus(missing, withIfMatch({ method: 'DELETE' }), 404))
  })
})
