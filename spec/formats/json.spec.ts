import { expect } from 'chai'
import fc from 'fast-check'
import type { Format, JsonOptions } from '../../lib/formats/format.js'
import { jsonArray, jsonSeq, ndjson } from '../../lib/formats/json.js'
import { event } from '../../lib/values/event.js'
import { cases } from '../support/cases.js'
import { hostile, throughJson } from './strings.js'
import { asText, encoded, wireOf, written } from './written.js'

/** RFC 7464 2.1, 2.4: a record begins with RS; empty ones are skipped; one that was not ended was cut. */
function readSeq(bytes: Buffer): unknown[] {
  const [before, ...records] = bytes.toString().split('\x1e')
  expect(before).to.equal('')
  return records
    .filter((record) => record !== '')
    .map((record) => {
      expect(record.endsWith('\n'), 'a record that was cut').to.equal(true)
      return JSON.parse(record)
    })
}

function readLines(bytes: Buffer): unknown[] {
  const lines = bytes.toString().split('\n')
  // heartbeats after the last record
  expect(lines.pop()).to.match(/^ *$/)
  // strict readers refuse an empty line
  return lines.map((line) => JSON.parse(line))
}

const formats: [name: string, make: (options?: JsonOptions) => Format, read: (bytes: Buffer) => unknown][] = [
  ['ndjson', ndjson, readLines],
  ['jsonSeq', jsonSeq, readSeq],
  ['jsonArray', jsonArray, (bytes) => JSON.parse(bytes.toString())],
]

for (const [name, make, read] of formats) {
  describe(name, () => {
    const values = fc.array(fc.oneof(hostile, fc.jsonValue()), { maxLength: 5 })

    it('reads back as it was sent, with any number of heartbeats between', () => {
      fc.assert(
        fc.property(values, fc.nat(2), (list, beats) => {
          expect(read(written(make(), list, beats))).to.deep.equal(throughJson(list))
        }),
      )
    })

    it('reads back in envelopes', () => {
      const optional = fc.option(hostile, { nil: undefined })
      const sent = fc.record({ id: optional, type: optional, data: fc.jsonValue() })
      fc.assert(
        fc.property(fc.array(sent, { maxLength: 5 }), fc.nat(2), (list, beats) => {
          const events = list.map(({ data, ...meta }) => event(data, meta))
          expect(read(written(make({ envelope: true }), events, beats))).to.deep.equal(throughJson(list))
        }),
      )
    })

    it('says nothing of an event without data', () => {
      for (const meta of [{ id: '1' }, { type: 'a' }, { retry: 1 }, { comment: 'c' }]) {
        expect(encoded(make(), event(undefined, meta))).to.equal('')
      }
    })

    it('writes id, type and data in an envelope, each where there is one', () => {
      const format = make({ envelope: true })
      const record = (data: unknown, meta: object) => read(written(format, [event(data, meta)]))
      expect(record(0, { id: '', type: '', comment: 'c', retry: 1 })).to.deep.equal([
        { id: '', type: '', data: 0 },
      ])
      expect(record(undefined, { id: '1' })).to.deep.equal([{ id: '1' }])
      expect(record(undefined, { type: 'a' })).to.deep.equal([{ type: 'a' }])
      expect(record(undefined, { comment: 'c' })).to.deep.equal([])
    })

    it('refuses an id or a type that is no string, in an envelope', () => {
      for (const meta of [{ id: 1 }, { type: 1 }]) {
        expect(() => encoded(make({ envelope: true }), event(1, meta as never)))
          .to.throw(TypeError, 'expected a string')
          .that.includes({ code: 'LARIAT_DATA' })
      }
    })

    it('tells notices in envelopes alone', () => {
      expect(make()).to.not.have.property('notice')
      expect(make({ envelope: false })).to.not.have.property('notice')
      const bytes = asText(make({ envelope: true }).notice?.('dropped', { count: 17 }) ?? '')
      expect(JSON.parse(bytes.replace('\x1e', ''))).to.deep.equal({ notice: 'dropped', count: 17 })
    })

    it('takes the JSON text of a serialize, in an envelope too', () => {
      const serialize = (data: unknown) => `[${String(data)}]`
      expect(read(written(make({ serialize }), [1]))).to.deep.equal([[1]])
      expect(read(written(make({ serialize, envelope: true }), [1]))).to.deep.equal([{ data: [1] }])
    })

    cases(
      'refuses an empty text from a serialize: no JSON text',
      ['', ' ', '\t'],
      (text) => `refuses ${JSON.stringify(text)} from a serialize: no JSON text`,
      (text) => {
        expect(() => encoded(make({ serialize: () => text }), 1))
          .to.throw(TypeError, 'expected a JSON text')
          .that.includes({ code: 'LARIAT_DATA' })
      },
    )

    it('refuses an envelope that is no boolean', () => {
      expect(() => make({ envelope: 'yes' as never }))
        .to.throw(TypeError, /envelope.*'yes'.*expected a boolean/)
        .that.includes({ code: 'LARIAT_SPEC' })
    })

    it('gives what JSON.stringify threw as the cause', () => {
      const cause = new Error('not today')
      const toJSON = () => {
        throw cause
      }
      expect(() => encoded(make(), { toJSON }))
        .to.throw(TypeError, 'not today')
        .that.includes({ code: 'LARIAT_DATA', cause })
      expect(() => encoded(make(), [1n]))
        .to.throw(TypeError, 'BigInt')
        .with.property('cause')
        .that.is.an.instanceOf(TypeError)
    })
  })
}

