import { expect } from 'chai'
import fc from 'fast-check'
import { parseHttpDate, seconds } from '../../lib/http/date.js'
import { cases } from '../support/cases.js'

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (number: number, filler = '0') => String(number).padStart(2, filler)
const time = (date: Date) =>
  [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((part) => two(part)).join(':')

/** The three forms of RFC 9110 5.6.7. */
const forms: Readonly<Record<string, (date: Date) => string>> = {
  'IMF-fixdate': (date) => date.toUTCString(),
  'the form of RFC 850': (date) => {
    const day = `${two(date.getUTCDate())}-${months[date.getUTCMonth()]}-${two(date.getUTCFullYear() % 100)}`
    return `${days[date.getUTCDay()]}, ${day} ${time(date)} GMT`
  },
  asctime: (date) => {
    const day = `${days[date.getUTCDay()]!.slice(0, 3)} ${months[date.getUTCMonth()]}`
    const year = String(date.getUTCFullYear()).padStart(4, '0')
    return `${day} ${two(date.getUTCDate(), ' ')} ${time(date)} ${year}`
  },
}
const example = new Date(Date.UTC(1994, 10, 6, 8, 49, 37))
const thisYear = new Date().getUTCFullYear()
const nearby = fc.date({
  min: new Date(Date.UTC(thisYear - 49, 0, 1)),
  max: new Date(Date.UTC(thisYear + 49, 11, 31)),
  noInvalidDate: true,
})
const anyDate = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59Z'),
  noInvalidDate: true,
})

describe('HTTP-dates (RFC 9110 5.6.7)', () => {
  it('The examples of the standard are one and the same second', () => {
    for (const text of [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ]) {
      expect(parseHttpDate(text), text).to.equal(784111777)
    }
    expect(Object.values(forms).map((write) => write(example))).to.deep.equal([
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ])
  })

  for (const [name, write] of Object.entries(forms)) {
    it(`Any date, written in ${name}, is read as its whole second`, () => {
      fc.assert(
        fc.property(name === 'the form of RFC 850' ? nearby : anyDate, (date) => {
          expect(parseHttpDate(write(date)), write(date)).to.equal(Math.floor(date.getTime() / 1000))
        }),
        { numRuns: 500 },
      )
    })

    it(`No character of ${name} can be left out or doubled, but where digits make another date`, () => {
      const text = write(example)
      for (let at = 0; at < text.length; at++) {
        for (const bent of [text.slice(0, at) + text.slice(at + 1), text.slice(0, at + 1) + text.slice(at)]) {
          expect(parseHttpDate(bent), bent).to.equal(undefined)
        }
      }
    })
  }

  describe('Years of two digits', () => {
    const read = (year: number) => {
      const text = forms['the form of RFC 850']!(new Date(Date.UTC(year, 5, 1)))
      return new Date(parseHttpDate(text)! * 1000).getUTCFullYear()
    }

    it('Are within 49 years of now, either way', () => {
      for (const away of [-49, -25, -1, 0, 1, 25, 49]) {
        expect(read(thisYear + away)).to.equal(thisYear + away)
      }
    })

    it('More than 50 years ahead, they are of the last century that has had them', () => {
      expect(read(thisYear + 51)).to.equal(thisYear - 49)
      expect(read(thisYear + 99)).to.equal(thisYear - 1)
    })
  })

  it('29 February is there in leap years only', () => {
    const inYear = (year: string) => parseHttpDate(`Tue, 29 Feb ${year} 00:00:00 GMT`)
    expect(inYear('2000')).to.equal(951782400)
    expect(inYear('2024')).to.equal(1709164800)
    expect(inYear('1900')).to.equal(undefined)
    expect(inYear('2023')).to.equal(undefined)
  })

  it('A leap second is the one after it', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).to.equal(Date.UTC(2017, 0, 1) / 1000)
  })

  it('The epoch is a date, and so is what was before it', () => {
    expect(parseHttpDate('Thu, 01 Jan 1970 00:00:00 GMT')).to.equal(0)
    expect(parseHttpDate('Wed, 31 Dec 1969 23:59:59 GMT')).to.equal(-1)
  })

  describe('Nothing else is a date', () => {
    const almost = [
      '',
      '0',
      '1994',
      '784111777',
      '1994-11-06',
      '1994-11-06T08:49:37Z',
      'Nov 6, 1994',
      '6 Nov 1994 08:49:37 GMT',
      'Sun, 6 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37',
      'Sun, 06 Nov 1994 08:49:37 UTC',
      'Sun, 06 Nov 1994 08:49:37 +0000',
      'Sun, 06 Nov 1994 08:49:37 GMT+0100',
      'Sun, 06 Nov 1994 08:49:37 EST',
      'Sun, 06 Nov 94 08:49:37 GMT',
      'Sun, 06 November 1994 08:49:37 GMT',
      'Sunday, 06 Nov 1994 08:49:37 GMT',
      'Sun 06 Nov 1994 08:49:37 GMT',
      'sun, 06 nov 1994 08:49:37 gmt',
      'Sun, 06 Nov 1994 08:49 GMT',
      'Sun, 06 Nov 1994 08:49:37.5 GMT',
      'Sun, 06 Nov 1994 08:49:37 GMT (a comment)',
      ' Sun, 06 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37 GMT\n',
      'Sun Nov 6 08:49:37 1994',
      'Sun Nov  6 08:49:37 1994 GMT',
    ]
    it('Most of these Date.parse would take', () => {
      expect(almost.filter((text) => !Number.isNaN(Date.parse(text))).length).to.be.above(almost.length / 2)
    })
    cases(
      'A date that is almost in one of the three forms is refused',
      [
        ...almost,
        'Sun, 00 Nov 1994 08:49:37 GMT',
        'Sun, 32 Oct 1994 08:49:37 GMT',
        'Sun, 31 Nov 1994 08:49:37 GMT',
        'Sun, 06 Nov 1994 24:00:00 GMT',
        'Sun, 06 Nov 1994 08:60:37 GMT',
        'Sun, 06 Nov 1994 08:49:61 GMT',
        'Son, 06 Nov 1994 08:49:37 GMT',
        'Sun, 06 Okt 1994 08:49:37 GMT',
        'Sun, 06-Nov-94 08:49:37 GMT',
        'Sunday, 06-Nov-1994 08:49:37 GMT',
        'Sun Nov  0 08:49:37 1994',
      ],
      (text) => JSON.stringify(text),
      (text) => {
        expect(parseHttpDate(text)).to.equal(undefined)
      },
    )

    it('Any text at all', () => {
      fc.assert(
        fc.property(fc.string({ maxLength: 40 }), (text) => {
          expect(parseHttpDate(text)).to.equal(undefined)
        }),
      )
    })
  })

  it('seconds() are whole ones, below the epoch too', () => {
    expect(seconds(new Date(1999))).to.equal(1)
    expect(seconds(new Date(0))).to.equal(0)
    expect(seconds(new Date(-1))).to.equal(-1)
  })
})
