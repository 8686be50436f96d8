import { expect } from 'chai'
import { raw, text } from '../../lib/formats/text.js'
import { event } from '../../lib/values/event.js'
import { cases } from '../support/cases.js'
import { encoded, written } from './written.js'

describe('text', () => {
  it('is text/plain, with nothing around or between', () => {
    expect(text().mediaType).to.equal('text/plain')
    expect(text()).to.not.have.any.keys('open', 'close', 'heartbeat', 'notice')
    expect(written(text(), ['a\r\n', 1, ' ', true, 2n, Buffer.from('b')]).toString()).to.equal(
      'a\r\n1 true2b',
    )
  })

  it('says nothing of an event without data', () => {
    expect(encoded(text(), event(undefined, { type: 'a' }))).to.equal('')
  })

  it('asks for a serialize where data has no text of its own', () => {
    expect(() => encoded(text(), { a: 1 }))
      .to.throw(TypeError, 'text({ serialize })')
      .that.includes({ code: 'LARIAT_DATA' })
    expect(encoded(text({ serialize: (data) => JSON.stringify(data) }), { a: 1 })).to.equal('{"a":1}')
  })
})

describe('raw', () => {
  it('gives bytes on without a copy', () => {
    const bytes = new Uint8Array([1, 2])
    expect(raw('audio/mpeg').encode(event(bytes))).to.equal(bytes)
    expect(raw('audio/mpeg').encode(event(bytes.buffer))).to.deep.equal(bytes)
    expect(raw('audio/mpeg').encode(event('text'))).to.equal('text')
  })

  it('is of the type given, with nothing around or between', () => {
    expect(raw('audio/mpeg').mediaType).to.equal('audio/mpeg')
    expect(raw('audio/mpeg')).to.not.have.any.keys('open', 'close', 'heartbeat', 'notice')
  })

  it('says what it takes', () => {
    expect(() => encoded(raw('audio/mpeg'), { a: 1 }))
      .to.throw(TypeError, 'expected bytes')
      .that.includes({ code: 'LARIAT_DATA' })
  })

  cases(
    'refuses a type that is not concrete',
    [undefined, '', 'mp3', 'audio/*', '*/*', 'a/b\n', {}],
    (type) => `refuses ${JSON.stringify(type)} for its type`,
    (type) => {
      expect(() => raw(type as never))
        .to.throw(TypeError, 'expected a media type')
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )
})
