import { createRequire } from 'node:module'
import { expect } from 'chai'
import fc from 'fast-check'
import { chooseCharset, chooseEncoding, chooseLanguage, chooseMediaType } from '../../lib/http/accept.js'
import { parseMediaType } from '../../lib/http/media-type.js'
import { runs } from '../support/runs.js'

interface Negotiator {
  mediaTypes(provided: readonly string[]): string[]
  languages(provided: readonly string[]): string[]
  charsets(provided: readonly string[]): string[]
  encodings(provided: readonly string[]): string[]
}
type Request = { headers: Record<string, string> }

// Express brings it; the library has rules of its own, and does not use it
const load = createRequire(createRequire(import.meta.url).resolve('express'))
const Negotiator = load('negotiator') as new (request: Request) => Negotiator

const independent = (header: string, value: string | undefined) =>
  new Negotiator({ headers: value === undefined ? {} : { [header]: value } })

const chooseType = (accept: string | undefined, provided: readonly string[]) =>
  provided[
    chooseMediaType(
      accept,
      provided.map((each) => parseMediaType(each)!),
    )
  ]

/** Weights with their exact value in steps of a tenth. */
const weight = fc.integer({ min: 0, max: 10 }).map((tenths) => (tenths === 10 ? '' : `;q=0.${tenths}`))
const list = (value: fc.Arbitrary<string>) =>
  fc
    .array(
      fc.tuple(value, weight).map((parts) => parts.join('')),
      { minLength: 1, maxLength: 6 },
    )
    .map((all) => all.join(', '))
const some = (...values: string[]) =>
  fc.subarray(values, { minLength: 1 }).chain((each) => fc.shuffledSubarray(each, { minLength: each.length }))

const types = ['text/html', 'text/plain', 'application/json', 'image/png', 'application/vnd.a+json']

