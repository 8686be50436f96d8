import { expect } from 'chai'
import fc from 'fast-check'
import { FormatError, jsonArray, jsonSeq, multipart, ndjson, type Reader } from '../../lib/client.js'
import { runs } from '../support/runs.js'
import { byByte, cutAt, dataOf, read, utf8 } from './read.js'

const goesOn = { goesOn: true, envelope: false }

describe('The reader of NDJSON', () => {
  it('Reads lines, whose last may lack its LF', () => {
    for (const text of ['1\n2\n', '1\r\n2\r\n', ' 1\n\n \t2\n', '1\n2 '])
      expect(read(ndjson, [text])).to.deep.equal({ received: [{ data: 1 }, { data: 2 }], isWhole: true })
    expect(read(ndjson, ['1\n{"a":1}'])).to.deep.equal({
      received: [{ data: 1 }, { data: { a: 1 } }],
      isWhole: true,
    })
  })

  it('Takes no number without its LF for whole: it may have lost digits', () => {
    for (const rest of ['12', 'tru', 'true', '{"a"', '"a'])
      expect(read(ndjson, [`1\n${rest}`])).to.deep.equal({ received: [{ data: 1 }], isWhole: false })
  })

  it('Fails at a line that is no JSON, and shows the beginning of it', () => {
    expect(() => read(ndjson, [`${'x'.repeat(300)}\n`])).to.throw(FormatError, /^Not JSON: x{100}$/)
  })
})

describe('The reader of JSON text sequences (RFC 7464)', () => {
  it('Gives a record once its LF is there, though it is of several lines', () => {
    expect(dataOf(jsonSeq, ['\x1e{\n"a":\n1}\n'], goesOn)).to.deep.equal([{ a: 1 }])
    expect(dataOf(jsonSeq, ['\x1e{\n'], goesOn)).to.deep.equal([])
  })

  it('Passes over what was cut, and over empty records', () => {
    expect(read(jsonSeq, ['\x1e\x1e{"a\x1e12\x1e{"b":1}\x1e3\n\x1e{"c'])).to.deep.equal({
      received: [{ data: { b: 1 } }, { data: 3 }],
      isWhole: false,
    })
  })
})

describe('The reader of a JSON array', () => {
  it('Gives an element as soon as it is whole: not only when another comes', () => {
    expect(dataOf(jsonArray, ['[{"a":[1,"]"]}'], goesOn)).to.deep.equal([{ a: [1, ']'] }])
    expect(dataOf(jsonArray, ['["a\\""'], goesOn)).to.deep.equal(['a"'])
    expect(dataOf(jsonArray, ['[12'], goesOn)).to.deep.equal([])
    expect(dataOf(jsonArray, ['[12,'], goesOn)).to.deep.equal([12])
  })

  it('Reads any array, however it is spaced and cut', () => {
    const list = fc.array(
      fc.jsonValue({
        stringUnit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', 'é', '🪢', '\n') as never,
      }),
    )
    fc.assert(
      fc.property(list, fc.nat(3), fc.array(fc.nat()), (values, indent, places) => {
        const text = utf8(` ${JSON.stringify(values, null, indent)}\n`)
        const expected = JSON.parse(JSON.stringify(values))
        for (const pieces of [[text], cutAt(text, places), byByte(text)]) {
          expect(dataOf(jsonArray, pieces, { envelope: false })).to.deep.equal(expected)
          expect(read(jsonArray, [text.subarray(0, -2)]).isWhole).to.equal(false)
        }
      }),
      { numRuns: runs(400) },
    )
  })

  it('Reads another value as one, at its end', () => {
    for (const value of [{ a: [1] }, 'a', 12, true, null])
      for (const pieces of [[JSON.stringify(value)], byByte(utf8(` ${JSON.stringify(value)} `))])
        expect(read(jsonArray, pieces, { envelope: false })).to.deep.equal({
          received: [{ data: value }],
          isWhole: true,
        })
    expect(read(jsonArray, ['{"a":'])).to.deep.equal({ received: [], isWhole: false })
    expect(read(jsonArray, [])).to.deep.equal({ received: [], isWhole: false })
  })

  it('Fails at what follows its end, but for white space', () => {
    expect(dataOf(jsonArray, ['[1]', ' \n'])).to.deep.equal([1])
    expect(() => read(jsonArray, ['[1]', '2'])).to.throw(FormatError, 'Behind the end of the array: 2')
    expect(() => read(jsonArray, ['[1}', ''])).to.throw(FormatError)
  })
})

