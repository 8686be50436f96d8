import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { expect } from 'chai'
import { csv, jsonArray, jsonSeq, ndjson, sse, text } from '../../lib/index.js'
import { type Answer, expectStatus, hello, Site, type Spec, withSite } from '../support/http.js'

/** A resource whose types each provide their own name. */
function typed(...types: string[]): Spec {
  return { contentTypesProvided: Object.fromEntries(types.map((type) => [type, () => type])) }
}

/** One row: what is provided, what is asked for, and what is chosen; undefined for 406. */
type Row = readonly [provided: readonly string[], asked: string | undefined, chosen: string | undefined]

interface Kind {
  readonly header: string
  readonly spec: (provided: readonly string[]) => Spec
  readonly chosen: (answer: Answer) => string | undefined
}

const kinds = {
  type: {
    header: 'accept',
    spec: (provided) => typed(...provided),
    chosen: (answer) => answer.text,
  },
  language: {
    header: 'accept-language',
    spec: (provided) => ({ ...hello, languagesProvided: provided }),
    chosen: (answer) => answer.headers['content-language'],
  },
  charset: {
    header: 'accept-charset',
    spec: (provided) => ({ ...hello, charsetsProvided: provided }),
    chosen: (answer) => /; charset=(.*)/.exec(answer.headers['content-type'] ?? '')?.[1],
  },
  encoding: {
    header: 'accept-encoding',
    spec: (provided) => ({ ...hello, encodingsProvided: provided as never }),
    chosen: (answer) => answer.headers['content-encoding'] ?? 'identity',
  },
} satisfies Record<string, Kind>

function rows({ header, spec, chosen: by }: Kind, all: readonly Row[]): void {
  for (const [provided, asked, chosen] of all) {
    it(`Of ${provided.join(', ') || 'nothing'}, ${asked === undefined ? 'asked for nothing' : `'${asked}'`} gets ${chosen ?? '406'}`, async () => {
      const headers = asked === undefined ? {} : { [header]: asked }
      const answer = await expectStatus(spec(provided), { headers }, chosen === undefined ? 406 : 200)
      if (chosen !== undefined) expect(by(answer)).to.equal(chosen)
    })
  }
}

const both = ['text/html', 'application/json']

