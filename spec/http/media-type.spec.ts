import { expect } from 'chai'
import fc from 'fast-check'
import { essenceOf, isUtf8ByDefinition, parseMediaType, sameParameter } from '../../lib/http/media-type.js'
import { cases } from '../support/cases.js'
import { runs } from '../support/runs.js'

const token = fc
  .array(fc.constantFrom(..."!#$%&'*+.^_`|~09azAZ-"), { minLength: 1, maxLength: 8 })
  .map((characters) => characters.join(''))
const text = fc.array(fc.constantFrom(...'az09 ;,="\\/'), { maxLength: 8 }).map((parts) => parts.join(''))
const quote = (value: string) => `"${value.replace(/["\\]/g, '\\$&')}"`

describe('Media types (RFC 9110 8.3.1)', () => {
  describe('parseMediaType', () => {
    it('Type, subtype and the names of parameters are in lower case, values as they are', () => {
      expect(parseMediaType('Text/HTML; Level=One; Charset="UTF-8"')).to.deep.equal({
        type: 'text',
        subtype: 'html',
        parameters: [
          ['level', 'One'],
          ['charset', 'UTF-8'],
        ],
      })
    })

    it('Any tokens and quoted values are read as they were written', () => {
      const parameters = fc.uniqueArray(fc.tuple(token, text), {
        selector: ([name]) => name.toLowerCase(),
        maxLength: 4,
      })
      fc.assert(
        fc.property(
          token,
          token,
          parameters,
          fc.constantFrom(';', '; ', ' ;', ' ; '),
          (type, subtype, all, at) => {
            const written = [`${type}/${subtype}`, ...all.map(([name, value]) => `${name}=${quote(value)}`)]
            const media = parseMediaType(written.join(at))!
            expect([media.type, media.subtype]).to.deep.equal([type.toLowerCase(), subtype.toLowerCase()])
            // names that are numbers come first, as they do in any object
            expect(media.parameters).to.have.deep.members(
              all.map(([name, value]) => [name.toLowerCase(), value]),
            )
          },
        ),
      )
    })

    it('Names that every object has are names like any other', () => {
      for (const name of ['__proto__', 'constructor', 'tostring']) {
        expect(parseMediaType(`a/b;${name}=c`)?.parameters).to.deep.equal([[name, 'c']])
        expect(parseMediaType('a/b')?.parameters).to.deep.equal([])
      }
    })

    it('Ranges are parsed too', () => {
      for (const [range, type, subtype] of [
        ['*/*', '*', '*'],
        ['text/*', 'text', '*'],
      ] as const) {
        expect(parseMediaType(range)).to.deep.equal({ type, subtype, parameters: [] })
      }
    })

    cases(
      'Anything but a type, a subtype and parameters is refused',
      [
        '',
        ' ',
        'text',
        '*',
        '/',
        'text/',
        '/plain',
        'a/b/c',
        'a /b',
        'a/ b',
        'a/b c',
        'a/b,c/d',
        ';charset=utf-8',
        '"a/b"',
        'a/\u00e9',
        'a\x00/b',
        '(a)/b',
        '@@@',
      ],
      (written) => `${JSON.stringify(written)} is none`,
      (written) => {
        expect(parseMediaType(written)).to.equal(undefined)
      },
    )

    it('Of anything at all it gives a media type or nothing', () => {
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string(),
            fc.string().map((rest) => `a/b;${rest}`),
          ),
          (written) => {
            const media = parseMediaType(written)
            if (media) expect(`${media.type}/${media.subtype}`).to.match(/^[^\s/A-Z]+\/[^\s/A-Z]+$/)
          },
        ),
        { numRuns: runs(1000) },
      )
    })
  })

  it('essenceOf() leaves the parameters out', () => {
    expect(essenceOf('Text/Plain; charset=utf-8')).to.equal('text/plain')
    expect(essenceOf('multipart/mixed;boundary="a;b"')).to.equal('multipart/mixed')
  })

  describe('isUtf8ByDefinition', () => {
    const isUtf8 = (written: string) => isUtf8ByDefinition(parseMediaType(written)!)

    cases(
      'JSON, its relatives and event streams are UTF-8 by definition',
      [
        'text/event-stream',
        'application/json',
        'application/x-ndjson',
        'application/jsonl',
        'application/json-seq',
        'application/problem+json',
        'application/geo+json-seq',
      ],
      (written) => `${written} is`,
      (written) => {
        expect(isUtf8(written)).to.equal(true)
        expect(isUtf8(written.toUpperCase())).to.equal(true)
      },
    )

    cases(
      'Other types are not UTF-8 by definition',
      ['text/plain', 'text/html', 'text/csv', 'application/xml', 'application/xjson'],
      (written) => `${written} is not`,
      (written) => {
        expect(isUtf8(written)).to.equal(false)
      },
    )
  })

  it('sameParameter() does not look at the case', () => {
    expect(sameParameter('UTF-8', 'utf-8')).to.equal(true)
    expect(sameParameter('utf-8', 'utf8')).to.equal(false)
  })
})
