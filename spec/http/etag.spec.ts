import { expect } from 'chai'
import fc from 'fast-check'
import { matchesStrongly, matchesWeakly, parseEtags, weakened } from '../../lib/http/etag.js'
import { cases } from '../support/cases.js'

const opaque = fc
  .array(fc.constantFrom(...'!#$,;~W/x0\\\x80\xff'), { maxLength: 8 })
  .map((characters) => `"${characters.join('')}"`)
const etag = fc.tuple(fc.constantFrom('', 'W/'), opaque).map((parts) => parts.join(''))
const space = fc.constantFrom('', ' ', '\t', '  ')

describe('Entity tags', () => {
  describe('parseEtags (RFC 9110 13.1.1, 13.1.2)', () => {
    it('Of a list of any tags, in any spacing, it gives the tags', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(space, etag, space), { minLength: 1, maxLength: 6 }), (members) => {
          const header = members.map((parts) => parts.join('')).join(',')
          expect(parseEtags(header)).to.deep.equal(members.map(([, tag]) => tag))
        }),
      )
    })

    it('A comma inside of a tag does not split it', () => {
      expect(parseEtags('"a,b", W/","')).to.deep.equal(['"a,b"', 'W/","'])
    })

    it('A backslash escapes nothing (8.8.3)', () => {
      expect(parseEtags('"a\\","b"')).to.deep.equal(['"a\\"', '"b"'])
    })

    it('Empty members are skipped (5.6.1), and a list may have nothing else', () => {
      expect(parseEtags(',"a",,"b",')).to.deep.equal(['"a"', '"b"'])
      for (const header of ['', ' ', ',', ' , ,\t,']) expect(parseEtags(header), header).to.deep.equal([])
    })

    it('A star stands alone', () => {
      for (const header of ['*', ' *', '*\t']) expect(parseEtags(header)).to.equal('*')
      for (const header of ['*,', '*, "a"', '"a", *', '**', '"*"x']) {
        expect(parseEtags(header), header).to.equal(undefined)
      }
    })

    cases(
      'Anything but a list of entity tags is refused',
      [
        'a',
        '"a',
        'a"',
        '"',
        "'a'",
        'w/"a"',
        'W/ "a"',
        'W/a',
        'W/',
        '"a" "b"',
        '"a""b"',
        '"a";q=1',
        '"a b"',
        '"a\x7f"',
        '"a", b',
        '"\x00"',
        '\u00a0"a"',
      ],
      (header) => `${JSON.stringify(header)} is none`,
      (header) => {
        expect(parseEtags(header)).to.equal(undefined)
      },
    )

    it('Of anything at all it gives a star, tags, or nothing', () => {
      const text = fc.array(fc.constantFrom(...'W/"*, \ta\\w;\xff'), { maxLength: 20 })
      fc.assert(
        fc.property(text, (characters) => {
          const parsed = parseEtags(characters.join(''))
          if (parsed === undefined || parsed === '*') return
          for (const each of parsed) expect(each).to.match(/^(W\/)?"[^"\s]*"$/)
        }),
      )
    })
  })

  describe('Comparison (RFC 9110 8.8.3.2)', () => {
    it('Table 3 of the standard', () => {
      for (const [one, other, strong, weak] of [
        ['W/"1"', 'W/"1"', false, true],
        ['W/"1"', 'W/"2"', false, false],
        ['W/"1"', '"1"', false, true],
        ['"1"', '"1"', true, true],
      ] as const) {
        expect(matchesStrongly(one, other), `${one} ${other}, strongly`).to.equal(strong)
        expect(matchesWeakly(one, other), `${one} ${other}, weakly`).to.equal(weak)
      }
    })

    it('Either way round it is the same, and what matches strongly matches weakly', () => {
      fc.assert(
        fc.property(etag, etag, (one, other) => {
          expect(matchesStrongly(one, other)).to.equal(matchesStrongly(other, one))
          expect(matchesWeakly(one, other)).to.equal(matchesWeakly(other, one))
          if (matchesStrongly(one, other)) expect(matchesWeakly(one, other)).to.equal(true)
        }),
      )
    })

    it('A weakened tag matches its own weakly, and nothing strongly', () => {
      fc.assert(
        fc.property(etag, (tag) => {
          const weak = weakened(tag)
          expect(parseEtags(weak)).to.deep.equal([weak])
          expect(matchesWeakly(weak, tag)).to.equal(true)
          expect(matchesStrongly(weak, tag)).to.equal(false)
          expect(weakened(weak)).to.equal(weak)
        }),
      )
    })

    it('The case of a tag counts', () => {
      expect(matchesWeakly('"a"', '"A"')).to.equal(false)
    })
  })
})
