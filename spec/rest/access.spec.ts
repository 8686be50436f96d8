import { METHODS } from 'node:http'
import { expect } from 'chai'
import type { CallbackName } from '../../lib/declare/callbacks.js'
import { cases } from '../support/cases.js'
import { type Asked, ask, expectStatus, hello, type Spec, writable } from '../support/http.js'

interface Check {
  readonly callback: CallbackName
  /** What is refused, and the fields that say so. */
  readonly refusal: unknown
  readonly status: number
  readonly fields?: Readonly<Record<string, string>>
  readonly asked?: Asked
}

/** Older parsers of Node refuse a QUERY with 400. */
const queries = METHODS.filter((method) => method === 'QUERY')

const date = new Date(Date.UTC(2030, 0, 2, 3, 4, 5))
const epoch = new Date(0)

/** Section 2 of the semantics: each check, in its order. */
const checks: readonly Check[] = [
  { callback: 'serviceAvailable', refusal: false, status: 503 },
  { callback: 'knownMethods', refusal: ['POST'], status: 501 },
  { callback: 'uriTooLong', refusal: true, status: 414 },
  { callback: 'allowedMethods', refusal: ['POST'], status: 405, fields: { allow: 'POST' } },
  { callback: 'malformedRequest', refusal: true, status: 400 },
  {
    callback: 'isAuthorized',
    refusal: 'Basic realm="a"',
    status: 401,
    fields: { 'www-authenticate': 'Basic realm="a"' },
  },
  { callback: 'forbidden', refusal: true, status: 403 },
  { callback: 'rateLimited', refusal: 7, status: 429, fields: { 'retry-after': '7' } },
  { callback: 'validContentHeaders', refusal: false, status: 501 },
  { callback: 'validEntityLength', refusal: false, status: 413 },
]

const passing: Readonly<Record<string, unknown>> = {
  serviceAvailable: true,
  knownMethods: ['GET'],
  uriTooLong: false,
  allowedMethods: ['GET'],
  malformedRequest: false,
  isAuthorized: true,
  forbidden: false,
  rateLimited: false,
  validContentHeaders: true,
  validEntityLength: true,
}

