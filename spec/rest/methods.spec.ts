import { expect } from 'chai'
import type { Accepted } from '../../lib/declare/answers.js'
import { sse } from '../../lib/index.js'
import { type Asked, asText, expectError, expectStatus, hello, type Spec, writable } from '../support/http.js'

const asked = (method: string, type = 'text/plain'): Asked => ({
  method,
  headers: { 'content-type': type },
  body: 'a',
})

/** A resource that accepts by one answer. */
const accepting = (answer: unknown, spec: Spec = {}): Spec => ({
  ...writable,
  contentTypesAccepted: { 'text/plain': () => answer as Accepted },
  ...spec,
})

describe('Methods', () => {
  describe('DELETE', () => {
    for (const value of [true, () => true, async () => true] as const) {
      it(`deleteResource: ${String(value)} is 204 without a Content-Length (RFC 9110 8.6)`, async () => {
        const answer = await expectStatus({ ...writable, deleteResource: value }, { method: 'DELETE' }, 204)
        expect(answer.headers).not.to.have.any.keys('content-type', 'content-length', 'transfer-encoding')
      })
    }

    for (const value of [false, () => false, async () => false] as const) {
      it(`deleteResource: ${String(value)} is 500, by a problem body, and no error of the app`, async () => {
        const answer = await expectStatus({ ...writable, deleteResource: value }, { method: 'DELETE' }, 500)
        expect(answer.errors).to.deep.equal([])
        expect(answer.json).to.include({ status: 500 })
      })
    }

    it('Absent, where allowedMethods is a function, is 500 too', () =>
      expectStatus({ allowedMethods: () => ['DELETE'] }, { method: 'DELETE' }, 500))

    it('{ body } is 200 with this body in the negotiated type', async () => {
      const spec: Spec = {
        ...writable,
        contentTypesProvided: { 'application/json': () => 0, 'text/plain': () => '' },
        deleteResource: () => ({ body: { deleted: 1 } }),
      }
      const answer = await expectStatus(spec, { method: 'DELETE' }, 200)
      expect(answer.headers['content-type']).to.equal('application/json')
      expect(answer.json).to.deep.equal({ deleted: 1 })
    })

    it('deleteCompleted: false is 202, in each way, with the body where there is one', async () => {
      for (const deleteCompleted of [false, () => false, async () => false]) {
        const answer = await expectStatus({ ...writable, deleteCompleted }, { method: 'DELETE' }, 202)
        expect(answer.headers).to.include({ 'content-length': '0' })
        expect(answer.headers).not.to.have.property('content-type')
        const spec: Spec = { ...writable, deleteResource: { body: 'soon' }, deleteCompleted }
        expect((await expectStatus(spec, { method: 'DELETE' }, 202)).text).to.equal('soon')
      }
    })

    it('deleteCompleted is asked after deleteResource, and not where that failed', async () => {
      const asked: string[] = []
      const note = (name: string, value: boolean) => () => {
        asked.push(name)
        return value
      }
      const spec = (isDeleted: boolean): Spec => ({
        ...writable,
        deleteResource: note('deleteResource', isDeleted),
        deleteCompleted: note('deleteCompleted', true),
      })
      await expectStatus(spec(true), { method: 'DELETE' }, 204)
      await expectStatus(spec(false), { method: 'DELETE' }, 500)
      expect(asked).to.deep.equal(['deleteResource', 'deleteCompleted', 'deleteResource'])
    })

    for (const [what, body] of [
      ['an empty string', ''],
      ['0', 0],
      ['false', false],
      ['null', null],
    ] as const) {
      it(`A body of ${what} is a body: 200`, async () => {
        const spec: Spec = {
          ...writable,
          contentTypesProvided: { 'application/json': () => 1 },
          deleteResource: { body },
        }
        expect((await expectStatus(spec, { method: 'DELETE' }, 200)).text).to.equal(String(body))
      })
    }

    it('multipleChoices is not asked (Cowboy does)', () =>
      expectStatus({ ...writable, multipleChoices: true }, { method: 'DELETE' }, 204))
  })

  describe('PUT', () => {
    it('isConflict: yes is 409, in each way', async () => {
      for (const isConflict of [true, () => true, async () => true]) {
        await expectStatus({ ...writable, isConflict }, asked('PUT'), 409)
      }
    })
    it('isConflict: no is accepted', async () => {
      for (const isConflict of [false, () => false, async () => false]) {
        await expectStatus({ ...writable, isConflict }, asked('PUT'), 204)
      }
    })
    it('409 comes before 415', () =>
      expectStatus({ ...writable, isConflict: true }, asked('PUT', 'image/png'), 409))
    for (const method of ['POST', 'PATCH']) {
      it(`isConflict is not asked for ${method}`, () =>
        expectStatus({ ...writable, isConflict: true }, asked(method), 204))
    }
  })

  describe('Accepted bodies', () => {
    interface Result {
      readonly answer: unknown
      readonly status: number
      readonly what: string
      readonly fields?: Readonly<Record<string, string>>
      readonly text?: string
    }
    const location = { location: '/new' }
    /** Answers that mean the same whether the resource exists or not. */
    const alike: readonly Result[] = [
      { what: '{ created }', answer: { created: '/new' }, status: 201, fields: location },
      {
        what: '{ created, body }',
        answer: { created: '/new', body: 'b' },
        status: 201,
        fields: location,
        text: 'b',
      },
      { what: '{ seeOther }', answer: { seeOther: '/new' }, status: 303, fields: location },
      {
        what: '{ seeOther, body }',
        answer: { seeOther: '/new', body: 'b' },
        status: 303,
        fields: location,
        text: 'b',
      },
      {
        what: '{ created: URL }',
        answer: { created: new URL('http://a.b/c') },
        status: 201,
        fields: { location: 'http://a.b/c' },
      },
      {
        what: '{ seeOther: URL }',
        answer: { seeOther: new URL('http://a.b/c') },
        status: 303,
        fields: { location: 'http://a.b/c' },
      },
      { what: 'false', answer: false, status: 400 },
    ]
    const existing: readonly Result[] = [
      { what: 'true', answer: true, status: 204 },
      { what: '{ body }', answer: { body: 'b' }, status: 200, text: 'b' },
    ]
    const put: readonly Result[] = [
      { what: 'true', answer: true, status: 201 },
      { what: '{ body }', answer: { body: 'b' }, status: 201, text: 'b' },
    ]
    const suites: readonly (readonly [string, readonly string[], Spec, readonly Result[]])[] = [
      ['the resource exists', ['POST', 'PUT', 'PATCH'], {}, [...alike, ...existing]],
      ['PUT to a missing one', ['PUT'], { resourceExists: false }, [...alike, ...put]],
      ['POST to a missing one', ['POST'], { resourceExists: false }, [...alike, ...existing]],
    ]
    for (const [where, methods, spec, results] of suites) {
      for (const method of methods) {
        for (const { what, answer, status, fields = {}, text } of results) {
          it(`${what} is ${status}: ${where}, ${method}`, async () => {
            const got = await expectStatus(accepting(answer, spec), asked(method), status)
            expect(got.headers).to.include(fields)
            expect(got.errors).to.deep.equal([])
            if (status >= 400) return
            expect(got.text).to.equal(text ?? '')
            expect(got.headers['content-type']).to.equal(text === undefined ? undefined : 'text/plain')
          })
        }
      }
    }

    const locating = (body?: string): Spec => ({
      ...writable,
      resourceExists: false,
      contentTypesAccepted: {
        'text/plain': ({ res }) => {
          res.set('Location', '/set')
          return body === undefined ? true : { body }
        },
      },
    })
    it('true with Location set is 201 for POST to a missing one, with a body too', async () => {
      const answer = await expectStatus(locating(), asked('POST'), 201)
      expect(answer.headers.location).to.equal('/set')
      expect((await expectStatus(locating('b'), asked('POST'), 201)).text).to.equal('b')
    })

    it('true with Location set is 204 where the resource exists', () =>
      expectStatus({ ...locating(), resourceExists: true }, asked('POST'), 204))

    it('{ seeOther } from PUT to a missing one is 303: what the callback says counts', () =>
      expectStatus(accepting({ seeOther: '/a' }, { resourceExists: false }), asked('PUT'), 303))

    it('PATCH to a missing one is 404: there is nothing to patch', () =>
      expectStatus(accepting(true, { resourceExists: false }), asked('PATCH'), 404))

    it('A status without a body keeps the Content-Type that a callback set, but 204 has none (RFC 9110 8.3)', async () => {
      for (const [result, status] of [
        [true, 204],
        [{ created: '/a' }, 201],
        [{ seeOther: '/a' }, 303],
      ] as const) {
        const spec: Spec = {
          ...writable,
          contentTypesAccepted: {
            '*/*': ({ res }) => {
              res.set({ 'Content-Type': 'text/html', 'Content-Length': '3' })
              return result
            },
          },
        }
        const answer = await expectStatus(spec, asked('POST'), status)
        expect(answer.headers['content-type']).to.equal(
          status === 204 ? undefined : 'text/html; charset=utf-8',
        )
        expect(answer.headers['content-length']).to.equal(status === 204 ? undefined : '0')
      }
    })

    it('The Location is encoded', async () => {
      const answer = await expectStatus(accepting({ created: '/ä b' }), asked('POST'), 201)
      expect(answer.headers.location).to.equal('/%C3%A4%20b')
    })

    it('{ body } is in the negotiated type, language and coding', async () => {
      const spec = accepting(
        { body: { a: 1 } },
        {
          contentTypesProvided: { 'text/plain': () => '', 'application/vnd.a+json': () => '' },
          languagesProvided: ['en'],
          encodingsProvided: ['gzip'],
        },
      )
      const headers = { ...asText, accept: 'application/vnd.a+json', 'accept-encoding': 'gzip' }
      const answer = await expectStatus(spec, { method: 'POST', headers }, 200)
      expect(answer.headers).to.include({
        'content-type': 'application/vnd.a+json',
        'content-language': 'en',
        'content-encoding': 'gzip',
      })
    })

    it('{ body } where nothing was negotiated has the type of its value', async () => {
      for (const [body, type] of [
        ['b', 'text/plain; charset=utf-8'],
        [{ a: 1 }, 'application/json'],
        [Buffer.from('b'), 'application/octet-stream'],
      ] as const) {
        const { contentTypesProvided, ...spec } = accepting({ body })
        const answer = await expectStatus(spec, asked('POST'), 200)
        expect(answer.headers['content-type']).to.equal(type)
      }
    })

    it('{ body } where a format was negotiated has the type of its value: a body is no stream', async () => {
      const spec = accepting({ body: { a: 1 } }, { contentTypesProvided: [sse()], subscribe: () => [] })
      const answer = await expectStatus(spec, asked('POST'), 200)
      expect(answer.headers['content-type']).to.equal('application/json')
    })

    it('A format is a stream: prompt in the body, tokens out', async () => {
      const format = sse()
      const spec: Spec = {
        ...accepting(format, { contentTypesProvided: [format] }),
        subscribe: () => ['token'],
      }
      for (const method of ['POST', 'PUT', 'PATCH']) {
        const answer = await expectStatus(spec, asked(method), 200)
        expect(answer.headers['content-type']).to.equal('text/event-stream')
        expect(answer.text).to.contain('data: token')
      }
    })

    for (const [what, answer] of [
      ['nothing', undefined],
      ['null', null],
      ['a string', 'created'],
      ['a number', 1],
      ['an empty object', {}],
      ['{ created: false }', { created: false }],
      ["{ created: '' }", { created: '' }],
      ['{ seeOther: 1 }', { seeOther: 1 }],
      ['{ body: undefined }', { body: undefined }],
      ['{ body: function }', { body: () => {} }],
      ['{ body: promise }', { body: Promise.resolve('') }],
      ['a misspelt key', { Created: '/a' }],
    ] as const) {
      it(`${what} is an error that names the callback`, async () => {
        const got = await expectError(
          accepting(answer),
          asked('POST'),
          "contentTypesAccepted['text/plain'] answered",
        )
        expect(got.status).to.equal(500)
        expect(got.headers).not.to.have.property('location')
      })
    }

    it('multipleChoices is not asked', () =>
      expectStatus(accepting(true, { multipleChoices: true }), asked('POST'), 204))
  })

  describe('Content-Type is matched against contentTypesAccepted', () => {
    const types = (...names: string[]): Spec => ({
      ...hello,
      allowedMethods: ['POST', 'PUT', 'PATCH'],
      contentTypesProvided: { 'text/plain': () => '' },
      contentTypesAccepted: Object.fromEntries(names.map((name) => [name, () => ({ body: name })])),
    })

    for (const [accepted, type, chosen] of [
      [['text/plain', 'application/json'], 'application/json', 'application/json'],
      [['application/json'], 'Application/JSON', 'application/json'],
      [['application/json'], 'application/json; charset=utf-8', 'application/json'],
      [['application/json'], ' application/json ;a=b', 'application/json'],
      [['*/*', 'application/json'], 'application/json', '*/*'],
      [['application/json', '*/*'], 'application/json', 'application/json'],
      [['application/json', '*/*'], 'image/png', '*/*'],
      [['application/json', 'text/*'], 'text/html', 'text/*'],
      [['text/*'], 'texture/html', undefined],
      [['text/html;level=1', 'text/html'], 'text/html; level=1', 'text/html;level=1'],
      [['text/html;level=1', 'text/html'], 'text/html; level=2', 'text/html'],
      [['text/html;level=1', 'text/html'], 'text/html', 'text/html'],
      [['text/html;level=1'], 'text/html', undefined],
      [['text/html;level=1'], 'text/html;a=b;Level="1"', 'text/html;level=1'],
      [
        ['application/json;charset=utf-8'],
        'application/json;charset=UTF-8',
        'application/json;charset=utf-8',
      ],
      [['application/json;charset=utf-8'], 'application/json', undefined],
      [['multipart/form-data'], 'multipart/form-data; boundary=a', 'multipart/form-data'],
      [
        ['multipart/form-data; boundary=a'],
        'multipart/form-data; boundary=b',
        'multipart/form-data; boundary=a',
      ],
      [['multipart/form-data; boundary=a'], 'multipart/form-data', 'multipart/form-data; boundary=a'],
      [['text/plain'], 'image/png', undefined],
      [['text/plain'], 'garbage', undefined],
      [['text/plain'], 'text/', undefined],
      [['text/plain'], '/plain', undefined],
      [['text/plain'], 'text/plain, text/plain', undefined],
      [['text/plain'], 'text/plain text/html', undefined],
      [['*/*'], 'garbage', undefined],
      [['*/*'], '', undefined],
      [['*/*'], 'a/b/c', undefined],
    ] as const) {
      it(`Accepting ${accepted.join(', ')}, '${type}' is ${chosen ? `for ${chosen}` : '415'}`, async () => {
        const answer = await expectStatus(types(...accepted), asked('POST', type), chosen ? 200 : 415)
        if (chosen) expect(answer.text).to.equal(chosen)
      })
    }

    it('415 names the accepted types in Accept for POST (RFC 9110 12.5.1)', async () => {
      const answer = await expectStatus(types('text/plain', 'image/*'), asked('POST', 'a/b'), 415)
      expect(answer.headers.accept).to.equal('text/plain, image/*')
      expect(answer.headers).not.to.have.property('accept-patch')
    })

    it('415 names the accepted types in Accept-Patch for PATCH (RFC 5789 2.2)', async () => {
      const answer = await expectStatus(types('text/plain', 'image/*'), asked('PATCH', 'a/b'), 415)
      expect(answer.headers['accept-patch']).to.equal('text/plain, image/*')
      expect(answer.headers).not.to.have.property('accept')
    })

    it('contentTypesAccepted may be a function, sync or async', async () => {
      const accepted = { 'text/plain': () => true }
      for (const contentTypesAccepted of [() => accepted, async () => accepted]) {
        await expectStatus({ ...writable, contentTypesAccepted }, asked('POST'), 204)
        await expectStatus({ ...writable, contentTypesAccepted }, asked('POST', 'a/b'), 415)
      }
    })

    it('Absent, where allowedMethods is a function, is 415', () =>
      expectStatus({ allowedMethods: () => ['POST'] }, asked('POST'), 415))

    it('An empty object accepts nothing', () =>
      expectStatus({ ...writable, contentTypesAccepted: {} }, asked('POST'), 415))

    it('Only the callback of the type that matches is called, once', async () => {
      const called: string[] = []
      const note = (name: string) => () => {
        called.push(name)
        return true
      }
      const spec: Spec = { ...writable, contentTypesAccepted: { 'a/b': note('a/b'), '*/*': note('*/*') } }
      await expectStatus(spec, asked('POST'), 204)
      expect(called).to.deep.equal(['*/*'])
    })
  })

  describe('GET and HEAD', () => {
    const date = new Date(Date.UTC(2030, 0, 1))
    const spec: Spec = { ...hello, generateEtag: '"a"', lastModified: date, expires: date }

    for (const method of ['GET', 'HEAD']) {
      it(`${method} says ETag, Last-Modified, Expires and Content-Length`, async () => {
        const answer = await expectStatus(spec, { method }, 200)
        expect(answer.headers).to.include({
          etag: '"a"',
          'last-modified': date.toUTCString(),
          expires: date.toUTCString(),
          'content-type': 'text/plain',
          'content-length': '5',
        })
        expect(answer.text).to.equal(method === 'GET' ? 'hello' : '')
      })
    }

    it('Responses to HEAD have the headers of GET (RFC 9110 9.3.2)', async () => {
      const full: Spec = {
        ...spec,
        languagesProvided: ['en'],
        encodingsProvided: ['gzip'],
        charsetsProvided: ['utf-8'],
      }
      const [get, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => expectStatus(full, { method }, 200)),
      )
      const { date: _, ...expected } = get!.headers
      expect(head!.headers).to.deep.include(expected)
      expect(head!.body).to.have.length(0)
    })

    it('Says them as functions too, sync or async, and an Expires as text', async () => {
      const functions: Spec = {
        ...hello,
        generateEtag: async () => 'W/"a"',
        lastModified: () => date,
        expires: async () => '0',
      }
      expect((await expectStatus(functions, {}, 200)).headers).to.include({
        etag: 'W/"a"',
        'last-modified': date.toUTCString(),
        expires: '0',
      })
    })

    it('The epoch is a date, an empty etag an etag', async () => {
      const answer = await expectStatus(
        { ...hello, generateEtag: '""', lastModified: new Date(0), expires: new Date(0) },
        {},
        200,
      )
      expect(answer.headers).to.include({
        etag: '""',
        'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
        expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
      })
    })

    it('Says none where the callbacks are absent or answer undefined: none of the etags of Express', async () => {
      const none = async () => undefined
      for (const each of [hello, { ...hello, generateEtag: none, lastModified: none, expires: none }]) {
        const { headers } = await expectStatus(each, {}, 200)
        expect(headers).not.to.have.any.keys('etag', 'last-modified', 'expires')
      }
    })

    it('They are asked before the provider is called', async () => {
      const asked: string[] = []
      const note =
        <T>(name: string, value: T) =>
        () => {
          asked.push(name)
          return value
        }
      await expectStatus(
        {
          contentTypesProvided: { 'text/plain': note('provider', 'a') },
          expires: note('expires', date),
          generateEtag: note('generateEtag', '"a"'),
          lastModified: note('lastModified', date),
          multipleChoices: note('multipleChoices', false),
        },
        {},
        200,
      )
      expect(asked).to.deep.equal(['generateEtag', 'lastModified', 'expires', 'provider', 'multipleChoices'])
    })

    it('multipleChoices is 300, in each way, with the body', async () => {
      for (const multipleChoices of [true, () => true, async () => true]) {
        const answer = await expectStatus({ ...spec, multipleChoices }, {}, 300)
        expect(answer.text).to.equal('hello')
        expect(answer.headers).to.include({ etag: '"a"', 'content-type': 'text/plain' })
      }
    })

    it('Where nothing is provided it is 200 without a body or a Content-Type', async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await expectStatus({ generateEtag: '"a"' }, { method }, 200)
        expect(answer.headers).to.include({ 'content-length': '0', etag: '"a"' })
        expect(answer.headers).not.to.have.property('content-type')
      }
    })
  })

  describe('Another allowed method', () => {
    const lock: Spec = {
      ...hello,
      knownMethods: ['LOCK', 'GET'],
      allowedMethods: ['LOCK', 'GET'],
      generateEtag: '"a"',
    }
    it('Is 200, without a body', async () => {
      const answer = await expectStatus(lock, { method: 'LOCK' }, 200)
      expect(answer.headers).to.include({ 'content-length': '0' })
      expect(answer.headers).not.to.have.any.keys('content-type', 'etag')
    })
    it('Is 300 where there are multipleChoices', () =>
      expectStatus({ ...lock, multipleChoices: true }, { method: 'LOCK' }, 300))
    it('Is 404 where nothing is, 412 where a condition is lost', async () => {
      await expectStatus({ ...lock, resourceExists: false }, { method: 'LOCK' }, 404)
      await expectStatus(lock, { method: 'LOCK', headers: { 'if-match': '"b"' } }, 412)
      await expectStatus(lock, { method: 'LOCK', headers: { 'if-none-match': '"a"' } }, 412)
    })
    it('Calls no provider', () =>
      expectStatus(
        {
          ...lock,
          contentTypesProvided: {
            'text/plain': () => {
              throw new Error('called')
            },
          },
        },
        { method: 'LOCK' },
        200,
      ))
  })
})
