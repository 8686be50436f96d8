import zlib from 'node:zlib'
import { expect } from 'chai'
import { resource } from '../../lib/index.js'
import { staysClean } from '../support/clean.js'
import { onBoth } from '../support/http.js'
import { stage, staged, turns } from '../support/stage.js'

const bodyLimit = 1000
const text = 'a text that is long enough to be worth its coding, '.repeat(4)

const codings = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
} as const

/** Bytes that may follow the end of coded data. */
const tails: Readonly<Record<string, Buffer>> = {
  'a byte': Buffer.from('!'),
  'a zero': Buffer.alloc(1),
  'more than the decoder buffers': Buffer.alloc(100_000, 'tail'),
  'another request': Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
}

const reading = (way: 'json' | 'text' | 'bytes') =>
  resource({
    allowedMethods: ['POST'],
    bodyLimit,
    contentTypesAccepted: { '*/*': async (context) => ({ body: String(await context[way]()) }) },
  })

/** The head of a request, for a body of so many bytes. */
const head = (coding: string, length: number) =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Encoding: ${coding}\r\nContent-Length: ${length}\r\n\r\n`

onBoth('A request body in a coding (RFC 9110 8.4)', () => {
  staged()
  staysClean()

  /** Posts the parts of a body one by one, each after the server has had its turns with the one before. */
  async function post(coding: string, parts: readonly Buffer[], way: 'text' | 'bytes' = 'text') {
    const site = await stage.now.serve(reading(way))
    const client = site.connect()
    client.write(head(coding, Buffer.concat(parts).length), 'POST')
    for (const part of parts) {
      client.socket.write(part)
      await turns()
    }
    const message = await client.whole()
    // what comes after the answer must not fail where nobody listens
    await turns()
    return { message, client }
  }

  for (const [coding, code] of Object.entries(codings)) {
    const coded = code(text)

    it(`${coding}: whole, in one part or byte by byte`, async () => {
      expect((await post(coding, [coded])).message).to.include({ status: 200, body: text })
      const bytes = [...coded].map((byte) => Buffer.from([byte]))
      expect((await post(coding, bytes)).message).to.include({ status: 200, body: text })
    })

    for (const [what, tail] of Object.entries(tails)) {
      it(`${coding}: that goes on with ${what} after its data has ended is 400, and no failure of the process`, async () => {
        for (const parts of [[Buffer.concat([coded, tail])], [coded, tail]]) {
          const { message, client } = await post(coding, parts)
          expect(message.status).to.equal(tail.length > bodyLimit ? 413 : 400)
          expect(message.headers['content-type']).to.equal('application/problem+json')
          // the connection serves the next request
          client.write(`${head(coding, coded.length)}`, 'POST').socket.write(coded)
          expect(await client.whole()).to.include({ status: 200, body: text })
        }
        expect(stage.now.errors).to.deep.equal([])
      })
    }

    it(`${coding}: that goes on after its padding, when it may be decoded already, is 400 too`, async () => {
      const padded = Buffer.concat([coded, Buffer.alloc(1)])
      for (const tail of [Buffer.from('!'), coded, Buffer.alloc(1)]) {
        expect((await post(coding, [padded, tail, tail])).message.status).to.equal(400)
      }
      expect(stage.now.errors).to.deep.equal([])
    })

    it(`${coding}: cut short at any byte is 400`, async () => {
      for (let length = 1; length < coded.length; length++) {
        const { message } = await post(coding, [coded.subarray(0, length)])
        expect(message.status, `${length} bytes`).to.equal(400)
      }
    })

    it(`${coding}: of bytes that are none of it is 400`, async () => {
      for (const bytes of [Buffer.from('{"a":1}'), Buffer.alloc(50), Buffer.alloc(50, 0xff)])
        expect((await post(coding, [bytes])).message.status).to.equal(400)
    })

    it(`${coding}: may be as large as bodyLimit once it is decoded, and no byte larger`, async () => {
      const random = Buffer.from(Array.from({ length: bodyLimit }, (_, at) => (at * 7919) % 251))
      expect((await post(coding, [code(random)], 'bytes')).message.status).to.equal(200)
      const larger = Buffer.concat([random, Buffer.from('!')])
      expect((await post(coding, [code(larger)], 'bytes')).message.status).to.equal(413)
    })
  }

  it('gzip: several members are one body (RFC 1952 2.2)', async () => {
    const members = [zlib.gzipSync('one, '), zlib.gzipSync('two'), zlib.gzipSync('')]
    for (const parts of [members, [Buffer.concat(members)]])
      expect((await post('gzip', parts)).message).to.include({ status: 200, body: 'one, two' })
  })

  it('gzip: members without data are no way around bodyLimit', async () => {
    const members = Buffer.concat(Array(1000).fill(zlib.gzipSync('')))
    expect((await post('gzip', [members])).message.status).to.equal(413)
  })

  it('a coding that is not known is 415, and names those that are (RFC 9110 15.5.16)', async () => {
    for (const coding of ['zstd', 'compress', 'gzip, br', 'constructor']) {
      const { message } = await post(coding, [Buffer.from('a')])
      expect(message.status, coding).to.equal(415)
      expect(message.headers['accept-encoding']).to.equal('gzip, x-gzip, deflate, br')
    }
  })

  it('a client that leaves half-way is no failure of the process', async () => {
    const site = await stage.now.serve(reading('text'))
    for (const [coding, code] of Object.entries(codings)) {
      const client = site.connect()
      client.write(head(coding, 1000), 'POST').socket.write(code(text))
      await turns()
      client.leave()
      await turns()
    }
    expect(stage.now.errors).to.deep.equal([])
  })
})

describe('A request body that is read and not waited for', () => {
  staged()
  staysClean()

  it('is no failure of the process if it is broken: the callback has answered without it', async () => {
    const site = await stage.now.serve(
      resource({
        allowedMethods: ['POST'],
        contentTypesAccepted: {
          '*/*': ({ json, text, bytes }) => {
            void json()
            void text()
            void bytes()
            return true
          },
        },
      }),
    )
    const client = site.connect()
    client.write(head('gzip', 5), 'POST').socket.write('{"a":')
    expect((await client.whole()).status).to.equal(204)
    await turns()
  })
})
