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
  coding?: string | undefined
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
      const fields = header as Record<string, string[] | undefined>
      part.type = fields['content-type']?.[0]
      const coding = fields['content-transfer-encoding']?.[0]
      if (coding) part.coding = coding
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

  it('escapes the delimiter in JSON text, where a client has put it into data (RFC 2046 5.1.1)', async () => {
    const format = multipart('application/json')
    const cutting = `a\\\r\n--${boundaryOf(format)}--`
    const list = [{ [cutting]: cutting }, cutting, [cutting + cutting]]
    const bytes = written(format, list)
    expect(bytes.toString().split(`--${boundaryOf(format)}`).length).to.equal(list.length + 2)
    const parts = await read(format, bytes)
    expect(parts.map(({ body }) => JSON.parse(body.toString()))).to.deep.equal(list)
    const own = multipart('application/json', { serialize: (data) => JSON.stringify({ data }) })
    const [part] = await read(own, written(own, [`--${boundaryOf(own)}`]))
    expect(JSON.parse(String(part?.body))).to.deep.equal({ data: `--${boundaryOf(own)}` })
  })

  it('encodes any other part that has the delimiter in base64, and says so (RFC 2045 6)', async () => {
    for (const [type, wrap] of [
      ['text/plain', (text: string) => text],
      ['image/jpeg', (text: string) => Buffer.from(text)],
      ['application/json', (text: string) => Buffer.from(JSON.stringify(text))],
    ] as const) {
      const format = multipart(type)
      const sent = [`--${boundaryOf(format)}`, `${'é'.repeat(200)}\r\n--${boundaryOf(format)}--\r\n`].map(
        (text) => wrap(text),
      )
      const bytes = written(format, [...sent, wrap('plain')])
      expect(bytes.toString('latin1')).to.match(/base64\r\n\r\n(?:[A-Za-z0-9+/=]{1,76}\r\n)+--/)
      const parts = await read(format, bytes)
      expect(parts.map((part) => part.coding)).to.deep.equal(['base64', 'base64', undefined])
      const decoded = parts.slice(0, 2).map(({ body }) => Buffer.from(body.toString(), 'base64'))
      expect(decoded).to.deep.equal(sent.map((body) => Buffer.from(body as string)))
      expect(parts[2]?.body).to.deep.equal(Buffer.from(wrap('plain') as string))
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