describe('Accept and its like', () => {
  describe('Beside an independent implementation, where the rules coincide', () => {
    it('The type that is chosen is one that the independent one has, and none where that has none', () => {
      fc.assert(
        fc.property(
          fc.option(list(fc.constantFrom(...types, 'text/*', 'application/*', '*/*')), { nil: undefined }),
          some(...types),
          (accept, provided) => {
            const acceptable = independent('accept', accept).mediaTypes(provided)
            const chosen = chooseType(accept, provided)
            if (chosen === undefined) expect(acceptable).to.deep.equal([])
            else expect(acceptable).to.include(chosen)
          },
        ),
        { numRuns: runs(2000) },
      )
    })

    it('With one range per type and a weight each, it is the same type', () => {
      const distinct = fc
        .tuple(
          fc.shuffledSubarray([...types, '*/*'], { minLength: 1 }),
          fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 9 }),
        )
        .map(([ranges, weights]) => ranges.map((range, index) => `${range};q=0.${weights[index]}`).join(','))
      fc.assert(
        fc.property(distinct, some(...types), (accept, provided) => {
          const [best] = independent('accept', accept).mediaTypes(provided)
          const chosen = chooseType(accept, provided)
          // among those that only */* fits the independent one has an order of its own
          const isTie = !accept.includes(`${best};`) && !accept.includes(`${chosen};`)
          if (!isTie) expect(chosen).to.equal(best)
        }),
        { numRuns: runs(2000) },
      )
    })

    const charsets = ['utf-8', 'iso-8859-1', 'koi8-r']
    it('Charsets', () => {
      fc.assert(
        fc.property(
          list(fc.constantFrom(...charsets, '*', 'UTF-8')),
          some(...charsets),
          (accept, provided) => {
            const acceptable = independent('accept-charset', accept).charsets(provided)
            const chosen = provided[chooseCharset(accept, provided)]
            if (chosen === undefined) expect(acceptable).to.deep.equal([])
            else expect(acceptable).to.include(chosen)
          },
        ),
        { numRuns: runs(1000) },
      )
    })

    it('Languages, where none is a prefix of another', () => {
      const languages = ['en', 'de-CH', 'fr', 'zh-Hant']
      fc.assert(
        fc.property(list(fc.constantFrom(...languages, '*')), some(...languages), (accept, provided) => {
          const acceptable = independent('accept-language', accept).languages(provided)
          const chosen = provided[chooseLanguage(accept, provided)]
          if (chosen === undefined) expect(acceptable).to.deep.equal([])
          else expect(acceptable).to.include(chosen)
        }),
        { numRuns: runs(1000) },
      )
    })

    it('Codings', () => {
      const codings = ['gzip', 'br', 'deflate', 'identity']
      fc.assert(
        fc.property(list(fc.constantFrom(...codings, '*', 'zstd')), some(...codings), (accept, provided) => {
          const acceptable = independent('accept-encoding', accept).encodings([
            ...new Set([...provided, 'identity']),
          ])
          const chosen = chooseEncoding(accept, provided)
          if (chosen === undefined) expect(acceptable).to.deep.equal([])
          else expect(acceptable).to.include(chosen)
        }),
        { numRuns: runs(2000) },
      )
    })
  })

  describe('Properties', () => {
    const anything = fc.oneof(
      fc.string(),
      fc
        .array(
          fc.constantFrom(
            'text/html',
            'text/*',
            '*/*',
            '*',
            ',',
            ';',
            'q=0',
            'q=1',
            '=',
            '"',
            '\\',
            ' ',
            'a=b',
          ),
          { maxLength: 20 },
        )
        .map((all) => all.join('')),
    )

    it('Any header is answered: an index of what is provided, or -1', () => {
      fc.assert(
        fc.property(anything, fc.subarray(types), (accept, provided) => {
          const index = chooseMediaType(
            accept,
            provided.map((each) => parseMediaType(each)!),
          )
          expect(index).to.be.within(-1, provided.length - 1)
          for (const choose of [chooseCharset, chooseLanguage]) {
            expect(choose(accept, provided)).to.be.within(-1, provided.length - 1)
          }
          expect([undefined, 'identity', ...provided]).to.include(chooseEncoding(accept, provided))
        }),
        { numRuns: runs(2000) },
      )
    })

    it('The same header gets the same answer, however often it comes', () => {
      fc.assert(
        fc.property(anything, (accept) => {
          const first = chooseType(accept, types)
          for (let index = 0; index < 300; index++) chooseType(`x/y${index}`, types)
          expect(chooseType(accept, types)).to.equal(first)
        }),
        { numRuns: 50 },
      )
    })

    it('Blanks and empty members change nothing', () => {
      fc.assert(
        fc.property(list(fc.constantFrom(...types, 'text/*', '*/*')), some(...types), (accept, provided) => {
          const spaced = `,, ${accept.replaceAll(',', ' ,\t,').replaceAll(';', ' ; ')} ,`
          expect(chooseType(spaced, provided)).to.equal(chooseType(accept, provided))
        }),
      )
    })

    it('Nor does the case of what is asked for', () => {
      fc.assert(
        fc.property(list(fc.constantFrom(...types, 'text/*', '*/*')), some(...types), (accept, provided) => {
          expect(chooseType(accept.toUpperCase(), provided)).to.equal(chooseType(accept, provided))
        }),
      )
    })

    it('Nor do members that do not parse', () => {
      const broken = fc.constantFrom(
        'text',
        'text/html;q=2',
        '/',
        'a/b;q=x',
        '@/@',
        'a b/c',
        'text/html;=',
        '*/html',
      )
      fc.assert(
        fc.property(
          list(fc.constantFrom(...types, '*/*')),
          fc.array(broken),
          some(...types),
          (accept, garbage, provided) => {
            expect(chooseType([...garbage, accept, ...garbage].join(','), provided)).to.equal(
              chooseType(accept, provided),
            )
          },
        ),
      )
    })

    it('Nothing provided, nothing chosen', () => {
      fc.assert(
        fc.property(fc.option(anything, { nil: undefined }), (accept) => {
          expect(chooseMediaType(accept, [])).to.equal(-1)
          expect(chooseLanguage(accept, [])).to.equal(-1)
          expect(chooseCharset(accept, [])).to.equal(-1)
        }),
      )
    })

    it('q=0 for all excludes all, whatever else is asked for with q=0', () => {
      const zero = fc.array(fc.constantFrom(...types, 'text/*'), { maxLength: 4 })
      fc.assert(
        fc.property(zero, (ranges) => {
          expect(chooseType([...ranges, '*/*'].map((range) => `${range};q=0`).join(','), types)).to.equal(
            undefined,
          )
        }),
      )
    })
  })
})
