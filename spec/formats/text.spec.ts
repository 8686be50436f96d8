import { expect } from 'chai'
import { raw, text } from '../../lib/formats/text.js'
import { event, type LoopContext, loop, ndjson } from '../../lib/index.js'
import { cases } from '../support/cases.js'
import { stage, staged } from '../support/stage.js'
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

describe('A Blob, whose bytes come later', () => {
  staged()

  for (const [name, format, expected] of [
    ['raw', raw('audio/mpeg'), 'abcde'],
    ['text', text(), 'abcde'],
  ] as const) {
    it(`is written in order by ${name}(), from a source and by send`, async () => {
      const blobs = [new Blob(['ab']), event(new File(['c'], 'c')), 'd', new Uint8Array([101])]
      const pulled = await stage.now.serve(loop({ format, subscribe: () => blobs }))
      expect((await pulled.get().whole()).body).to.equal(expected)
      const sent = await stage.now.serve(
        loop({
          format,
          subscribe: ({ send }) => {
            for (const blob of blobs) send(blob)
          },
        }),
      )
      expect(await sent.get().until('e')).to.equal(expected)
    })
  }

  it('is a TypeError for write, which says what to do, and for JSON', async () => {
    let context!: LoopContext<undefined>
    const subscribe = (given: LoopContext<undefined>) => {
      context = given
    }
    for (const [format, saying] of [
      [raw('audio/mpeg'), /Blob.*cannot be written at once: await its arrayBuffer\(\) first/],
      [ndjson(), /Blob.*cannot be written as JSON/],
    ] as const) {
      const site = await stage.now.serve(loop({ format, subscribe }))
      await site.get().head()
      expect(() => context.write(new Blob(['a']))).to.throw(TypeError, saying)
    }
    expect(() => context.send(new Blob(['a']))).to.throw(TypeError, 'cannot be written as JSON')
  })

  it('of which a read fails ends the stream as any source that fails', async () => {
    const seen: unknown[] = []
    const broken = Object.defineProperties(new Blob([]), {
      arrayBuffer: { value: () => Promise.reject(new Error('broken')) },
    })
    const site = await stage.now.serve(
      loop({
        format: raw('audio/mpeg'),
        subscribe: () => ['a', broken],
        terminate: ({ kind, error }) => seen.push(kind, (error as Error).message),
      }),
    )
    const client = site.get()
    await client.ended
    expect(client.message).to.include({ body: 'a', isWhole: false })
    expect(seen).to.deep.equal(['error', 'broken'])
  })
})
