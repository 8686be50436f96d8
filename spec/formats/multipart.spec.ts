import { Dicer } from '@fastify/busboy'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Format } from '../../lib/formats/format.js'
import { multipart } from '../../lib/formats/multipart.js'
import { event } from '../../lib/values/event.js'
import { cases } from '../support/cases.js'
import { hostile } from './strings.js'
import { asText, encoded, written } from './written.js'

interface Part {
  type: string | undefined
  body: Buffer
  ended: boolean
}

function boundaryOf(format: Format): string {
  return /boundary=(.+)$/.exec(String(format.mediaType))?.[1] ?? ''
}

/** An independent reader, which knows no more than the Content-Type. */
function reader(format: Format): { parts: Part[]; dicer: Dicer } {
  const parts: Part[] = []
  const dicer = new Dicer({ boundary: boundaryOf(format) })
  dicer.on('part', (stream) => {
    const part: Part = { type: undefined, body: Buffer.alloc(0), ended: false }
    parts.push(part)
    stream.on('header', (header) => {
      part.type = (header as { 'content-type'?: string[] })['content-type']?.[0]
    })
    stream.on('data', (chunk) => {
      part.body = Buffer.concat([part.body, Buffer.from(chunk)])
    })
    stream.on('end', () => {
      part.ended = true
    })
  })
  return { parts, dicer }
}

async function read(format: Format, bytes: Buffer): Promise<Part[]> {
  const { parts, dicer } = reader(format)
  await new Promise<void>((resolve, reject) => {
    dicer.on('finish', resolve)
    dicer.on('error', reject)
    dicer.end(bytes)
  })
  return parts
}

describe('multipart', () => {
  it('is multipart/mixed with a boundary of its own for each format made (RFC 2046 5.1.1)', () => {
    expect(multipart('image/png').mediaType).to.match(/^multipart\/mixed; boundary=[\w-]{20,70}$/)
    expect(boundaryOf(multipart('image/png'))).to.not.equal(boundaryOf(multipart('image/png')))
  })

  it('may be of another multipart type, to which the boundary is added', () => {
    const format = multipart('image/jpeg', { mediaType: 'multipart/x-mixed-replace' })
    expect(format.mediaType).to.match(/^multipart\/x-mixed-replace; boundary=[\w-]+$/)
  })

  it('ends each part at once by the delimiter of the next (RFC 2046 5.1.1)', () => {
    const format = multipart('text/plain; charset=utf-8')
    const b = boundaryOf(format)
    expect(written(format, ['one', 'two']).toString()).to.equal(
      `--${b}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none` +
        `\r\n--${b}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ntwo\r\n--${b}--\r\n`,
    )
  })

  it('lets a reader see the end of a part before the next one comes', async () => {
    const format = multipart('text/plain')
    const { parts, dicer } = reader(format)
    dicer.write(asText(format.open ?? ''))
    dicer.write(encoded(format, 'first'))
    await new Promise(setImmediate)
    expect(parts).to.deep.equal([{ type: 'text/plain', body: Buffer.from('first'), ended: true }])
  })

  it('has neither heartbeat nor notices, and says nothing of an event without data', () => {
    expect(multipart('image/png')).to.not.have.any.keys('heartbeat', 'notice')
    expect(encoded(multipart('image/png'), event(undefined, { id: '1' }))).to.equal('')
  })

  it('takes a view of bytes for what it shows, and an ArrayBuffer whole', async () => {
    const format = multipart('image/png')
    const under = new Uint8Array([1, 2, 3, 4])
    const [view, whole] = await read(format, written(format, [under.subarray(1, 3), under.buffer]))
    expect(view?.body).to.deep.equal(Buffer.from([2, 3]))
    expect(whole?.body).to.deep.equal(Buffer.from([1, 2, 3, 4]))
  })

  for (const type of ['application/json', 'application/problem+json; charset=utf-8', 'Application/JSON']) {
    it(`writes any data as JSON for ${type}, strings too, but bytes as they are`, async () => {
      const format = multipart(type)
      const parts = await read(format, written(format, [{ a: 1 }, 'text', null, Buffer.from('{}')]))
      expect(parts.map(({ body }) => body.toString())).to.deep.equal(['{"a":1}', '"text"', 'null', '{}'])
      expect(parts.map((part) => part.type)).to.deep.equal(Array(4).fill(type))
    })
  }

  it('takes the text of a serialize for a part', async () => {
    const format = multipart('text/x-a', { serialize: (data) => `<${String(data)}>` })
    expect((await read(format, written(format, [1]))).map(({ body }) => body.toString())).to.deep.equal([
      '<1>',
    ])
  })

  it('says what to do about data that is no body', () => {
    expect(() => encoded(multipart('text/x-a'), { a: 1 }))
      .to.throw(TypeError, /expected bytes or a string.*serialize/)
      .that.includes({ code: 'LARIAT_DATA' })
  })

  it('refuses a body that contains the delimiter, in text, bytes and JSON (RFC 2046 5.1.1)', () => {
    for (const [type, wrap] of [
      ['text/plain', (text: string) => text],
      ['image/png', (text: string) => Buffer.from(text)],
      ['application/json', (text: string) => ({ a: text })],
    ] as const) {
      const format = multipart(type)
      expect(() => encoded(format, wrap(`a\r\n--${boundaryOf(format)}--`)))
        .to.throw(TypeError, 'delimiter')
        .that.includes({ code: 'LARIAT_DATA' })
      expect(encoded(format, wrap('a\r\n--other'))).to.include('Content-Type')
    }
  })

  cases(
    'refuses a type of its parts that is not concrete',
    ['image/*', '', 'text', 'text/plain\r\nX-Forged: 1', 'text/plain\n', undefined, null, {}],
    (type) => `refuses ${JSON.stringify(type)} for the type of its parts`,
    (type) => {
      expect(() => multipart(type as never))
        .to.throw(TypeError, 'expected a media type')
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  cases(
    'refuses a type of the whole that is not multipart, or has a boundary',
    ['text/plain', 'multipart/mixed; boundary=a', 'multipart/mixed;BOUNDARY="a"'],
    (mediaType) => `refuses ${mediaType} for the type of the whole`,
    (mediaType) => {
      expect(() => multipart('image/png', { mediaType }))
        .to.throw(TypeError, 'without a boundary')
        .that.includes({ code: 'LARIAT_SPEC' })
    },
  )

  it('reads back as it was sent (@fastify/busboy), whatever is in it', () => {
    const bodies = fc.array(
      fc.oneof(
        fc.uint8Array(),
        hostile,
        hostile.map((text) => `\r\n--${text}\r\n`),
      ),
    )
    return fc.assert(
      fc.asyncProperty(bodies, async (list) => {
        const format = multipart('application/x-any')
        const parts = await read(format, written(format, list))
        expect(parts.map(({ body }) => body)).to.deep.equal(list.map((body) => Buffer.from(body as string)))
      }),
    )
  })
})
