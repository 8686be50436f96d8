import { expect } from 'chai'
import fc from 'fast-check'
import { parseRange } from '../../lib/http/range.js'
import { cases } from '../support/cases.js'
import { runs } from '../support/runs.js'

type Spec = { from: number; to?: number } | { suffix: number }

const spec: fc.Arbitrary<Spec> = fc.oneof(
  fc.record({ from: fc.nat(25), to: fc.nat(25) }),
  fc.record({ from: fc.nat(25) }),
  fc.record({ suffix: fc.nat(25) }),
)
const write = (each: Spec) => ('suffix' in each ? `-${each.suffix}` : `${each.from}-${each.to ?? ''}`)

/** The bytes that a spec stands for: each position of the body, asked whether it is meant. */
function bytesOf(each: Spec, size: number): readonly number[] {
  return Array.from({ length: size }, (_, position) => position).filter((position) =>
    'suffix' in each
      ? position >= size - each.suffix
      : position >= each.from && (each.to === undefined || position <= each.to),
  )
}

describe('Ranges (RFC 9110 14.1.2, 14.2)', () => {
  it('Of any specs, they are the bytes that a naive reading gives', () => {
    fc.assert(
      fc.property(
        fc.array(spec, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 20 }),
        (specs, size) => {
          const parsed = parseRange(`bytes=${specs.map(write).join(',')}`, size)
          const isBackward = specs.some(
            (each) => 'to' in each && each.to !== undefined && each.to < each.from,
          )
          const parts = specs.map((each) => bytesOf(each, size)).filter((bytes) => bytes.length > 0)
          const isTooMuch = parts.flat().length > 2 * size
          const expected = parts.map((bytes) => ({ first: bytes[0], last: bytes.at(-1) }))
          expect(parsed).to.deep.equal(isBackward || isTooMuch ? undefined : expected)
        },
      ),
      { numRuns: runs(2000) },
    )
  })

  it('The examples of the standard', () => {
    const size = 10_000
    const cases: Readonly<Record<string, readonly (readonly [first: number, last: number])[]>> = {
      'bytes=0-499': [[0, 499]],
      'bytes=500-999': [[500, 999]],
      'bytes=-500': [[9500, 9999]],
      'bytes=9500-': [[9500, 9999]],
      'bytes=0-0,-1': [
        [0, 0],
        [9999, 9999],
      ],
      'bytes= 0-999, 4500-5499, -1000': [
        [0, 999],
        [4500, 5499],
        [9000, 9999],
      ],
    }
    for (const [header, parts] of Object.entries(cases)) {
      expect(parseRange(header, size), header).to.deep.equal(parts.map(([first, last]) => ({ first, last })))
    }
  })

  it('A last position beyond the end is clamped, a suffix longer than the body is the whole', () => {
    expect(parseRange('bytes=3-99', 10)).to.deep.equal([{ first: 3, last: 9 }])
    expect(parseRange('bytes=-99', 10)).to.deep.equal([{ first: 0, last: 9 }])
  })

  it('Of several the unsatisfiable ones are left out; none that fits leaves none', () => {
    expect(parseRange('bytes=10-,0-1,-0', 10)).to.deep.equal([{ first: 0, last: 1 }])
    for (const header of ['bytes=10-', 'bytes=10-12', 'bytes=-0', 'bytes=99-,-0']) {
      expect(parseRange(header, 10), header).to.deep.equal([])
    }
  })

  it('Of an empty body nothing can be had', () => {
    for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
      expect(parseRange(header, 0), header).to.deep.equal([])
    }
  })

  it('Numbers of any length are numbers', () => {
    const huge = '9'.repeat(400)
    expect(parseRange(`bytes=0-${huge}`, 10)).to.deep.equal([{ first: 0, last: 9 }])
    expect(parseRange(`bytes=-${huge}`, 10)).to.deep.equal([{ first: 0, last: 9 }])
    expect(parseRange(`bytes=${huge}-`, 10)).to.deep.equal([])
    expect(parseRange('bytes=000-0001', 10)).to.deep.equal([{ first: 0, last: 1 }])
  })

  it('The unit is compared without case (14.1)', () => {
    expect(parseRange('BYTES=0-1', 10)).to.deep.equal([{ first: 0, last: 1 }])
  })

  it('Empty members of the list are skipped (5.6.1)', () => {
    expect(parseRange('bytes=,0-1,, ,2-3,', 10)).to.deep.equal([
      { first: 0, last: 1 },
      { first: 2, last: 3 },
    ])
  })

  describe('Headers that ask for no range', () => {
    cases(
      'A header of another form, or with another unit, asks for no range',
      [
        '',
        'bytes',
        'bytes=',
        'bytes=,',
        'bytes=-',
        'bytes=a',
        'bytes=a-b',
        'bytes=0',
        'bytes=0-1-2',
        'bytes=--1',
        'bytes=1-0',
        'bytes=0-1,1-0',
        'bytes=0-1,x',
        'bytes=0x0-0x1',
        'bytes=1e0-2',
        'bytes=+0-1',
        'bytes=0.5-1',
        'bytes=0 - 1',
        'bytes=0-1;2-3',
        'bytes=0-1=',
        'bytes:0-1',
        'bytes 0-1',
        '=0-1',
        '0-1',
        'octets=0-1',
        'items=0-1',
        'none',
        'bytes=\u0660-\u0661',
      ],
      (header) => JSON.stringify(header),
      (header) => {
        expect(parseRange(header, 10)).to.equal(undefined)
      },
    )
  })

  describe('A request for far more than there is, is ignored (14.2, 17.15)', () => {
    it('More than a hundred ranges', () => {
      const ranges = (count: number) => `bytes=${Array.from({ length: count }, () => '0-0').join(',')}`
      expect(parseRange(ranges(100), 1000)).to.have.length(100)
      expect(parseRange(ranges(101), 1000)).to.equal(undefined)
    })

    it('More than twice the body', () => {
      expect(parseRange('bytes=0-,0-', 10)).to.have.length(2)
      expect(parseRange('bytes=0-,0-,0-0', 10)).to.equal(undefined)
    })
  })

  it('Of anything at all, what comes is inside of the body', () => {
    const text = fc.array(fc.constantFrom(...'0123456789-, =b'), { maxLength: 20 })
    fc.assert(
      fc.property(text, fc.nat(20), (characters, size) => {
        for (const { first, last } of parseRange(`bytes=${characters.join('')}`, size) ?? []) {
          expect(first).to.be.within(0, last)
          expect(last).to.be.below(size)
        }
      }),
      { numRuns: runs(1000) },
    )
  })
})
