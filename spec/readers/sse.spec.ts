import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { sse } from '../../lib/client.js'
import { runs } from '../support/runs.js'
import { byByte, cutAt, read, utf8 } from './read.js'

const said = (text: string, options = {}) => read(sse, [text], options).received

describe('The reader of SSE (WHATWG HTML 9.2.6)', () => {
  for (const [rule, text, received] of [
    ['joins data lines by LF', 'data: 1\ndata\ndata:x\n\n', [{ data: '1\n\nx' }]],
    ['takes off one space behind the colon', 'data:  a\n\n', [{ data: ' a' }]],
    [
      'ends lines at CR, LF and CRLF',
      'data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\r',
      [{ data: 'a\nb\nc' }, { data: 'd' }],
    ],
    ['passes over a BOM at the beginning', '\ufeffdata: 1\n\n', [{ data: 1 }]],
    ['takes a second BOM for part of a name', '\ufeff\ufeffdata: 1\n\n', []],
    ['passes over comments and fields that it does not know', ': hi\nother: 1\n data: 2\nDATA: 3\n\n', []],
    ['dispatches nothing without data, and forgets the type', 'event: a\n\ndata: 1\n\n', [{ data: 1 }]],
    ['dispatches empty data', 'data\n\ndata:\n\n', [{ data: '' }, { data: '' }]],
    ['does not dispatch what the end cuts off', 'id: a\ndata: 1\n', []],
    ['keeps an id that has no data', 'id: a\n\n', [{ id: 'a' }]],
    ['resets the id by an empty one', 'id\ndata: 1\n\n', [{ data: 1, id: '' }]],
    ['passes over an id with NUL', 'id: a\nid: b\0\ndata: 1\n\n', [{ data: 1, id: 'a' }]],
    [
      'takes the last type and id',
      'event: a\nevent: b\nid: 1\nid: 2\ndata: 1\n\n',
      [{ data: 1, id: '2', type: 'b' }],
    ],
    ['takes an empty type for none', 'event: a\nevent\ndata: 1\n\n', [{ data: 1 }]],
    ['takes a retry of digits alone', 'retry: 7\nretry: 7s\nretry: -1\nretry\nretry: ٣\n', [{ retry: 7 }]],
    ['decodes bytes that are no UTF-8', Uint8Array.of(...utf8('data: '), 0xff, 10, 10), [{ data: '\ufffd' }]],
    [
      'reads JSON, and takes for text what is none',
      'data: {"a":[1]}\n\ndata: {a}\n\n',
      [{ data: { a: [1] } }, { data: '{a}' }],
    ],
  ] as const)
    it(`${rule}`, () => {
      for (const bytes of [typeof text === 'string' ? utf8(text) : text]) {
        expect(read(sse, [bytes]).received).to.deep.equal(received)
        expect(read(sse, byByte(bytes)).received).to.deep.equal(received)
      }
    })

  it('Tells notices from events of the same type by what they have, whatever parse makes of data', () => {
    const notices = [
      ['gap', { requested: 'a', reason: 'trimmed' }],
      ['position', { heartbeat: 9 }],
      ['position', {}],
      ['end', { reason: 'stop' }],
      ['reconnect', { reason: 'shutdown' }],
      ['failed', {}],
    ] as const
    for (const options of [{}, { parse: (text: string) => text }])
      for (const [notice, data] of notices)
        expect(said(`event: ${notice}\nid: a\ndata: ${JSON.stringify(data)}\n\n`, options)).to.deep.equal([
          { notice, data, id: 'a' },
        ])
    for (const type of ['gap', 'position', 'end', 'reconnect', 'failed', 'constructor'])
      for (const data of ['1', '"x"', '{"x":1}', 'null', '[1]', '[]'])
        expect(said(`event: ${type}\ndata: ${data}\n\n`)).to.deep.equal([{ data: JSON.parse(data), type }])
    expect(said(': dropped 17\n: dropped\n: dropped 1 of\n')).to.deep.equal([
      { notice: 'dropped', data: { count: 17 } },
    ])
  })

  it('Hands text to parse, and what that throws ends it', () => {
    expect(said('data: 1\n\n', { parse: (text: string) => `<${text}>` })).to.deep.equal([{ data: '<1>' }])
    expect(() => said('data: x\n\n', { parse: JSON.parse })).to.throw('Not JSON: x')
  })

  it('Reads as eventsource-parser does, which is given LF alone: it may hold back a line that ends in CR', () => {
    const pieces = [
      'data',
      'data: ',
      'id',
      'id: ',
      'event: ',
      'retry: ',
      ':',
      ' ',
      '\n',
      '\n\n',
      '\r\n',
      '\r',
      '7',
      'x',
      'é',
      '🪢',
      '\0',
    ]
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...pieces), { maxLength: 40 }),
        fc.array(fc.nat()),
        (soup, places) => {
          const text = soup.join('')
          const events: unknown[] = []
          const retries: unknown[] = []
          const parser = createParser({
            onEvent: ({ data, event, id }) =>
              events.push({ data, ...(event && { type: event }), ...(id !== undefined && { id }) }),
            onRetry: (retry) => retries.push({ retry }),
          })
          parser.feed(text.replace(/\r\n?/g, '\n'))
          for (const parts of [cutAt(utf8(text), places), byByte(utf8(text))]) {
            const { received } = read(sse, parts, { parse: (each) => each })
            expect(received.filter(({ data }) => data !== undefined)).to.deep.equal(events)
            expect(received.filter(({ retry }) => retry !== undefined)).to.deep.equal(retries)
          }
        },
      ),
      { numRuns: runs(2000) },
    )
  })
})
