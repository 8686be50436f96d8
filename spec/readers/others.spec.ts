import { expect } from 'chai'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { bytes, csv, FormatError, multipart, text } from '../../lib/client.js'
import type { Received } from '../../lib/readers/reader.js'
import { runs } from '../support/runs.js'
import { byByte, cutAt, dataOf, read, utf8 } from './read.js'

describe('The reader of CSV (RFC 4180)', () => {
  it('Reads as csv-parse does, with any line breaks, and quotes where they need not be', () => {
    const field = fc.string({ unit: fc.constantFrom('"', ',', ';', '\n', '\r\n', 'a', 'é', ' ', '') })
    const record = fc.tuple(field, field, fc.boolean(), fc.boolean())
    fc.assert(
      fc.property(
        fc.array(record),
        fc.constantFrom(',', ';', '\t'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.array(fc.nat()),
        (records, delimiter, newline, isEnded, places) => {
          const quoted = (each: string, isQuoted: boolean) =>
            isQuoted || /["\r\n,;]/.test(each) || each === '' ? `"${each.replaceAll('"', '""')}"` : each
          const rows = records.map(([a, b, isA, isB]) => [quoted(a, isA), quoted(b, isB)].join(delimiter))
          const stream = utf8(
            [`"n ""1"`, 'é'].join(delimiter) + newline + rows.join(newline) + (isEnded ? newline : ''),
          )
          const expected = parse(Buffer.from(stream), {
            columns: true,
            skip_empty_lines: true,
            delimiter,
            record_delimiter: newline,
          }) as unknown[]
          for (const pieces of [[stream], cutAt(stream, places), byByte(stream)])
            expect(dataOf(csv, pieces)).to.deep.equal(expected.map((each) => ({ ...(each as object) })))
        },
      ),
      { numRuns: runs(400) },
    )
  })

  it('Is cut within quotes, and within a record that lacks fields; one that lacks them in mid-stream is none', () => {
    expect(read(csv, ['a,b\n1,"2'])).to.deep.equal({ received: [], isWhole: false })
    expect(read(csv, ['a,b\n1,2\n3'])).to.deep.equal({
      received: [{ data: { a: '1', b: '2' } }],
      isWhole: false,
    })
    expect(() => read(csv, ['a,b\n1\n2,3\n'])).to.throw(FormatError, 'A record of 1 fields in 2 columns')
  })

  it('Passes over a BOM and empty lines, but not over an empty field in quotes', () => {
    expect(dataOf(csv, ['\ufeffa\n\n1\r\n\r\n""\n'])).to.deep.equal([{ a: '1' }, { a: '' }])
  })
})

describe('The reader of multipart (RFC 2046 5.1)', () => {
  const type = 'multipart/mixed; boundary="b d"'

  it('Passes over preamble, epilogue and padding, and reads parts without fields as text', () => {
    const stream = utf8(
      'before\r\n--b d \r\n\r\na\r\n--b d\r\nContent-Type: application/x+json\r\n\r\n[1]\r\n--b d--\r\nafter\r\n--b d\r\n\r\nno',
    )
    for (const pieces of [[stream], byByte(stream)])
      expect(read(multipart, pieces, { type })).to.deep.equal({
        received: [{ data: 'a' }, { data: [1] }],
        isWhole: true,
      })
  })

  it('Reads a part once the next delimiter has come, and is not whole without the last', () => {
    const part = '--b d\r\n\r\na\r\n--b'
    expect(read(multipart, [part], { type })).to.deep.equal({ received: [], isWhole: false })
    expect(read(multipart, [`${part} d`], { type })).to.deep.equal({
      received: [{ data: 'a' }],
      isWhole: false,
    })
    expect(read(multipart, [`${part} d-`, '-'], { type })).to.deep.equal({
      received: [{ data: 'a' }],
      isWhole: true,
    })
  })

  it('Reads base64, and bytes as they are', () => {
    const body = Uint8Array.from({ length: 256 }, (_, at) => at)
    const head = '--b d\r\nContent-Type: image/png\r\n'
    const coded = `${head}content-transfer-encoding: Base64 \r\n\r\n${Buffer.from(body).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n--b d--`
    expect(dataOf(multipart, [coded], { type })).to.deep.equal([body])
    const plain = [`${head}\r\n`, body, '\r\n--b d--']
    expect(dataOf(multipart, plain, { type })).to.deep.equal([body])
  })

  it('Finds a boundary behind what only begins like it', () => {
    for (const data of ['\r\n--b', '\r', '\r\n-', '\r\n--b\r\n--b', '\r\r\n--b c', '--b c'])
      expect(dataOf(multipart, byByte(utf8(`--b d\r\n\r\n${data}\r\n--b d--`)), { type })).to.deep.equal([
        data,
      ])
  })

  it('Fails without a boundary, and at a part without a blank line', () => {
    expect(() => read(multipart, [], { type: 'multipart/mixed' })).to.throw(FormatError, 'No boundary')
    expect(() => read(multipart, ['--x\r\na\r\n--x'], { type: 'multipart/mixed; boundary=x' })).to.throw(
      FormatError,
      'A part without a blank line',
    )
  })

  it('Holds no more than a part of a long stream', () => {
    const into: Received[] = []
    const parser = multipart.read('multipart/mixed; boundary=x', {}, into)
    const part = utf8(`--x\r\n\r\n${'a'.repeat(1000)}\r\n`)
    let count = 0
    for (let at = 0; at < 2000; at++) {
      parser.take(part)
      count += into.splice(0).length
    }
    expect(count).to.equal(1999)
  })
})

describe('The readers of text and bytes', () => {
  it('Give each chunk, of characters that are whole', () => {
    expect(dataOf(text, byByte(utf8('aé')))).to.deep.equal(['a', 'é'])
    expect(dataOf(text, [Uint8Array.of(0xc3)])).to.deep.equal(['\ufffd'])
    expect(dataOf(text, [Uint8Array.of(0xe9)], { type: 'text/plain; charset=iso-8859-1' })).to.deep.equal([
      'é',
    ])
    expect(dataOf(bytes, [Uint8Array.of(1), Uint8Array.of(2, 3)])).to.deep.equal([
      Uint8Array.of(1),
      Uint8Array.of(2, 3),
    ])
  })
})