describe('Negotiation', () => {
  describe('Media type (RFC 9110 12.5.1)', () => {
    rows(kinds.type, [
      [both, undefined, 'text/html'],
      [both, 'text/html;q=0.1, application/json', 'application/json'],
      [both, 'image/png', undefined],
      [both, '', undefined],
      [['application/json'], 'application/json;charset=utf-8', 'application/json'],
    ])

    it('Several fields are one list', async () => {
      const answer = await expectStatus(
        typed(...both),
        { headers: { accept: ['text/html;q=0.1', 'application/json'] } },
        200,
      )
      expect(answer.text).to.equal('application/json')
    })

    it('contentTypesProvided may be a function, sync or async', async () => {
      for (const contentTypesProvided of [() => typed(...both), async () => typed(...both)]) {
        const spec: Spec = {
          contentTypesProvided: async () => (await contentTypesProvided()).contentTypesProvided as never,
        }
        const answer = await expectStatus(spec, { headers: { accept: 'application/json' } }, 200)
        expect(answer.text).to.equal('application/json')
        await expectStatus(spec, { headers: { accept: 'image/png' } }, 406)
      }
    })

    it('contentTypesProvided may be a list of formats, each with all its types', async () => {
      const spec: Spec = { contentTypesProvided: [sse(), ndjson()], subscribe: () => [1] }
      for (const [accept, type] of [
        [undefined, 'text/event-stream'],
        ['application/x-ndjson', 'application/x-ndjson'],
        ['application/jsonl', 'application/jsonl'],
        ['application/jsonl, application/x-ndjson;q=0.9', 'application/jsonl'],
        ['text/event-stream;q=0.1, */*;q=0.2', 'application/x-ndjson'],
      ] as const) {
        const answer = await expectStatus(spec, { headers: accept === undefined ? {} : { accept } }, 200)
        expect(answer.headers['content-type']).to.equal(type)
      }
      await expectStatus(spec, { headers: { accept: 'application/json' } }, 406)
    })

    it('An empty list is 406, whatever is asked for', async () => {
      for (const contentTypesProvided of [[], {}, () => []]) {
        for (const headers of [{}, { accept: '*/*' }])
          await expectStatus({ contentTypesProvided }, { headers }, 406)
      }
    })

    it('The type is as the server wrote it, whatever its case', async () => {
      const answer = await expectStatus(
        typed('Text/HTML; Level=A'),
        { headers: { accept: 'text/html;level=a' } },
        200,
      )
      expect(answer.headers['content-type']).to.equal('Text/HTML; Level=A')
    })

    it('Without contentTypesProvided Accept is not looked at', () =>
      expectStatus({}, { headers: { accept: 'image/png' } }, 200))

    it('Is in `negotiated` as soon as it is decided', async () => {
      const seen: unknown[] = []
      const spec: Spec = {
        contentTypesProvided: {
          'text/plain': ({ negotiated: { mediaType, language, charset, encoding } }) => {
            seen.push([mediaType, language, charset, encoding])
            return ''
          },
        },
        languagesProvided: ({ negotiated }) => {
          seen.push(negotiated.mediaType, negotiated.language)
          return ['de']
        },
        charsetsProvided: ({ negotiated }) => {
          seen.push(negotiated.language)
          return ['utf-8']
        },
        encodingsProvided: ({ negotiated }) => {
          seen.push(negotiated.charset)
          return ['gzip']
        },
        variances: ({ negotiated }) => {
          seen.push(negotiated.encoding)
          return []
        },
      }
      await expectStatus(spec, {}, 200)
      expect(seen).to.deep.equal([
        'text/plain',
        undefined,
        'de',
        'utf-8',
        'gzip',
        ['text/plain', 'de', 'utf-8', 'gzip'],
      ])
    })

    it('`negotiated.format` is the format, and throws where none was negotiated', async () => {
      const format = sse()
      const seen: unknown[] = []
      const spec: Spec = {
        contentTypesProvided: { 'text/event-stream': format, 'text/plain': () => '' },
        subscribe: () => [],
        resourceExists: ({ negotiated }) => {
          try {
            seen.push(negotiated.format)
          } catch (error) {
            seen.push((error as Error).message)
          }
          return true
        },
      }
      await expectStatus(spec, {}, 200)
      await expectStatus(spec, { headers: { accept: 'text/plain' } }, 200)
      expect(seen[0]).to.equal(format)
      expect(seen[1]).to.match(/^No format was negotiated: text\/plain/)
    })
  })

  describe('Language (RFC 9110 12.5.4)', () => {
    rows(kinds.language, [
      [['de', 'en'], undefined, 'de'],
      [['de', 'en'], 'en', 'en'],
      [['de', 'en'], 'fr', undefined],
      [['de', 'en'], '', undefined],
      [[], undefined, undefined],
      [[], '*', undefined],
    ])

    it('Is skipped where no languages are given: no Content-Language, no 406', async () => {
      const answer = await expectStatus(hello, { headers: { 'accept-language': '*;q=0' } }, 200)
      expect(answer.headers).not.to.have.property('content-language')
    })

    it('Content-Language is told to HEAD too, and not where there is no body', async () => {
      const spec: Spec = {
        ...kinds.language.spec(['de']),
        allowedMethods: ['HEAD', 'DELETE'],
        deleteResource: true,
      }
      expect((await expectStatus(spec, { method: 'HEAD' }, 200)).headers['content-language']).to.equal('de')
      const deleted = await expectStatus(spec, { method: 'DELETE' }, 204)
      expect(deleted.headers).not.to.have.property('content-language')
    })
  })

  describe('Charset (RFC 9110 12.5.2)', () => {
    const charsets = ['utf-8', 'iso-8859-1']
    rows(kinds.charset, [
      [charsets, undefined, 'utf-8'],
      [charsets, 'iso-8859-1', 'iso-8859-1'],
      [charsets, 'koi8-r', undefined],
      [[], undefined, undefined],
      [[], '*', undefined],
    ])

    it('Is appended to text types', async () => {
      const answer = await expectStatus(
        { ...typed('text/html;level=1'), charsetsProvided: ['utf-8'] },
        {},
        200,
      )
      expect(answer.headers['content-type']).to.equal('text/html;level=1; charset=utf-8')
    })

    it('Is not appended where the provided type has one', async () => {
      const answer = await expectStatus(
        { ...typed('text/html;charset=utf-8'), charsetsProvided: ['utf-8'] },
        {},
        200,
      )
      expect(answer.headers['content-type']).to.equal('text/html;charset=utf-8')
    })

    for (const type of ['application/json', 'application/xml', 'image/svg+xml', 'text/event-stream']) {
      it(`Is not appended to ${type}`, async () => {
        const answer = await expectStatus({ ...typed(type), charsetsProvided: ['utf-8'] }, {}, 200)
        expect(answer.headers['content-type']).to.equal(type)
      })
    }

    it('Is negotiated for those too: nothing fits is 406', () =>
      expectStatus(
        { ...typed('application/json'), charsetsProvided: ['utf-8'] },
        { headers: { 'accept-charset': 'koi8-r' } },
        406,
      ))

    it('Without charsetsProvided nothing is appended: none of the logic of Express', async () => {
      const answer = await expectStatus(hello, { headers: { 'accept-charset': 'koi8-r' } }, 200)
      expect(answer.headers['content-type']).to.equal('text/plain')
    })

    it('Event streams get no charset, other text formats are UTF-8', async () => {
      const formats = {
        'text/event-stream': sse(),
        'text/plain': text(),
        'text/csv': csv({ columns: ['a'] }),
      }
      for (const [type, format] of Object.entries(formats)) {
        const spec: Spec = {
          contentTypesProvided: [format],
          subscribe: () => [],
          charsetsProvided: ['utf-8'],
        }
        const answer = await expectStatus(spec, {}, 200)
        expect(answer.headers['content-type']).to.equal(
          type === 'text/event-stream' ? type : `${type}; charset=utf-8`,
        )
      }
    })

    it('JSON formats get no charset', async () => {
      for (const format of [ndjson(), jsonSeq(), jsonArray()]) {
        const spec: Spec = {
          contentTypesProvided: [format],
          subscribe: () => [],
          charsetsProvided: ['utf-8'],
        }
        const answer = await expectStatus(spec, {}, 200)
        expect(answer.headers['content-type']).to.match(/^application\/[a-z-]+$/)
      }
    })
  })

  describe('Encoding (RFC 9110 12.5.3)', () => {
    const codings = ['gzip', 'br', 'deflate']
    rows(kinds.encoding, [
      [codings, undefined, 'gzip'],
      [codings, 'deflate', 'deflate'],
      [codings, 'zstd', 'identity'],
      [codings, 'identity;q=0', undefined],
      [['identity'], 'gzip, *;q=0', undefined],
      [[], undefined, undefined],
      [[], 'identity', undefined],
      [[], '*', undefined],
    ])

    for (const [coding, decode] of [
      ['gzip', gunzipSync],
      ['deflate', inflateSync],
      ['br', brotliDecompressSync],
    ] as const) {
      it(`A body in ${coding} is really so`, async () => {
        const body = 'hällo '.repeat(1000)
        const spec: Spec = { contentTypesProvided: { 'text/plain': () => body }, encodingsProvided: [coding] }
        const answer = await expectStatus(spec, { headers: { 'accept-encoding': coding } }, 200)
        expect(answer.headers['content-encoding']).to.equal(coding)
        expect(Number(answer.headers['content-length'])).to.equal(answer.body.length).and.below(200)
        expect(decode(answer.body).toString()).to.equal(body)
      })
    }

    it('identity is not named in Content-Encoding', async () => {
      const answer = await expectStatus({ ...hello, encodingsProvided: ['identity', 'gzip'] }, {}, 200)
      expect(answer.headers).not.to.have.property('content-encoding')
      expect(answer.text).to.equal('hello')
    })

    it('An encoded body has a weak etag; one that is not keeps its own', async () => {
      for (const etag of ['"a"', 'W/"a"']) {
        const spec: Spec = { ...hello, encodingsProvided: ['gzip', 'identity'], generateEtag: etag }
        const encoded = await expectStatus(spec, { headers: { 'accept-encoding': 'gzip' } }, 200)
        expect(encoded.headers.etag).to.equal('W/"a"')
        const plain = await expectStatus(spec, { headers: { 'accept-encoding': 'identity' } }, 200)
        expect(plain.headers.etag).to.equal(etag)
      }
    })

    it('The weak etag revalidates, and is told in the 304 too', async () => {
      const spec: Spec = { ...hello, encodingsProvided: ['gzip'], generateEtag: '"a"' }
      const answer = await expectStatus(
        spec,
        { headers: { 'accept-encoding': 'gzip', 'if-none-match': 'W/"a"' } },
        304,
      )
      expect(answer.headers.etag).to.equal('W/"a"')
      expect(answer.headers).not.to.have.property('content-encoding')
    })

    it('An encoded body has no ranges', async () => {
      const spec: Spec = { ...hello, encodingsProvided: ['gzip'], rangesProvided: 'auto' }
      const answer = await expectStatus(
        spec,
        { headers: { 'accept-encoding': 'gzip', range: 'bytes=0-1' } },
        200,
      )
      expect(answer.headers).not.to.have.property('accept-ranges')
      const plain = await expectStatus(
        spec,
        { headers: { 'accept-encoding': 'identity', range: 'bytes=0-1' } },
        206,
      )
      expect(plain.text).to.equal('he')
    })

    it('Is skipped for formats: no 406, no Content-Encoding', async () => {
      const spec: Spec = {
        contentTypesProvided: [sse()],
        subscribe: () => [],
        encodingsProvided: () => {
          throw new Error('asked')
        },
      }
      const answer = await expectStatus(spec, { headers: { 'accept-encoding': 'gzip, identity;q=0' } }, 200)
      expect(answer.headers).not.to.have.property('content-encoding')
    })

    it('A format that a provider returns goes out as it is', async () => {
      const spec: Spec = {
        contentTypesProvided: { 'text/event-stream': () => sse() },
        subscribe: () => ['a'],
        encodingsProvided: ['gzip'],
      }
      const answer = await expectStatus(spec, { headers: { 'accept-encoding': 'gzip' } }, 200)
      expect(answer.headers).not.to.have.property('content-encoding')
      expect(answer.text).to.contain('data: a')
    })

    it('Problem bodies are not encoded', async () => {
      const spec: Spec = { ...hello, encodingsProvided: ['gzip'], resourceExists: false }
      const answer = await expectStatus(spec, { headers: { 'accept-encoding': 'gzip' } }, 404)
      expect(answer.headers).not.to.have.property('content-encoding')
      expect(answer.json).to.include({ status: 404 })
    })
  })

  describe('Vary', () => {
    const all: Spec = {
      ...hello,
      languagesProvided: ['en'],
      charsetsProvided: ['utf-8'],
      encodingsProvided: ['gzip'],
      variances: ['Cookie', 'X-Tenant'],
      generateEtag: '"a"',
    }
    const names = ['Accept', 'Accept-Language', 'Accept-Charset', 'Accept-Encoding', 'Cookie', 'X-Tenant']

    it('Names Accept on a negotiated answer, and nothing that is not negotiated', async () => {
      expect((await expectStatus(hello, {}, 200)).vary).to.deep.equal(['Accept'])
    })

    for (const [name, callback] of [
      ['Accept-Language', { languagesProvided: ['en'] }],
      ['Accept-Charset', { charsetsProvided: ['utf-8'] }],
      ['Accept-Encoding', { encodingsProvided: () => ['identity'] }],
      ['Cookie', { variances: async () => ['Cookie'] }],
    ] as const) {
      it(`Names ${name} where ${Object.keys(callback)} is given`, async () => {
        expect((await expectStatus({ ...hello, ...callback } as Spec, {}, 200)).vary).to.deep.equal([
          'Accept',
          name,
        ])
      })
    }

    it('Names all of them, then variances', async () => {
      expect((await expectStatus(all, {}, 200)).vary).to.deep.equal(names)
    })

    it('Is on 304, 404, 412 and on HEAD', async () => {
      expect((await expectStatus(all, { headers: { 'if-none-match': '"a"' } }, 304)).vary).to.deep.equal(
        names,
      )
      expect((await expectStatus(all, { headers: { 'if-match': '"b"' } }, 412)).vary).to.deep.equal(names)
      expect((await expectStatus(all, { method: 'HEAD' }, 200)).vary).to.deep.equal(names)
      expect((await expectStatus({ ...all, resourceExists: false }, {}, 404)).vary).to.deep.equal(names)
    })

    for (const [header, value] of [
      ['accept', 'image/png'],
      ['accept-language', 'fr'],
      ['accept-charset', 'koi8-r'],
      ['accept-encoding', '*;q=0'],
    ] as const) {
      it(`Is on the 406 by ${header}`, async () => {
        const { vary } = await expectStatus(all, { headers: { [header]: value } }, 406)
        expect(vary).to.include.members(names.slice(0, 4))
      })
    }

    it('Is on a stream, and what it negotiates', async () => {
      const spec: Spec = { contentTypesProvided: [sse()], subscribe: () => [], languagesProvided: ['en'] }
      for (const method of ['GET', 'HEAD']) {
        expect((await expectStatus(spec, { method }, 200)).vary).to.deep.equal(['Accept', 'Accept-Language'])
      }
    })

    it('Is on what a write gets', async () => {
      const spec: Spec = {
        ...hello,
        allowedMethods: ['POST', 'DELETE'],
        contentTypesAccepted: { '*/*': () => true },
        deleteResource: true,
      }
      expect((await expectStatus(spec, { method: 'DELETE' }, 204)).vary).to.deep.equal(['Accept'])
      const untaken = { method: 'POST', headers: { 'content-type': 'garbage' } }
      expect((await expectStatus(spec, untaken, 415)).vary).to.deep.equal(['Accept'])
    })

    it('Is not on what is answered before negotiation', async () => {
      expect((await expectStatus({ ...all, forbidden: true }, {}, 403)).vary).to.deep.equal([])
    })

    it('Names of other middleware stay', async () => {
      const site = (value: string, spec: Spec) =>
        new Site(spec, {
          before: [
            (_req, res, next) => {
              res.set('Vary', value)
              next()
            },
          ],
        })
      expect((await expectStatus(site('Origin', hello), {}, 200)).vary).to.deep.equal(['Origin', 'Accept'])
      expect((await expectStatus(site('Accept', all), {}, 200)).vary).to.deep.equal(names)
      expect((await expectStatus(site('*', hello), {}, 200)).vary).to.deep.equal(['*'])
      expect(
        (await expectStatus(site('Origin', all), { headers: { accept: 'a/b' } }, 406)).vary,
      ).to.include.members(['Origin', 'Accept'])
    })

    it('Names of a callback stay', async () => {
      const resourceExists: Spec['resourceExists'] = ({ res }) => {
        res.vary('Origin')
        return true
      }
      expect((await expectStatus({ ...hello, resourceExists }, {}, 200)).vary).to.have.members([
        'Origin',
        'Accept',
      ])
    })

    it('Is not carried from one request to the next', () =>
      withSite(new Site({ ...hello, variances: ({ req }) => [String(req.get('x'))] }), async (site) => {
        for (const x of ['One', 'Two']) {
          expect((await site.ask({ headers: { x } })).vary).to.deep.equal(['Accept', x])
        }
      }))
  })

  describe("negotiation: 'lenient' serves the first provided where nothing matches", () => {
    const lenient: Spec = {
      ...typed(...both),
      languagesProvided: ['de', 'en'],
      negotiation: 'lenient',
    }
    for (const accept of ['image/png', 'garbage', '*/*;q=0', '', 'text/plain;q=2']) {
      it(`Accept: ${accept} gets the first type`, async () => {
        expect((await expectStatus(lenient, { headers: { accept } }, 200)).text).to.equal('text/html')
      })
    }
    it('A match is served as in strict negotiation', async () => {
      const answer = await expectStatus(lenient, { headers: { accept: 'application/json' } }, 200)
      expect(answer.text).to.equal('application/json')
    })
    it('Still says Vary', async () => {
      const answer = await expectStatus(lenient, { headers: { accept: 'image/png' } }, 200)
      expect(answer.vary).to.deep.equal(['Accept', 'Accept-Language'])
    })
    it('Formats too', async () => {
      const spec: Spec = { contentTypesProvided: [sse()], subscribe: () => [], negotiation: 'lenient' }
      const answer = await expectStatus(spec, { headers: { accept: 'application/json' } }, 200)
      expect(answer.headers['content-type']).to.equal('text/event-stream')
    })
    it('Where nothing is provided there is nothing to serve: 406', () =>
      expectStatus({ contentTypesProvided: {}, negotiation: 'lenient' }, {}, 406))
    it('An object says so for each header; what it does not name is strict', async () => {
      const spec = (negotiation: Spec['negotiation']): Spec => ({
        ...hello,
        languagesProvided: ['de'],
        charsetsProvided: ['utf-8'],
        encodingsProvided: ['gzip'],
        ...(negotiation !== undefined && { negotiation }),
      })
      const fields = {
        type: ['accept', 'image/png'],
        language: ['accept-language', 'fr'],
        charset: ['accept-charset', 'koi8-r'],
        encoding: ['accept-encoding', 'br, identity;q=0'],
      } as const
      const parts = Object.keys(fields) as (keyof typeof fields)[]
      for (const part of parts) {
        for (const other of parts) {
          const [name, value] = fields[other]
          const asked = { headers: { [name]: value } }
          await expectStatus(spec({ [part]: 'lenient' }), asked, part === other ? 200 : 406)
        }
      }
      const all = Object.fromEntries(Object.values(fields))
      const lenient = {
        type: 'lenient',
        language: 'lenient',
        charset: 'lenient',
        encoding: 'lenient',
      } as const
      const answer = await expectStatus(spec(lenient), { headers: all }, 200)
      expect(answer.headers).to.include({
        'content-type': 'text/plain; charset=utf-8',
        'content-language': 'de',
      })
      await expectStatus(spec({ ...lenient, charset: 'strict' }), { headers: all }, 406)
      await expectStatus(spec({}), { headers: { accept: 'image/png' } }, 406)
    })

    it("'strict' is the default", () =>
      expectStatus({ ...lenient, negotiation: 'strict' }, { headers: { accept: 'image/png' } }, 406))
  })

  describe('A charset in Accept', () => {
    const latin: Spec = { ...typed('text/html'), charsetsProvided: ['iso-8859-1', 'utf-8'] }
    for (const [what, spec, headers, status] of [
      ['that strings are written in anyway', typed('text/html'), { accept: 'text/html;charset=utf-8' }, 200],
      ['that they are not', typed('text/html'), { accept: 'text/html;charset=iso-8859-1' }, 406],
      ['that is negotiated', latin, { accept: 'text/html;charset=ISO-8859-1' }, 200],
      ['that is not negotiated', latin, { accept: 'text/html;charset=utf-8' }, 406],
      [
        'that Accept-Charset asks for, too',
        latin,
        { accept: 'text/html;charset=utf-8', 'accept-charset': 'utf-8' },
        200,
      ],
      [
        'behind an Accept-Charset that fits none',
        { ...latin, negotiation: { charset: 'lenient' } },
        { accept: 'text/html;charset=iso-8859-1', 'accept-charset': 'koi8-r' },
        200,
      ],
    ] as const) {
      it(`${what} is ${status}: ${JSON.stringify(headers)}`, async () => {
        await expectStatus(spec as Spec, { headers }, status)
      })
    }

    it('Is judged anew for each request', async () => {
      await withSite(new Site(latin), async (site) => {
        const accept = 'text/html;charset=utf-8'
        expect((await site.ask({ headers: { accept } })).status).to.equal(406)
        expect((await site.ask({ headers: { accept, 'accept-charset': 'utf-8' } })).status).to.equal(200)
        expect((await site.ask({ headers: { accept } })).status).to.equal(406)
      })
    })

    it('charsetsProvided is asked once, also where Accept names one', async () => {
      let asked = 0
      const charsetsProvided = () => {
        asked += 1
        return ['utf-8']
      }
      const spec: Spec = { ...typed('text/html'), charsetsProvided }
      await expectStatus(spec, { headers: { accept: 'text/html;charset=utf-8' } }, 200)
      expect(asked).to.equal(1)
    })
  })

  describe('rangesProvided', () => {
    for (const [value, field] of [
      ['auto', 'bytes'],
      ['none', 'none'],
    ] as const) {
      it(`'${value}' is Accept-Ranges: ${field}, in each way, HEAD too (RFC 9110 14.3)`, async () => {
        for (const rangesProvided of [value, () => value, async () => value]) {
          for (const method of ['GET', 'HEAD']) {
            const answer = await expectStatus({ ...hello, rangesProvided }, { method }, 200)
            expect(answer.headers['accept-ranges']).to.equal(field)
          }
        }
      })

      it(`'${value}' says nothing on a stream`, async () => {
        const formats: Spec['contentTypesProvided'][] = [[sse()], { 'text/event-stream': () => sse() }]
        for (const contentTypesProvided of formats) {
          for (const method of ['GET', 'HEAD']) {
            const spec: Spec = { contentTypesProvided, subscribe: () => [], rangesProvided: value } as Spec
            const answer = await expectStatus(spec, { method, headers: { range: 'bytes=0-0' } }, 200)
            expect(answer.headers).not.to.have.any.keys('accept-ranges', 'content-range')
          }
        }
      })
    }

    it('Absent, none is said and Range is ignored', async () => {
      const answer = await expectStatus(hello, { headers: { range: 'bytes=0-1' } }, 200)
      expect(answer.headers).not.to.have.property('accept-ranges')
      expect(answer.text).to.equal('hello')
    })

    it("'none' ignores Range", async () => {
      const answer = await expectStatus(
        { ...hello, rangesProvided: 'none' },
        { headers: { range: 'bytes=0-1' } },
        200,
      )
      expect(answer.text).to.equal('hello')
    })
  })
})