describe("A user's parse that fails", () => {
  const parse = (text: string) => {
    if (text.includes('2')) throw new Error('2 is refused')
    return JSON.parse(text)
  }

  it('Is told, and is no reason to take a record for one that was cut', () => {
    for (const [reader, text] of [
      [ndjson, '{"a":1}\n{"a":2}'],
      [ndjson, '{"a":1}\n{"a":2}\n'],
      [jsonSeq, '\x1e{"a":1}\n\x1e{"a":2}\n\x1e{"a":1}\n'],
      [jsonSeq, '\x1e{"a":2}'],
      [jsonArray, '[{"a":2}]'],
      [jsonArray, '{"a":2}'],
    ] as const)
      for (const pieces of [[text], byByte(utf8(text))])
        expect(() => read(reader, pieces, { parse }), text).to.throw(FormatError)
  })

  it('Is not told of a record that was cut', () => {
    for (const reader of [ndjson, jsonSeq])
      expect(read(reader, ['\x1e{"a":2'.slice(reader === ndjson ? 1 : 0)], { parse })).to.deep.equal({
        received: [],
        isWhole: false,
      })
  })
})

describe('The readers, of a long record in short pieces,', () => {
  const sized = 100_000
  const [text, type] = ['x'.repeat(sized), 'multipart/mixed; boundary=b']
  const milliseconds = (reader: Reader, before: string, after: string) => {
    const pieces = byByte(utf8(before + text + after))
    const begun = performance.now()
    expect(read(reader, pieces, { type }).received.length).to.equal(1)
    return performance.now() - begun
  }

  for (const [name, reader, before, after] of [
    ['JSON text sequences', jsonSeq, '\x1e"', '"\n'],
    ['a JSON array', jsonArray, '["', `"]${' '.repeat(sized)}`],
    ['multipart', multipart, '--b\r\n\r\n', '\r\n--b--'],
  ] as const)
    it(`Take no time that grows by its square: ${name}`, () => {
      const usual = milliseconds(ndjson, '"', '"\n')
      expect(milliseconds(reader, before, after)).to.be.below(100 + 8 * usual)
    })
})

describe('Envelopes', () => {
  const lines = (records: readonly unknown[]) => records.map((each) => `${JSON.stringify(each)}\n`).join('')

  it('Are seen by the first record, unless it is said', () => {
    const record = { id: 'a', type: 'b', data: 1 }
    expect(read(ndjson, [lines([record, 2, { x: 1 }])]).received).to.deep.equal([
      record,
      { data: 2 },
      { data: { x: 1 } },
    ])
    expect(dataOf(ndjson, [lines([2, record])])).to.deep.equal([2, record])
    expect(dataOf(ndjson, [lines([record])], { envelope: false })).to.deep.equal([record])
    expect(read(ndjson, [lines([2, record])], { envelope: true }).received).to.deep.equal([
      { data: 2 },
      record,
    ])
  })

  it('Are of notices, and of events without data', () => {
    const notice = { notice: 'gap', requested: 'x', reason: 'trimmed', id: 'a' }
    expect(
      read(ndjson, [lines([notice, { id: 'b' }, { type: 'ping' }, { data: null }])]).received,
    ).to.deep.equal([
      { notice: 'gap', data: { requested: 'x', reason: 'trimmed' }, id: 'a' },
      { id: 'b' },
      { type: 'ping' },
      { data: null },
    ])
  })

  it('Have no id, and no type, where that is null', () => {
    const record = { id: null, type: null, data: 1 }
    const [received] = read(ndjson, [lines([record])]).received
    expect(received).to.deep.equal({ data: 1 })
    const [other] = read(ndjson, [lines([{ ...record, notice: null, id: 'a' }])]).received
    expect(other).to.deep.equal({ data: 1, id: 'a' })
  })

  it('Are not what only looks like them', () => {
    for (const record of [
      null,
      [],
      'x',
      { data: 1, more: 2 },
      { id: 1, data: 2 },
      { notice: 'other' },
      { notice: 1 },
      {},
      { id: 'a' },
    ])
      expect(dataOf(ndjson, [lines([record])])).to.deep.equal([record])
  })
})
