import { expect } from 'chai'
import fc from 'fast-check'
import { parseHttpDate, seconds } from '../../lib/http/date.js'
import { matchesStrongly, matchesWeakly, parseEtags, weakened } from '../../lib/http/etag.js'
import { parseMediaType } from '../../lib/http/media-type.js'
import { parseRange } from '../../lib/http/range.js'

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** A date in the three forms of RFC 9110 5.6.7. */
const forms = {
  'IMF-fixdate': (date: Date) => date.toUTCString(),
  'RFC 850': (date: Date) => {
    const [, day, month, year, time] = date.toUTCString().split(' ') as [
      string,
      string,
      string,
      string,
      string,
    ]
    return `${days[date.getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${time} GMT`
  },
  asctime: (date: Date) => {
    const [name, day, month, year, time] = date.toUTCString().split(' ') as [
      string,
      string,
      string,
      string,
      string,
    ]
    return `${name.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
  },
}

describe('HTTP-dates (RFC 9110 5.6.7)', () => {
  const any = fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 11, 31)), noInvalidDate: true })
  const now = new Date().getUTCFullYear()
  const near = fc.date({
    min: new Date(Date.UTC(now - 49, 0)),
    max: new Date(Date.UTC(now + 50, 0)),
    noInvalidDate: true,
  })

  for (const [form, write] of Object.entries(forms)) {
    it(`${form} is read as it was written`, () => {
      fc.assert(
        fc.property(form === 'RFC 850' ? near : any, (date) => {
          expect(parseHttpDate(write(date)), write(date)).to.equal(seconds(date))
        }),
        { numRuns: 1000 },
      )
    })
  }

  it('A two-digit year that seems more than 50 years ahead is in the past', () => {
    const year = (full: number) => String(full % 100).padStart(2, '0')
    const parse = (full: number) =>
      new Date((parseHttpDate(`Monday, 01-Jan-${year(full)} 00:00:00 GMT`) as number) * 1000).getUTCFullYear()
    expect(parse(now)).to.equal(now)
    expect(parse(now + 50)).to.equal(now + 50)
    expect(parse(now + 51)).to.equal(now + 51 - 100)
  })

  it('A leap second is a date', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).to.equal(Date.UTC(2017, 0, 1) / 1000)
  })

  for (const text of [
    '',
    ' ',
    '0',
    '1704067200',
    '2024-01-01',
    '2024-01-01T00:00:00Z',
    '2024-01-01T00:00:00.000Z',
    '1 Jan 2024',
    'Jan 1, 2024',
    'Mon, 1 Jan 2024 00:00:00 GMT',
    'Mon, 01 Jan 2024 00:00:00',
    'Mon, 01 Jan 2024 00:00 GMT',
    'Mon, 01 Jan 2024 00:00:00 UTC',
    'Mon, 01 Jan 2024 00:00:00 +0000',
    'Mon, 01 Jan 2024 00:00:00 GMT+1',
    'Mon, 01 Jan 2024 00:00:00 gmt',
    'mon, 01 jan 2024 00:00:00 GMT',
    'Mon 01 Jan 2024 00:00:00 GMT',
    'Mon,01 Jan 2024 00:00:00 GMT',
    'Mon, 01  Jan 2024 00:00:00 GMT',
    'Mon, 01 Jan 24 00:00:00 GMT',
    'Mon, 01 January 2024 00:00:00 GMT',
    'Foo, 01 Jan 2024 00:00:00 GMT',
    'Mon, 01 Foo 2024 00:00:00 GMT',
    'Mon, 00 Jan 2024 00:00:00 GMT',
    'Mon, 32 Jan 2024 00:00:00 GMT',
    'Thu, 30 Feb 2024 00:00:00 GMT',
    'Thu, 29 Feb 2023 00:00:00 GMT',
    'Mon, 01 Jan 2024 24:00:00 GMT',
    'Mon, 01 Jan 2024 00:60:00 GMT',
    'Mon, 01 Jan 2024 00:00:61 GMT',
    'Mon, 01-Jan-24 00:00:00 GMT',
    'Monday, 01-Jan-2024 00:00:00 GMT',
    'Monday, 01 Jan 24 00:00:00 GMT',
    'Mon Jan 1 00:00:00 2024',
    'Mon Jan  1 00:00:00 2024 GMT',
    'Mon, 01 Jan 2024 00:00:00 GMT, Mon, 01 Jan 2024 00:00:00 GMT',
    'Mon, 01 Jan 2024 00:00:00 GMT\n',
    ' Mon, 01 Jan 2024 00:00:00 GMT',
    'now',
    'Invalid Date',
  ]) {
    it(`${JSON.stringify(text)} is none, whatever Date.parse says`, () => {
      expect(parseHttpDate(text)).to.equal(undefined)
    })
  }

  it('Whatever else is sent is none, and what is one is a whole number', () => {
    const mutated = fc
      .tuple(any, fc.constantFrom(...Object.values(forms)), fc.nat(40), fc.string({ maxLength: 2 }))
      .map(([date, write, at, put]) => {
        const text = write(date)
        return text.slice(0, at) + put + text.slice(at + 1)
      })
    fc.assert(
      fc.property(fc.oneof(fc.string(), mutated), (text) => {
        const parsed = parseHttpDate(text)
        if (parsed !== undefined) expect(Number.isInteger(parsed)).to.equal(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('Dates are in whole seconds, downwards', () => {
    expect(seconds(new Date(1999))).to.equal(1)
    expect(seconds(new Date(-1))).to.equal(-1)
  })
})

describe('Entity tags (RFC 9110 8.8.3)', () => {
  const character = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x22 && code !== 0x7f)
  const opaque = fc.array(character, { maxLength: 8 }).map((codes) => `"${String.fromCharCode(...codes)}"`)
  const etag = fc.tuple(fc.constantFrom('', 'W/'), opaque).map((parts) => parts.join(''))

  it('A list is read as it was written, commas in tags, blanks and empty members included', () => {
    const separator = fc.constantFrom(',', ', ', ' ,', '\t,\t', ',,', ', ,')
    fc.assert(
      fc.property(fc.array(fc.tuple(etag, separator)), (members) => {
        const text = members.flat().join('')
        expect(parseEtags(text)).to.deep.equal(members.map(([each]) => each))
      }),
      { numRuns: 1000 },
    )
  })

  it('* is all of them', () => {
    for (const text of ['*', ' * ', '\t*']) expect(parseEtags(text)).to.equal('*')
  })

  for (const text of ['', ' ', ',', ' , ,\t']) {
    it(`${JSON.stringify(text)} is an empty list`, () => {
      expect(parseEtags(text)).to.deep.equal([])
    })
  }

  for (const text of [
    'a',
    '"',
    '"a',
    'a"',
    '"a""b"',
    '"a" "b"',
    '"a",b',
    'w/"a"',
    'W/ "a"',
    'W/',
    'W"a"',
    '*, "a"',
    '"a", *',
    '**',
    '"a b"',
    '"a\u007f"',
    '"\u0100"',
    "'a'",
    '"a";"b"',
    '"a\n"',
  ]) {
    it(`${JSON.stringify(text)} is malformed`, () => {
      expect(parseEtags(text)).to.equal(undefined)
    })
  }

  it('Anything is a list, * or malformed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('"', 'a', 'W/', ',', ' ', '*', '\\', '"a"')).map((all) => all.join('')),
        (text) => {
          const parsed = parseEtags(text)
          if (Array.isArray(parsed)) for (const each of parsed) expect(each).to.match(/^(?:W\/)?"[^"]*"$/)
          else expect([undefined, '*']).to.include(parsed)
        },
      ),
      { numRuns: 2000 },
    )
  })

  // the table of RFC 9110 8.8.3.2
  for (const [one, other, strong, weak] of [
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ] as const) {
    it(`${one} and ${other}: strong ${strong}, weak ${weak} (RFC 9110 8.8.3.2)`, () => {
      for (const [left, right] of [
        [one, other],
        [other, one],
      ] as const) {
        expect(matchesStrongly(left, right)).to.equal(strong)
        expect(matchesWeakly(left, right)).to.equal(weak)
      }
    })
  }

  it('A weakened tag is weak, and still matches weakly', () => {
    fc.assert(
      fc.property(etag, (each) => {
        expect(weakened(each)).to.match(/^W\/"/)
        expect(weakened(weakened(each))).to.equal(weakened(each))
        expect(matchesWeakly(weakened(each), each)).to.equal(true)
        expect(matchesStrongly(weakened(each), each)).to.equal(false)
      }),
    )
  })
})

describe('Ranges (RFC 9110 14.1.2)', () => {
  it('What is there is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(1100), fc.nat(1100), (size, one, other) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)]
        const expected = first < size ? [{ first, last: Math.min(last, size - 1) }] : []
        expect(parseRange(`bytes=${first}-${last}`, size)).to.deep.equal(expected)
        const rest = first < size ? [{ first, last: size - 1 }] : []
        expect(parseRange(`bytes=${first}-`, size)).to.deep.equal(rest)
        const suffix = one === 0 ? [] : [{ first: Math.max(0, size - one), last: size - 1 }]
        expect(parseRange(`bytes=-${one}`, size)).to.deep.equal(suffix)
      }),
      { numRuns: 1000 },
    )
  })

  it('Whatever is asked for: parts of the body, not much more than it, or nothing', () => {
    const pieces = fc.array(
      fc.constantFrom('0-', '-', '1', '9', '-5', '5-2', ',', ' ', 'a', '=', '99999999999999999999'),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(pieces, fc.nat(20), (all, size) => {
        const ranges = parseRange(`bytes=${all.join('')}`, size)
        for (const { first, last } of ranges ?? []) {
          expect(first).to.be.within(0, last)
          expect(last).to.be.below(size)
        }
        const total = (ranges ?? []).reduce((sum, { first, last }) => sum + last - first + 1, 0)
        expect(total).to.be.at.most(2 * size)
      }),
      { numRuns: 3000 },
    )
  })

  it('An unknown unit or garbage is undefined, nothing that fits is empty', () => {
    for (const text of ['', 'bytes', 'items=0-1', 'bytes=a', 'bytes=1-0'])
      expect(parseRange(text, 10)).to.equal(undefined)
    for (const text of ['bytes=10-', 'bytes=-0', 'bytes=10-20,30-'])
      expect(parseRange(text, 10)).to.deep.equal([])
  })
})

describe('Media types (RFC 9110 8.3.1)', () => {
  const token = fc
    .array(fc.constantFrom(..."abcXYZ019!#$%&'*+-.^_`|~"), { minLength: 1, maxLength: 6 })
    .map((all) => all.join(''))

  it('Are read as they were written: the names in lower case, the values as they are', () => {
    fc.assert(
      fc.property(
        token,
        token,
        fc.uniqueArray(fc.tuple(token, token), { selector: ([name]) => name.toLowerCase(), maxLength: 3 }),
        (type, subtype, parameters) => {
          const text = `${type}/${subtype}${parameters.map(([name, value]) => ` ; ${name}="${value}"`).join('')}`
          const parsed = parseMediaType(text)
          expect(parsed).to.include({ type: type.toLowerCase(), subtype: subtype.toLowerCase() })
          expect(Object.fromEntries(parsed!.parameters)).to.deep.equal(
            Object.fromEntries(parameters.map(([name, value]) => [name.toLowerCase(), value])),
          )
        },
      ),
      { numRuns: 1000 },
    )
  })

  for (const text of [
    '',
    ' ',
    'text',
    'text/',
    '/html',
    '/',
    'text/html/x',
    'te xt/html',
    'text /html',
    'text/html text/plain',
    'text/html, text/plain',
    'text/ht"ml',
    'tëxt/html',
    ';a=b',
  ]) {
    it(`${JSON.stringify(text)} is none`, () => {
      expect(parseMediaType(text)).to.equal(undefined)
    })
  }

  it('Anything is one or none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void parseMediaType(text)),
      { numRuns: 2000 },
    )
  })
})
