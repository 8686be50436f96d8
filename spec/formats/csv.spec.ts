import { Readable } from 'node:stream'
import { expect } from 'chai'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { csv } from '../../lib/formats/csv.js'
import { cases } from '../support/cases.js'
import { hostile } from './strings.js'
import { encoded, written } from './written.js'

function read(bytes: Buffer, options: { delimiter: string; bom: boolean }): string[][] {
  return parse(bytes, { record_delimiter: '\r\n', ...options })
}

describe('csv', () => {
  const format = csv({ columns: ['a', 'b'] })

  it('is text/csv, opens with the header row, and has neither end nor heartbeat', () => {
    expect(format).to.include({ mediaType: 'text/csv', open: 'a,b\r\n' })
    expect(format).to.not.have.any.keys('close', 'heartbeat', 'notice')
    expect(csv({ columns: ['a,b', 'c"'] }).open).to.equal('"a,b","c"""\r\n')
    expect(csv({ columns: [''] }).open).to.equal('""\r\n')
  })

  const records: [rule: string, data: unknown, bytes: string][] = [
    ['reads an object by the names of the columns', { b: 2, a: 1, c: 3 }, '1,2\r\n'],
    ['reads an array by position', [1, 2], '1,2\r\n'],
    ['leaves null and undefined empty', [null, undefined], ',\r\n'],
    ['leaves the holes of a sparse array empty', Array(2), ',\r\n'],
    ['leaves what an object has not empty', {}, ',\r\n'],
    ['keeps falsy values', [0, false], '0,false\r\n'],
    ['writes strings, numbers, booleans and bigints plainly', ['text', 10n], 'text,10\r\n'],
    ['writes a Date as ISO 8601', [new Date(0), ''], '1970-01-01T00:00:00.000Z,\r\n'],
    ['writes other objects as JSON', [{ a: 1 }, [1, 2]], '"{""a"":1}","[1,2]"\r\n'],
    ['quotes what has a quote, a comma, CR or LF (RFC 4180 2.6)', ['a,b', 'c\n'], '"a,b","c\n"\r\n'],
    ['quotes a lone CR', ['\r', 1], '"\r",1\r\n'],
    ['doubles quotes (RFC 4180 2.7)', ['"', 'a"b'], '"""","a""b"\r\n'],
    ['keeps spaces, which are part of a field (RFC 4180 2.4)', [' a ', '\t'], ' a ,\t\r\n'],
  ]
  for (const [rule, data, bytes] of records) {
    it(rule, () => expect(encoded(format, data)).to.equal(bytes))
  }

  it('quotes a lone empty field, which would be an empty line', () => {
    const one = csv({ columns: ['a'] })
    for (const data of [[''], [null], {}, { a: undefined }]) expect(encoded(one, data)).to.equal('""\r\n')
  })

  it('reads the getters of a class, but nothing that every object inherits', () => {
    class Row {
      get a() {
        return 'got'
      }
    }
    expect(encoded(format, new Row())).to.equal('got,\r\n')
    const inherited = csv({ columns: ['constructor', '__proto__', 'toString'] })
    expect(encoded(inherited, {})).to.equal(',,\r\n')
    expect(encoded(inherited, { constructor: 1, ['__proto__']: 2, toString: 3 })).to.equal('1,2,3\r\n')
    expect(encoded(format, Object.assign(Object.create(null), { a: 1 }))).to.equal('1,\r\n')
  })

  it('names the column of a value that cannot be written', () => {
    expect(() => encoded(format, { a: 1, b: Symbol('no') }))
      .to.throw(TypeError, /column 'b'.*Symbol\(no\)/)
      .that.includes({ code: 'LARIAT_DATA' })
    expect(() => encoded(format, { a: new Date(Number.NaN) }))
      .to.throw(TypeError, /column 'a'.*Date is invalid/)
      .that.includes({ code: 'LARIAT_DATA' })
  })

  it('gives what a getter threw as the cause', () => {
    const cause = new Error('no such row')
    const row = {
      get a() {
        throw cause
      },
    }
    expect(() => encoded(format, row))
      .to.throw(TypeError, /column 'a'.*no such row/)
      .that.includes({ code: 'LARIAT_DATA', cause })
  })

  it('takes what keeps its values elsewhere for no record, rather than write an empty one', () => {
    const rejected = Promise.reject(new Error('nobody’s'))
    for (const data of [
      new Map([['a', 1]]),
      new Set([1]),
      new Response('a'),
      new Blob(['a']),
      Readable.from([1]),
    ])
      expect(() => encoded(format, data))
        .to.throw(TypeError, 'is not a record')
        .that.includes({ code: 'LARIAT_DATA' })
    expect(() => encoded(format, rejected)).to.throw(TypeError, 'A promise cannot be written: await it first')
    expect(encoded(csv({ columns: ['message'] }), new Error('a'))).to.equal('a\r\n')
    expect(encoded(csv({ columns: ['size'] }), new Map([['a', 1]]))).to.equal('1\r\n')
  })

  it('says how many values an array should have had', () => {
    expect(() => encoded(format, [1]))
      .to.throw(TypeError, 'expected 2 values')
      .that.includes({ code: 'LARIAT_DATA' })
  })

  it('takes the text of a record from a serialize, and ends the line', () => {
    const own = csv({ columns: ['a', 'b'], serialize: (data) => `${String(data)};x` })
    expect(encoded(own, 1)).to.equal('1;x\r\n')
  })

  cases(
    'refuses columns that are not a list of names',
    [undefined, [], 'a,b', ['a', 1], {}, null],
    (columns) => `refuses ${JSON.stringify(columns)} for columns`,
    (columns) => {
      expect(() => csv({ columns: columns as never }))
        .to.throw(TypeError, /columns.*expected a list of column names/)
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  it('refuses to be made without options', () => {
    expect(() => csv(undefined as never))
      .to.throw(TypeError, 'columns')
      .that.includes({ code: 'LARIAT_SPEC' })
  })

  it('is not changed by what happens to its list of columns later', () => {
    const columns = ['a']
    const kept = csv({ columns })
    columns.push('b')
    expect(encoded(kept, [1])).to.equal('1\r\n')
  })

  it('parts fields by another delimiter, and quotes by that one', () => {
    const tabbed = csv({ columns: ['a,b', 'c\td'], delimiter: '\t' })
    expect(tabbed.open).to.equal('a,b\t"c\td"\r\n')
    expect(encoded(tabbed, ['1,5', 'x\ty'])).to.equal('1,5\t"x\ty"\r\n')
    expect(csv({ columns: ['a', 'b'], delimiter: '😀' }).open).to.equal('a😀b\r\n')
  })

  it('begins with a byte-order mark, if it is asked to', () => {
    expect(csv({ columns: ['a'], bom: true }).open).to.equal('\uFEFFa\r\n')
    expect(csv({ columns: ['a'], bom: false }).open).to.equal('a\r\n')
  })

  cases(
    'refuses a delimiter that is not one character, or that parts lines and fields already',
    ['', '"', '\r', '\n', '\r\n', ';;', '\ud83d', 9, null],
    (delimiter) => `refuses ${JSON.stringify(delimiter)} for its delimiter`,
    (delimiter) => {
      expect(() => csv({ columns: ['a'], delimiter: delimiter as never }))
        .to.throw(TypeError, /delimiter.*expected one character/)
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  it('reads back as it was sent (csv-parse), by any delimiter, whatever is in it', () => {
    const delimiters = fc.constantFrom(',', ';', '\t', '|', ' ', ':', '-', '\u2028')
    const table = fc.integer({ min: 1, max: 4 }).chain((width) => {
      const row = fc.array(hostile, { minLength: width, maxLength: width })
      return fc.record({ columns: row, rows: fc.array(row, { maxLength: 4 }) })
    })
    fc.assert(
      fc.property(table, delimiters, fc.boolean(), ({ columns, rows }, delimiter, bom) => {
        const bytes = written(csv({ columns, delimiter, bom }), rows)
        expect(read(bytes, { delimiter, bom })).to.deep.equal([columns, ...rows])
      }),
    )
  })

  it('reads the same from objects as from arrays', () => {
    const names = fc.uniqueArray(hostile, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(names, fc.array(hostile, { minLength: 4, maxLength: 4 }), (columns, values) => {
        const row = Object.fromEntries(columns.map((name, index) => [name, values[index]]))
        const format = csv({ columns })
        expect(encoded(format, row)).to.equal(encoded(format, values.slice(0, columns.length)))
      }),
    )
  })
})