describe('Checks', () => {
  describe('Each check', () => {
    for (const { callback, refusal, status, fields = {} } of checks) {
      const kinds: Readonly<Record<string, unknown>> = {
        // a constant allowedMethods has to fit the rest of the spec: that is for declare.spec.ts
        ...(callback !== 'allowedMethods' && { 'as a constant': refusal }),
        'as a function': () => refusal,
        'as an async function': async () => refusal,
      }
      for (const [kind, value] of Object.entries(kinds)) {
        it(`${callback}, ${kind}, that refuses is ${status}`, async () => {
          const answer = await expectStatus({ ...hello, [callback]: value } as Spec, {}, status)
          expect(answer.headers).to.include(fields)
          expect(answer.errors).to.deep.equal([])
        })
      }

      it(`${callback} that passes, in each way, is 200`, async () => {
        for (const value of [() => passing[callback], async () => passing[callback], passing[callback]]) {
          await expectStatus({ ...hello, [callback]: value } as Spec, {}, 200)
        }
      })
    }

    it('Absent, they all pass', () => expectStatus(hello, {}, 200))
  })

  describe('Their order', () => {
    checks.forEach(({ callback, status }, index) => {
      it(`${callback} answers before all that follow, and after all before it`, async () => {
        const asked: string[] = []
        const note = (name: string, value: unknown) => () => {
          asked.push(name)
          return value
        }
        const spec = Object.fromEntries(
          checks.map((each, at) => [
            each.callback,
            note(each.callback, at < index ? passing[each.callback] : each.refusal),
          ]),
        )
        await expectStatus({ ...hello, ...spec } as Spec, {}, status)
        expect(asked).to.deep.equal(checks.slice(0, index + 1).map((each) => each.callback))
      })
    })

    it('401 hides 406', () =>
      expectStatus({ ...hello, isAuthorized: 'Basic' }, { headers: { accept: 'image/png' } }, 401))

    it('413 comes before OPTIONS is answered', () =>
      expectStatus({ ...hello, validEntityLength: false }, { method: 'OPTIONS' }, 413))

    it('All checks come before negotiation, and negotiation before resourceExists', async () => {
      const spec: Spec = { ...hello, validEntityLength: false, resourceExists: false }
      await expectStatus(spec, { headers: { accept: 'image/png' } }, 413)
      await expectStatus({ ...hello, resourceExists: false }, { headers: { accept: 'image/png' } }, 406)
    })
  })

  describe('serviceAvailable', () => {
    const retries: readonly (readonly [string, number | Date | false, string | undefined])[] = [
      ['seconds', 120, '120'],
      ['0 seconds: a falsy value is a value', 0, '0'],
      ['a part of a second, rounded up', 0.2, '1'],
      ['a Date', date, 'Wed, 02 Jan 2030 03:04:05 GMT'],
      ['the epoch', epoch, 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ['false: no Retry-After', false, undefined],
    ]
    cases(
      '503 with Retry-After (RFC 9110 10.2.3)',
      retries,
      ([what]) => `503 with Retry-After of ${what} (RFC 9110 10.2.3)`,
      async ([, value, field]) => {
        for (const serviceAvailable of [value, () => value]) {
          const answer = await expectStatus({ ...hello, serviceAvailable }, {}, 503)
          expect(answer.headers['retry-after']).to.equal(field)
        }
      },
    )
  })

  describe('rateLimited', () => {
    const retries: readonly (readonly [string, number | Date, string])[] = [
      ['seconds', 120, '120'],
      ['0 seconds: a falsy value is a value', 0, '0'],
      ['a Date', date, 'Wed, 02 Jan 2030 03:04:05 GMT'],
      ['the epoch', epoch, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ]
    cases(
      '429 with Retry-After (RFC 6585 4)',
      retries,
      ([what]) => `429 with Retry-After of ${what} (RFC 6585 4)`,
      async ([, value, field]) => {
        const answer = await expectStatus({ ...hello, rateLimited: () => value }, {}, 429)
        expect(answer.headers['retry-after']).to.equal(field)
      },
    )

    it('Comes after isAuthorized, so that limits can be per user', async () => {
      const spec = { ...hello, isAuthorized: () => 'Basic', rateLimited: () => 1 }
      expect((await expectStatus(spec, {}, 401)).headers).not.to.have.property('retry-after')
    })
  })

  describe('knownMethods', () => {
    cases(
      'The methods of RFC 9110, PATCH and QUERY are known by default',
      ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', ...queries],
      (method) => `${method} is known by default`,
      async (method) => {
        const { status } = await ask({ ...hello, allowedMethods: () => ['LOCK'] }, { method })
        expect(status).to.equal(405)
      },
    )

    cases(
      'Other methods are unknown by default: 501',
      ['TRACE', 'PROPFIND', 'LOCK', 'REPORT'],
      (method) => `${method} is not known by default: 501`,
      (method) => expectStatus({ ...hello, allowedMethods: () => [method] }, { method }, 501),
    )

    it('A known method that is not allowed is 405, not 501', () =>
      expectStatus({ ...hello, knownMethods: ['GET', 'LOCK'] }, { method: 'LOCK' }, 405))

    it('Methods are case-sensitive (RFC 9110 9.1)', () =>
      expectStatus({ ...hello, knownMethods: () => ['get'] }, {}, 501))
  })

  describe('allowedMethods', () => {
    cases(
      'GET, HEAD and OPTIONS are allowed by default',
      ['GET', 'HEAD', 'OPTIONS'],
      (method) => `${method} is allowed by default`,
      (method) => expectStatus(hello, { method }, 200),
    )

    cases(
      'Other methods are not allowed by default: 405 with Allow (RFC 9110 15.5.6)',
      ['POST', 'PUT', 'PATCH', 'DELETE'],
      (method) => `${method} is not allowed by default: 405 with Allow (RFC 9110 15.5.6)`,
      async (method) => {
        const answer = await expectStatus(hello, { method }, 405)
        expect(answer.headers.allow).to.equal('GET, HEAD, OPTIONS')
      },
    )

    it('HEAD is allowed exactly when it is listed', async () => {
      await expectStatus({ ...hello, allowedMethods: ['GET'] }, { method: 'HEAD' }, 405)
      await expectStatus({ ...hello, allowedMethods: ['GET', 'HEAD'] }, { method: 'HEAD' }, 200)
      await expectStatus({ ...hello, allowedMethods: ['HEAD'] }, { method: 'GET' }, 405)
    })

    it('Is case-sensitive (RFC 9110 9.1)', async () => {
      const answer = await expectStatus({ ...hello, allowedMethods: () => ['get', 'Get'] }, {}, 405)
      expect(answer.headers.allow).to.equal('get, Get')
    })

    it('May be empty: then no method is allowed (RFC 9110 10.2.1)', async () => {
      for (const allowedMethods of [[], () => []]) {
        const answer = await expectStatus({ allowedMethods }, {}, 405)
        expect(answer.headers.allow).to.equal('')
      }
    })

    it('Names its methods in the order of the resource', async () => {
      const answer = await expectStatus({ ...hello, allowedMethods: ['OPTIONS', 'HEAD'] }, {}, 405)
      expect(answer.headers.allow).to.equal('OPTIONS, HEAD')
    })
  })

  describe('isAuthorized', () => {
    it('Several challenges are a field each (RFC 9110 11.6.1)', async () => {
      const challenges = ['Basic realm="a, b"', 'Bearer realm="c"']
      for (const isAuthorized of [challenges, () => challenges, async () => challenges]) {
        const answer = await expectStatus({ ...hello, isAuthorized }, {}, 401)
        expect(answer.all('WWW-Authenticate')).to.deep.equal(challenges)
      }
    })

    it('One challenge is one field', async () => {
      const answer = await expectStatus({ ...hello, isAuthorized: 'Basic realm="a"' }, {}, 401)
      expect(answer.all('WWW-Authenticate')).to.deep.equal(['Basic realm="a"'])
    })
  })

  describe('OPTIONS', () => {
    const options = { 'Access-Control-Max-Age': '600' }

    it('Is 200 with Allow and no body (RFC 9110 9.3.7)', async () => {
      const answer = await expectStatus(hello, { method: 'OPTIONS' }, 200)
      expect(answer.headers).to.include({ allow: 'GET, HEAD, OPTIONS', 'content-length': '0' })
      expect(answer.headers).not.to.have.property('content-type')
      expect(answer.body).to.have.length(0)
    })

    it('Has the headers that `options` gives, in each way', async () => {
      for (const given of [options, () => options, async () => options]) {
        const answer = await expectStatus({ ...hello, options: given }, { method: 'OPTIONS' }, 200)
        expect(answer.headers).to.include({ allow: 'GET, HEAD, OPTIONS', 'access-control-max-age': '600' })
      }
    })

    it('Is not negotiated: no 406, no Vary, no provider', async () => {
      const spec: Spec = {
        contentTypesProvided: () => {
          throw new Error('asked')
        },
        languagesProvided: [],
        resourceExists: false,
      }
      const answer = await expectStatus(
        spec,
        { method: 'OPTIONS', headers: { accept: 'image/png', 'accept-language': 'de' } },
        200,
      )
      expect(answer.vary).to.deep.equal([])
    })

    it('Is the methods that a function allows', async () => {
      const spec = { ...hello, allowedMethods: async () => ['OPTIONS', 'PUT'] }
      expect((await expectStatus(spec, { method: 'OPTIONS' }, 200)).headers.allow).to.equal('OPTIONS, PUT')
    })

    it('Is 405 where it is not listed: Express does not answer it by itself', async () => {
      const answer = await expectStatus({ ...hello, allowedMethods: ['GET'] }, { method: 'OPTIONS' }, 405)
      expect(answer.headers.allow).to.equal('GET')
    })

    it('Headers of `options` are for OPTIONS alone', async () => {
      const answer = await expectStatus({ ...writable, options }, { method: 'GET' }, 200)
      expect(answer.headers).not.to.have.any.keys('access-control-max-age', 'allow')
    })
  })
})
