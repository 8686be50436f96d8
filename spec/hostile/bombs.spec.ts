import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { expect } from 'chai'
import { staysClean } from '../support/clean.js'
import { Site, type Spec, withSite, writable } from '../support/http.js'

const kibi = 1024
const bodyLimit = 100 * kibi

const spec = (way: 'json' | 'text' | 'bytes'): Spec => ({
  ...writable,
  bodyLimit,
  contentTypesAccepted: { '*/*': async (context) => ({ body: String((await context[way]()) as string) }) },
})

const codings = {
  gzip: [zlib.gzipSync, zlib.Gunzip],
  deflate: [zlib.deflateSync, zlib.Inflate],
  br: [zlib.brotliCompressSync, zlib.BrotliDecompress],
} as const
const zeros = Buffer.alloc(16 * 2 ** 20)

describe('A body that is small on the wire and large once it is decoded (CWE-409)', () => {
  staysClean()

  for (const [coding, [code, Decoder]] of Object.entries(codings)) {
    const prototype = Decoder.prototype as unknown as Transform
    const bomb = code(zeros)
    const decoders = new Set<Transform>()
    let decoded = 0

    beforeEach(() => {
      decoders.clear()
      decoded = 0
      prototype.push = function (this: Transform, chunk: Buffer | null, ...rest) {
        decoders.add(this)
        decoded += chunk?.length ?? 0
        return Object.getPrototypeOf(prototype).push.call(this, chunk, ...rest)
      }
    })
    afterEach(() => {
      Reflect.deleteProperty(prototype, 'push')
    })

    for (const way of ['json', 'text', 'bytes'] as const) {
      it(`By ${coding}, read by ${way}(): 413, decoded no further than the limit, and let go of`, () => {
        expect(bomb.length).to.be.below(bodyLimit)
        const headers = { 'content-type': 'application/json', 'content-encoding': coding }
        return withSite(new Site(spec(way)), async (site) => {
          const answer = await site.ask({ method: 'POST', headers, body: bomb })
          expect(answer.status).to.equal(413)
          expect(answer.json).to.include({ detail: `The request body is larger than ${bodyLimit} bytes.` })
          expect(decoded).to.be.within(bodyLimit, bodyLimit + 64 * kibi)
          expect([...decoders].map(({ destroyed }) => destroyed)).to.deep.equal([true])
          expect(site.errors).to.deep.equal([])
        })
      })
    }
  }
})