describe('ndjson', () => {
  it('is application/x-ndjson, or application/jsonl, or what the option says instead of both', () => {
    expect(ndjson().mediaType).to.deep.equal(['application/x-ndjson', 'application/jsonl'])
    expect(ndjson({ mediaType: 'application/x-a' }).mediaType).to.equal('application/x-a')
    expect(ndjson().mediaType).to.be.frozen
  })

  it('ends each record by LF, and beats with a space, since strict readers refuse an empty line', () => {
    expect(encoded(ndjson(), { a: 'b\nc' })).to.equal('{"a":"b\\nc"}\n')
    expect(ndjson().heartbeat).to.equal(' ')
  })

  cases(
    'refuses a text of several lines from a serialize: a record is one line',
    ['{\n}', '1\r', '1\n'],
    (text) => `refuses ${JSON.stringify(text)} from a serialize: a record is one line`,
    (text) => {
      expect(() => encoded(ndjson({ serialize: () => text }), 1))
        .to.throw(TypeError, 'serialize')
        .that.includes({ code: 'LARIAT_DATA' })
    },
  )
})

describe('jsonSeq', () => {
  it('frames each record by RS and LF (RFC 7464 2.2), and beats with a RS', () => {
    expect(jsonSeq()).to.include({ mediaType: 'application/json-seq', heartbeat: '\x1e' })
    expect(encoded(jsonSeq(), 'a\x1eb')).to.equal('\x1e"a\\u001eb"\n')
  })

  it('lets a reader know of a record that was cut: even a number ends in LF (RFC 7464 2.4)', () => {
    const whole = written(jsonSeq(), [123])
    expect(() => readSeq(whole.subarray(0, -1))).to.throw('cut')
  })

  it('refuses RS from a serialize, but takes JSON over several lines', () => {
    expect(() => encoded(jsonSeq({ serialize: () => '"\x1e"' }), 1))
      .to.throw(TypeError, 'serialize')
      .that.includes({ code: 'LARIAT_DATA' })
    const serialize = (data: unknown) => JSON.stringify(data, null, 2)
    expect(readSeq(written(jsonSeq({ serialize }), [{ a: 1 }]))).to.deep.equal([{ a: 1 }])
  })
})

describe('jsonArray', () => {
  it('is [] when nothing came', () => {
    expect(written(jsonArray(), []).toString()).to.equal('[]')
  })

  it('leaves the comma to the loop: an element is JSON alone', () => {
    expect(jsonArray()).to.include({ mediaType: 'application/json', open: '[', close: ']', heartbeat: ' ' })
    expect(encoded(jsonArray(), { a: 1 })).to.equal('{"a":1}')
    expect(wireOf(jsonArray()).separator).to.equal(',')
    expect(written(jsonArray(), [1, event(undefined, { comment: 'c' }), 2]).toString()).to.equal('[1,2]')
  })
})
