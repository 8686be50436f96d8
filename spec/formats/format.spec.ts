import { expect } from 'chai'
import { isMediaType } from '../../lib/formats/check.js'
import type { FormatParts } from '../../lib/formats/format.js'
import { format, isFormat } from '../../lib/formats/format.js'
import { sse } from '../../lib/formats/sse.js'
import type { Event } from '../../lib/values/event.js'
import { event } from '../../lib/values/event.js'
import { encoded } from './written.js'

describe('format', () => {
  const good: FormatParts = { mediaType: 'text/x-a', encode: ({ data }) => String(data) }

  it('makes a format of its parts, and has no more than they', () => {
    const made = format({
      ...good,
      open: '<',
      close: new Uint8Array([62]),
      heartbeat: ' ',
      notice: (kind) => kind,
    })
    expect(made).to.include({ mediaType: 'text/x-a', open: '<', heartbeat: ' ' })
    expect(made.close).to.deep.equal(new Uint8Array([62]))
    expect(encoded(made, 1)).to.equal('1')
    expect(made.notice?.('gap', {})).to.equal('gap')
    expect(format(good)).to.not.have.any.keys('open', 'close', 'heartbeat', 'notice')
  })

  it('takes a list of media types, and keeps a list of its own', () => {
    const mediaType = ['text/x-a', 'text/x-b; version=1']
    const made = format({ ...good, mediaType })
    mediaType.pop()
    expect(made.mediaType).to.deep.equal(['text/x-a', 'text/x-b; version=1'])
    expect(format({ ...good, mediaType: ['text/x-a'] }).mediaType).to.deep.equal(['text/x-a'])
  })

  it('takes an instance of a class, and calls its methods on it', () => {
    class Shout {
      readonly #mark = '!'
      get mediaType() {
        return 'text/x-shout'
      }
      encode({ data }: Event) {
        return String(data) + this.#mark
      }
      notice(kind: string) {
        return kind + this.#mark
      }
    }
    expect(encoded(format(new Shout()), 'a')).to.equal('a!')
    expect(format(new Shout()).notice?.('gap', {})).to.equal('gap!')
  })

  it('leaves what encode returns to the loop to judge', () => {
    const made = format({ ...good, encode: () => 1 as never })
    expect(made.encode(event(1))).to.equal(1)
  })

  const bad: [what: string, parts: unknown, saying: RegExp][] = [
    ['nothing', undefined, /format\(\): expected an object with mediaType, encode.* not undefined/],
    ['a list', [], /expected an object/],
    ['a format that was not called', sse, /expected an object/],
    ['no media type', { ...good, mediaType: undefined }, /mediaType. is undefined: expected a media type/],
    ['a range for a media type', { ...good, mediaType: 'text/*' }, /without wildcards/],
    ['no media types', { ...good, mediaType: [] }, /mediaType. is \[\]: .*or a list of them/],
    ['a bad media type among good ones', { ...good, mediaType: ['a/b', 'c'] }, /mediaType/],
    ['no encode', { mediaType: 'a/b' }, /encode. is undefined: expected a function/],
    ['an encode that is no function', { ...good, encode: 'json' }, /encode. is 'json': expected a function/],
    ['an open that is no text', { ...good, open: 1 }, /open. is 1: expected a string or a Uint8Array/],
    ['a close that is no text', { ...good, close: [93] }, /close. is \[ 93 \]/],
    ['a heartbeat that is no text', { ...good, heartbeat: 15_000 }, /heartbeat. is 15000/],
    ['a notice that is no function', { ...good, notice: true }, /notice. is true: expected a function/],
    [
      'an unknown part',
      { ...good, mediatype: 'a/b' },
      /unknown key .mediatype.\. Did you mean .mediaType.\?/,
    ],
  ]
  for (const [what, parts, saying] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => format(parts as never))
        .to.throw(TypeError, saying)
        .that.includes({ code: 'LARIAT_SPEC' })
    })
  }

  it('is told from what only looks like it', () => {
    for (const value of [good, {}, null, undefined, 'sse', sse]) expect(isFormat(value)).to.equal(false)
  })
})

describe('a media type (RFC 9110 8.3.1)', () => {
  const types = [
    'a/b',
    'text/plain;charset=utf-8',
    'text/plain ;\tCHARSET="utf-8" ; a=b',
    'a/vnd.b+json',
    'a/b;c="d\\"; e"',
    "a/b;title*=utf-8''x",
  ]
  it('may have parameters, in tokens or quoted', () => {
    for (const type of types) expect(isMediaType(type), type).to.equal(true)
  })

  const none = [
    'a',
    '/',
    'a/',
    '/b',
    'a/b/c',
    'a/*',
    '*/*',
    '*',
    ' a/b',
    'a/b ',
    'a/b;',
    'a/b;c',
    'a/b;c=',
    'a/b;c="',
    'a/b;c="\n"',
    'a/b;c=d e',
    'a/b\r\n',
    'ä/b',
    'a/b;c=\u2028',
    ['a/b'],
  ]
  it('is no range and no list, and has no line break in it', () => {
    for (const type of none) expect(isMediaType(type), String(type)).to.equal(false)
  })
})
