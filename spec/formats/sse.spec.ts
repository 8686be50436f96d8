import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import type { Notice, NoticeDetails } from '../../lib/formats/format.js'
import { sse } from '../../lib/formats/sse.js'
import { event } from '../../lib/values/event.js'
import { cases } from '../support/cases.js'
import { hostile, oneLine } from './strings.js'
import { asText, encoded, wireOf, written } from './written.js'

const newline = /\r\n|\r|\n/

describe('sse', () => {
  describe('an event', () => {
    const events: [rule: string, data: unknown, bytes: string][] = [
      ['writes a string as it is', 'plain "text"', 'data: plain "text"\n\n'],
      ['writes anything else as JSON', { a: [1, null] }, 'data: {"a":[1,null]}\n\n'],
      ['has an empty data line for an empty string, which is data', '', 'data: \n\n'],
      ['takes 0 for data', 0, 'data: 0\n\n'],
      ['takes false for data', false, 'data: false\n\n'],
      ['takes null for data', null, 'data: null\n\n'],
      [
        'has the fields in the order comment, event, id, retry, data',
        event('d', { retry: 5, id: '1', type: 't', comment: 'c' }),
        ': c\nevent: t\nid: 1\nretry: 5\ndata: d\n\n',
      ],
      [
        'with a type but without data gets an empty data line, or it would not be dispatched (WHATWG 9.2.6)',
        event(undefined, { type: 'ping' }),
        'event: ping\ndata: \n\n',
      ],
      [
        'with an empty type but without data gets a data line too',
        event(undefined, { type: '' }),
        'event: \ndata: \n\n',
      ],
      [
        'of an id alone has no data line, so that nothing is dispatched',
        event(undefined, { id: '9' }),
        'id: 9\n\n',
      ],
      [
        'takes an empty id for one: it clears the last event id (WHATWG 9.2.6)',
        event(1, { id: '' }),
        'id: \ndata: 1\n\n',
      ],
      ['takes a retry of 0 for one', event(undefined, { retry: 0 }), 'retry: 0\n'],
      ['of a comment alone is a line, and no blank line', event(undefined, { comment: 'hi' }), ': hi\n'],
      ['takes an empty comment for one', event(undefined, { comment: '' }), ': \n'],
      ['takes a type of null for none', event(1, { type: null }), 'data: 1\n\n'],
      [
        'keeps a leading space, of which a client takes one away (WHATWG 9.2.6)',
        event(' d', { id: ' 1' }),
        'id:  1\ndata:  d\n\n',
      ],
      [
        'splits data at LF, CR and CRLF (WHATWG 9.2.5)',
        'a\nb\rc\r\nd\n\ne',
        'data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: e\n\n',
      ],
      [
        'splits a comment at LF, CR and CRLF',
        event(1, { comment: 'a\nb\rc\r\ndata: forged' }),
        ': a\n: b\n: c\n: data: forged\ndata: 1\n\n',
      ],
      [
        'does not split at U+2028, U+2029 or U+0085, which end no line (WHATWG 9.2.5)',
        'a\u2028b\u2029c\u0085',
        'data: a\u2028b\u2029c\u0085\n\n',
      ],
    ]
    for (const [rule, data, bytes] of events) {
      it(rule, () => expect(encoded(sse(), data)).to.equal(bytes))
    }

    for (const name of ['id', 'type'] as const) {
      for (const value of ['a\nb', 'a\r', '\r\n', '\0', 'a\0b']) {
        it(`refuses ${JSON.stringify(value)} for its ${name} (WHATWG 9.2.6)`, () => {
          expect(() => encoded(sse(), event(1, { [name]: value })))
            .to.throw(TypeError, name)
            .that.includes({ code: 'LARIAT_DATA' })
        })
      }
      for (const value of [1, {}, true, ...(name === 'id' ? [null] : [])]) {
        it(`refuses ${typeof value} ${String(value)} for its ${name}`, () => {
          expect(() => encoded(sse(), event(1, { [name]: value as never })))
            .to.throw(TypeError, /expected a string/)
            .that.includes({ code: 'LARIAT_DATA' })
        })
      }
    }

    cases(
      'refuses a retry that is not written in digits (WHATWG 9.2.6)',
      [-1, 1.5, Number.NaN, Infinity, 2 ** 53, '5', '5\ndata: x', null, 5n],
      (retry) => `refuses ${typeof retry} ${String(retry)} for its retry: digits only (WHATWG 9.2.6)`,
      (retry) => {
        expect(() => encoded(sse(), event(1, { retry: retry as never })))
          .to.throw(TypeError, /expected a whole number/)
          .that.includes({ code: 'LARIAT_DATA' })
      },
    )

    it('refuses a comment that is no string', () => {
      expect(() => encoded(sse(), event(1, { comment: 1 as never })))
        .to.throw(TypeError, /comment.*expected a string/)
        .that.includes({ code: 'LARIAT_DATA' })
    })

    it('splits what a serialize of the user returns as well', () => {
      const format = sse({ serialize: (data) => `<p>\r\n${String(data)}\n</p>` })
      expect(encoded(format, 1)).to.equal('data: <p>\ndata: 1\ndata: </p>\n\n')
      expect(encoded(format, 'text')).to.include('data: text\n')
    })
  })

  describe('beside events', () => {
    it('opens and beats with an empty comment, which clients skip', () => {
      expect(sse()).to.include({ mediaType: 'text/event-stream', open: ':\n', heartbeat: ':\n' })
      expect(sse()).to.not.have.property('close')
    })

    it('says the reconnection time in a retry field', () => {
      expect(wireOf(sse()).retry?.(3000)).to.equal('retry: 3000\n')
      expect(() => wireOf(sse()).retry?.(0.5))
        .to.throw(TypeError, 'whole number')
        .that.includes({ code: 'LARIAT_DATA' })
    })

    const notices: [kind: Notice, details: NoticeDetails, bytes: string][] = [
      [
        'gap',
        { requested: 'a\n', from: 'b', reason: 'unknown' },
        'event: gap\ndata: {"requested":"a\\n","from":"b","reason":"unknown"}\n\n',
      ],
      [
        'gap',
        { id: '7', requested: 'a', from: 'b', reason: 'trimmed' },
        'event: gap\nid: 7\ndata: {"requested":"a","from":"b","reason":"trimmed"}\n\n',
      ],
      ['position', { id: '7', heartbeat: 5 }, 'event: position\nid: 7\ndata: {"heartbeat":5}\n\n'],
      ['dropped', { count: 17 }, ': dropped 17\n'],
      ['end', { reason: 'end' }, 'event: end\ndata: {"reason":"end"}\n\n'],
      ['reconnect', { reason: 'shutdown' }, 'event: reconnect\ndata: {"reason":"shutdown"}\n\n'],
      ['error', {}, 'event: failed\ndata: {}\n\n'],
    ]
    for (const [kind, details, bytes] of notices) {
      it(`tells of ${kind} ${JSON.stringify(details)}`, () =>
        expect(asText(sse().notice?.(kind, details) ?? '')).to.equal(bytes))
    }
  })

  describe('read by eventsource-parser', () => {
    const optional = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
    const events = fc.record({
      data: fc.oneof(hostile, fc.jsonValue()),
      id: optional(oneLine),
      type: optional(oneLine),
      retry: optional(fc.nat()),
      comment: optional(hostile),
    })

    it('gives back what was sent, and nothing else, whatever is in it; to a parser that dispatches at each blank line too', () => {
      const streams = [fc.array(events, { maxLength: 5 }), fc.integer({ min: 1, max: 9 }), fc.nat(2)] as const
      fc.assert(
        fc.property(...streams, (list, size, beats) => {
          const sent = list.map(({ data, ...meta }) => event(data, meta))
          const stream = written(sse(), sent, beats).toString()
          expect(careless(stream)).to.deep.equal(list.map(({ data }) => textOf(data)))
          expect(read(stream, size)).to.deep.equal({
            events: list.map(({ data, id, type }) => ({ id, event: type || undefined, data: textOf(data) })),
            comments: list.flatMap(({ comment = '' }) => comment.split(newline)).filter(Boolean),
            retries: list.flatMap(({ retry }) => retry ?? []),
            errors: [],
          })
        }),
      )
    })
  })
})

/** Data as a client gets it: all line breaks are LF. */
function textOf(data: unknown): string {
  return typeof data === 'string' ? data.split(newline).join('\n') : JSON.stringify(data)
}

/** As openai-python, httpx-sse and fetch-event-source do: an event at each blank line, whatever was before it. */
function careless(stream: string): string[] {
  const blocks = stream.split('\n\n')
  return blocks.slice(0, -1).map((block) =>
    block
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => line.slice(6))
      .join('\n'),
  )
}

function read(stream: string, size: number) {
  const events: object[] = []
  const comments: string[] = []
  const retries: number[] = []
  const errors: unknown[] = []
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push({ id, event, data }),
    onComment: (text) => text !== '' && comments.push(text),
    onRetry: (retry) => retries.push(retry),
    onError: (error) => errors.push(error),
  })
  for (let start = 0; start < stream.length; start += size) parser.feed(stream.slice(start, start + size))
  return { events, comments, retries, errors }
}
