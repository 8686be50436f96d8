import { Readable } from 'node:stream'
import { expect } from 'chai'
import { isMediaType } from '../../lib/formats/check.js'
import type { Format, FormatOptions } from '../../lib/formats/format.js'
import { isFormat } from '../../lib/formats/format.js'
import { event } from '../../lib/values/event.js'
import { isOnce } from '../../lib/values/once.js'
import { asText, encoded } from '../formats/written.js'

/** What the suite needs to know of a format. */
export interface FormatCase {
  make(): Format
  /** With options, where it takes any. */
  makeWith?(options: FormatOptions): Format
  /** Data that it writes, the falsy among them. */
  readonly good: readonly unknown[]
  /** Data that it refuses, beside undefined. */
  readonly bad: readonly unknown[]
}

/** The rules that every format keeps. */
export function formatContract(name: string, { make, makeWith, good, bad }: FormatCase): void {
  describe(`${name}, as any format`, () => {
    it('is a frozen value with the mark of a format', () => {
      const format = make()
      expect(isFormat(format)).to.equal(true)
      expect(format).to.be.frozen
    })

    it('has concrete media types (RFC 9110 8.3.1)', () => {
      for (const type of [make().mediaType].flat()) expect(isMediaType(type), String(type)).to.equal(true)
    })

    it('has text or bytes for its start, its end and its heartbeat, where it has them', () => {
      const { open, close, heartbeat } = make()
      for (const part of [open, close, heartbeat].filter((part) => part !== undefined)) {
        expect(asText(part)).to.have.length.above(0)
      }
    })

    it('writes what it is for, falsy data too, and gives one event the same bytes each time', () => {
      const format = make()
      const once = good.map((data) => format.encode(event(data)))
      const again = good.map((data) => format.encode(event(data)))
      expect(again).to.deep.equal(once)
      for (const bytes of once)
        expect(typeof bytes === 'string' || bytes instanceof Uint8Array).to.equal(true)
    })

    it('knows no order: an event has the same bytes after any other', () => {
      const format = make()
      const forwards = good.map((data) => encoded(format, data))
      const backwards = good.toReversed().map((data) => encoded(format, data))
      expect(backwards.toReversed()).to.deep.equal(forwards)
    })

    it('refuses what it cannot write by a TypeError, and is none the worse for it', () => {
      const format = make()
      const before = encoded(format, good[0])
      for (const data of bad)
        expect(() => format.encode(event(data)))
          .to.throw(TypeError)
          .that.includes({ code: 'LARIAT_DATA' })
      expect(encoded(format, good[0])).to.equal(before)
    })

    it('refuses an event with neither data nor metadata', () => {
      expect(() => make().encode(event(undefined)))
        .to.throw(TypeError, 'expected data')
        .that.includes({ code: 'LARIAT_DATA' })
    })

    it('takes an event without data that has metadata', () => {
      const format = make()
      for (const meta of [{ id: '1' }, { type: 'a' }, { retry: 0 }, { comment: '' }]) {
        expect(format.encode(event(undefined, meta))).to.be.a('string')
      }
    })

    describe('once', () => {
      const lists: Record<string, () => Iterable<unknown> | AsyncIterable<unknown>> = {
        'an array': () => [],
        'a Set': () => new Set(good),
        'a generator': () => (function* () {})(),
        'an async generator': () => (async function* () {})(),
        'a Node stream': () => Readable.from([]),
        'a Web stream': () => new ReadableStream() as unknown as AsyncIterable<unknown>,
      }
      it('takes any finite list but a string, and keeps it beside the format', () => {
        for (const [what, list] of Object.entries(lists)) {
          const format = make()
          const given = list()
          const value: unknown = format.once(given)
          if (!isOnce(value)) throw new Error(`no mark of a finite list: ${what}`)
          expect(value.format, what).to.equal(format)
          expect(value.list, what).to.equal(given)
        }
      })

      it('refuses what is no list by a TypeError', () => {
        for (const list of ['text', '', 1, null, undefined, {}, Promise.resolve([]), function* () {}]) {
          expect(() => make().once(list as never), String(list))
            .to.throw(TypeError, 'expected an iterable')
            .that.includes({ code: 'LARIAT_DATA' })
        }
      })
    })

    if (makeWith) optionsContract(makeWith, good[0])
  })
}

function optionsContract(make: (options: FormatOptions) => Format, sample: unknown): void {
  describe('its options', () => {
    it('refuses an unknown option and names the nearest', () => {
      expect(() => make({ serialise: String } as never))
        .to.throw(TypeError, /unknown key .serialise.\. Did you mean .serialize.\?/)
        .that.includes({ code: 'LARIAT_SPEC' })
      expect(() => make({ constructor: 1 } as never))
        .to.throw(TypeError, 'constructor')
        .that.includes({ code: 'LARIAT_SPEC' })
    })

    it('refuses a media type that is not one concrete type (RFC 9110 8.3.1)', () => {
      const injected = 'text/plain\r\nX: y'
      for (const mediaType of ['*/*', 'text/*', 'text', '', 'a/b, c/d', injected, 'text/plain;', 1, null]) {
        expect(() => make({ mediaType: mediaType as never }), String(mediaType))
          .to.throw(TypeError, 'mediaType')
          .that.includes({ code: 'LARIAT_SPEC' })
      }
    })

    it('refuses a serialize that is no function', () => {
      expect(() => make({ serialize: 'json' as never }))
        .to.throw(TypeError, /serialize.*'json'.*expected a function/)
        .that.includes({ code: 'LARIAT_SPEC' })
    })

    it('takes an option that is undefined for absent', () => {
      const given = { mediaType: undefined, serialize: undefined } as never
      expect([make(given).mediaType].flat().map(isMediaType)).to.not.include(false)
    })

    it('asks serialize for the text of the data, with the event', () => {
      const asked: unknown[] = []
      const serialize = (...given: unknown[]) => `text ${asked.push(given)}`
      const given = event(sample, { id: '7' })
      expect(asText(make({ serialize }).encode(given))).to.include('text 1')
      expect(asked).to.deep.equal([[sample, given]])
    })

    it('does not ask serialize where there is no data', () => {
      const serialize = () => {
        throw new Error('asked')
      }
      expect(make({ serialize }).encode(event(undefined, { type: 'a' }))).to.be.a('string')
    })

    it('refuses an answer of serialize that is no string', () => {
      for (const answer of [undefined, null, 1, Promise.resolve(''), Buffer.from('a')]) {
        const format = make({ serialize: () => answer as never })
        expect(() => format.encode(event(sample)), String(answer))
          .to.throw(TypeError, /serialize.*expected a string/)
          .that.includes({ code: 'LARIAT_DATA' })
      }
    })

    it('gives what serialize threw as the cause', () => {
      const cause = new RangeError('too far\nor further')
      const serialize = () => {
        throw cause
      }
      expect(() => make({ serialize }).encode(event(sample)))
        .to.throw(TypeError, /threw .*: too far$/)
        .that.includes({ code: 'LARIAT_DATA', cause })
    })
  })
}
