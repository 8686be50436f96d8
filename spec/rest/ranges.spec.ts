import { Readable } from 'node:stream'
import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { stop } from '../../lib/index.js'
import { cases } from '../support/cases.js'
import { useManualTime } from '../support/clock.js'
import { type Answer, expectStatus, type Spec } from '../support/http.js'

const size = 100
const bytes = Buffer.from(Array.from({ length: size }, (_, index) => index))
const date = new Date(Date.UTC(2024, 0, 1))

const cut: Spec = {
  contentTypesProvided: { 'application/octet-stream': () => bytes },
  rangesProvided: 'auto',
  generateEtag: '"a"',
  lastModified: date,
}

const ofRange = (range: string, headers: Record<string, string> = {}) => ({ headers: { range, ...headers } })

interface Part {
  readonly type: string | undefined
  readonly range: string | undefined
  readonly body: string
}

/** The parts of a multipart body (RFC 2046 5.1.1). */
function parts(answer: Answer): readonly Part[] {
  const type = answer.headers['content-type'] ?? ''
  const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(type)?.[1]
  if (!boundary) throw new Error(`no boundary in ${type}`)
  const text = answer.body.toString('latin1')
  const [, ...rest] = `\r\n${text}`.split(`\r\n--${boundary}`)
  expect(rest.pop()).to.equal('--\r\n')
  return rest.map((part) => {
    const end = part.indexOf('\r\n\r\n')
    const head = part.slice(0, end)
    return {
      type: /^content-type: (.*)$/im.exec(head)?.[1],
      range: /^content-range: (.*)$/im.exec(head)?.[1],
      body: part.slice(end + 4),
    }
  })
}

describe('Ranges', () => {
  describe('One range: 206 with Content-Range (RFC 9110 14.4, 15.3.7)', () => {
    cases(
      'A range is first to last, or the last n bytes',
      [
        ['bytes=0-0', 0, 0],
        ['bytes=0-9', 0, 9],
        ['bytes=10-19', 10, 19],
        ['bytes=99-99', 99, 99],
        ['bytes=90-', 90, 99],
        ['bytes=0-', 0, 99],
        ['bytes=-1', 99, 99],
        ['bytes=-10', 90, 99],
        ['bytes=-100', 0, 99],
        ['bytes=95-1000', 95, 99],
        ['bytes=-1000', 0, 99],
        ['bytes=99-99999999999999999999999', 99, 99],
        ['bytes= 0-9 ', 0, 9],
        ['BYTES=0-9', 0, 9],
        ['bytes=,0-9,', 0, 9],
        ['bytes=200-300, 0-9', 0, 9],
        ['bytes=0-9, 200-', 0, 9],
        ['bytes=-0, 0-9', 0, 9],
      ] as const,
      ([range, first, last]) => `${range} of ${size} is ${first} to ${last}`,
      async ([range, first, last]) => {
        const answer = await expectStatus(cut, ofRange(range), 206)
        expect(answer.headers).to.include({
          'content-range': `bytes ${first}-${last}/${size}`,
          'content-type': 'application/octet-stream',
          'content-length': String(last - first + 1),
          'accept-ranges': 'bytes',
          etag: '"a"',
          'last-modified': date.toUTCString(),
        })
        expect([...answer.body]).to.deep.equal([...bytes.subarray(first, last + 1)])
      },
    )
  })

  describe('Several: 206 multipart/byteranges (RFC 9110 14.6)', () => {
    cases(
      'Each range is a part with its Content-Range',
      [
        [
          'bytes=0-1,10-11',
          [
            [0, 1],
            [10, 11],
          ],
        ],
        [
          'bytes=10-11, 0-1',
          [
            [10, 11],
            [0, 1],
          ],
        ],
        [
          'bytes=0-0, -1, 50-51',
          [
            [0, 0],
            [99, 99],
            [50, 51],
          ],
        ],
        [
          'bytes=0-0, 500-600, 2-2',
          [
            [0, 0],
            [2, 2],
          ],
        ],
        [
          'bytes=0-5, 3-9',
          [
            [0, 5],
            [3, 9],
          ],
        ],
      ] as const,
      ([range]) => range,
      async ([range, expected]) => {
        const answer = await expectStatus(cut, ofRange(range), 206)
        expect(answer.headers).not.to.have.property('content-range')
        expect(Number(answer.headers['content-length'])).to.equal(answer.body.length)
        expect(parts(answer)).to.deep.equal(
          expected.map(([first, last]) => ({
            type: 'application/octet-stream',
            range: `bytes ${first}-${last}/${size}`,
            body: bytes.subarray(first, last + 1).toString('latin1'),
          })),
        )
      },
    )

    it('Each part has the type of the whole, with its charset', async () => {
      const spec: Spec = {
        contentTypesProvided: { 'text/plain': () => 'hello' },
        charsetsProvided: ['utf-8'],
        rangesProvided: 'auto',
      }
      const answer = await expectStatus(spec, ofRange('bytes=0-0,2-2'), 206)
      expect(parts(answer).map(({ type }) => type)).to.deep.equal([
        'text/plain; charset=utf-8',
        'text/plain; charset=utf-8',
      ])
    })

    it('The boundary is another one each time', async () => {
      const types = await Promise.all([1, 2].map(() => expectStatus(cut, ofRange('bytes=0-0,2-2'), 206)))
      expect(types[0]!.headers['content-type']).not.to.equal(types[1]!.headers['content-type'])
    })
  })

  describe('None that fits: 416 with Content-Range: bytes */size (RFC 9110 15.5.17)', () => {
    cases(
      'The answer states the size',
      ['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=100-, 200-300', 'bytes=99999999999999999999-'],
      (range) => range,
      async (range) => {
        const answer = await expectStatus(cut, ofRange(range), 416)
        expect(answer.headers['content-range']).to.equal(`bytes */${size}`)
        expect(answer.headers['content-type']).to.equal('application/problem+json')
        expect(answer.json).to.include({ status: 416 })
      },
    )

    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
      it(`${range} of an empty body`, async () => {
        const spec: Spec = { ...cut, contentTypesProvided: { 'text/plain': () => '' } }
        const answer = await expectStatus(spec, ofRange(range), 416)
        expect(answer.headers['content-range']).to.equal('bytes */0')
      })
    }
  })

  describe('A Range that does not parse or has an unknown unit is ignored (RFC 9110 14.2)', () => {
    cases(
      'The whole body is served',
      [
        'garbage',
        'bytes',
        'bytes=',
        'bytes=,',
        'bytes=-',
        'bytes=a-b',
        'bytes=9-0',
        'bytes=0-1-2',
        'bytes=0-1;2-3',
        'bytes=0 - 1',
        'bytes=0x0-0x1',
        'bytes=+0-1',
        'bytes=0-9, a',
        'bytes=200-100, 0-1',
        'bytes=0-1=2',
        'bytes 0-9',
        'lines=0-9',
        'seconds=0-9',
        '=0-9',
      ],
      (range) => range,
      async (range) => {
        const answer = await expectStatus(cut, ofRange(range), 200)
        expect(answer.headers).not.to.have.property('content-range')
        expect(answer.headers['accept-ranges']).to.equal('bytes')
        expect(answer.body).to.have.length(size)
      },
    )

    it('So are several Range fields', async () => {
      await expectStatus(cut, { headers: { range: ['bytes=0-1', 'bytes=2-3'] } }, 200)
    })
  })

  describe('A request for far more than there is, is ignored (RFC 9110 14.2)', () => {
    it('Twice the body is answered, more is not', async () => {
      await expectStatus(cut, ofRange('bytes=0-,0-'), 206)
      await expectStatus(cut, ofRange('bytes=0-,0-,0-0'), 200)
    })

    it('A hundred ranges are answered, more are not', async () => {
      const ranges = (count: number) => `bytes=${Array.from({ length: count }, () => '0-0').join(',')}`
      expect(parts(await expectStatus(cut, ofRange(ranges(100)), 206))).to.have.length(100)
      await expectStatus(cut, ofRange(ranges(101)), 200)
    })
  })

  describe('If-Range (RFC 9110 13.1.5)', () => {
    for (const [value, status, why] of [
      ['"a"', 206, 'an equal strong etag lets the range through'],
      ['"b"', 200, 'another etag'],
      ['W/"a"', 200, 'a weak etag'],
      ['*', 200, 'no etag'],
      ['"a", "b"', 200, 'a list is no etag'],
      ['garbage', 200, 'neither etag nor date'],
      ['', 200, 'neither etag nor date'],
      [date.toUTCString(), 206, 'a date equal to Last-Modified'],
      ['Mon Jan  1 00:00:00 2024', 206, 'in another of the three forms'],
      [new Date(date.getTime() + 1000).toUTCString(), 200, 'a later date is not equal'],
      [new Date(date.getTime() - 1000).toUTCString(), 200, 'nor is an earlier one'],
      ['2024-01-01', 200, 'no HTTP-date'],
    ] as const) {
      it(`${value || 'empty'} is ${status}: ${why}`, async () => {
        const answer = await expectStatus(cut, ofRange('bytes=0-0', { 'if-range': value }), status)
        expect(answer.body).to.have.length(status === 206 ? 1 : size)
      })
    }

    it('A weak etag of the resource never lets it through', async () => {
      const spec: Spec = { ...cut, generateEtag: 'W/"a"' }
      await expectStatus(spec, ofRange('bytes=0-0', { 'if-range': 'W/"a"' }), 200)
      await expectStatus(spec, ofRange('bytes=0-0', { 'if-range': '"a"' }), 200)
    })

    it('Without etag and date nothing lets it through', async () => {
      const { generateEtag, lastModified, ...plain } = cut
      await expectStatus(plain, ofRange('bytes=0-0', { 'if-range': '"a"' }), 200)
      await expectStatus(plain, ofRange('bytes=0-0', { 'if-range': date.toUTCString() }), 200)
    })

    it('An unsatisfiable range behind a lost If-Range is the whole, not 416', () =>
      expectStatus(cut, ofRange('bytes=500-', { 'if-range': '"b"' }), 200))

    describe('A date that is less than a second old is no strong validator (8.8.2.2)', () => {
      const time = useManualTime()

      it('It lets the range through a second later, and not before', async () => {
        const second = 1000 * Math.floor(clock.date() / 1000)
        time.advance(second + 1100 - clock.date())
        const lastModified = new Date(second + 1000)
        const fresh: Spec = { ...cut, lastModified }
        const asked = ofRange('bytes=0-0', { 'if-range': lastModified.toUTCString() })
        await expectStatus(fresh, asked, 200)
        await expectStatus(fresh, ofRange('bytes=0-0', { 'if-range': '"a"' }), 206)
        time.advance(800)
        await expectStatus(fresh, asked, 200)
        time.advance(200)
        await expectStatus(fresh, asked, 206)
      })

      it('Nor is one in the future', () => {
        const lastModified = new Date(clock.date() + 60_000)
        const asked = ofRange('bytes=0-0', { 'if-range': lastModified.toUTCString() })
        return expectStatus({ ...cut, lastModified }, asked, 200)
      })
    })

    it('Dates are equal in whole seconds', () =>
      expectStatus(
        { ...cut, lastModified: new Date(date.getTime() + 500) },
        ofRange('bytes=0-0', { 'if-range': date.toUTCString() }),
        206,
      ))
  })

  it('Only GET has ranges (RFC 9110 14.2)', async () => {
    const answer = await expectStatus(cut, { method: 'HEAD', ...ofRange('bytes=0-0') }, 200)
    expect(answer.headers).to.include({ 'content-length': String(size), 'accept-ranges': 'bytes' })
    expect(answer.headers).not.to.have.property('content-range')
    const post: Spec = {
      ...cut,
      allowedMethods: ['POST'],
      contentTypesAccepted: { '*/*': () => ({ body: 'hello' }) },
    }
    const asked = { method: 'POST', ...ofRange('bytes=0-0', { 'content-type': 'text/plain' }) }
    const posted = await expectStatus(post, asked, 200)
    expect(posted.headers).not.to.have.property('content-range')
    expect(posted.body).to.have.length('hello'.length)
  })

  it('Ranges are bytes, never characters', async () => {
    const spec: Spec = { contentTypesProvided: { 'text/plain': () => 'äöü' }, rangesProvided: 'auto' }
    const answer = await expectStatus(spec, ofRange('bytes=2-3'), 206)
    expect(answer.headers['content-range']).to.equal('bytes 2-3/6')
    expect(answer.text).to.equal('ö')
  })

  it('Ranges are of the bytes in the charset that was negotiated', async () => {
    const spec: Spec = {
      contentTypesProvided: { 'text/plain': () => 'äöü' },
      charsetsProvided: ['iso-8859-1'],
      rangesProvided: 'auto',
    }
    const answer = await expectStatus(spec, ofRange('bytes=1-1'), 206)
    expect(answer.headers['content-range']).to.equal('bytes 1-1/3')
    expect([...answer.body]).to.deep.equal([0xf6])
  })

  it("'auto' cuts whatever the provider returns: JSON, strings, bytes", async () => {
    for (const [body, text] of [
      [{ a: 1 }, '{"'],
      ['hello', 'he'],
      [new Uint8Array([104, 101, 108]), 'he'],
      [12345, '12'],
      [new Uint8Array([104, 101, 108]).buffer, 'he'],
      [new Blob(['hel', 'lo']), 'he'],
    ] as const) {
      const spec: Spec = { contentTypesProvided: { 'application/json': () => body }, rangesProvided: 'auto' }
      expect((await expectStatus(spec, ofRange('bytes=0-1'), 206)).text).to.equal(text)
    }
  })

  it('A Blob is cut as bytes are, and read no further', async () => {
    const spec: Spec = { ...cut, contentTypesProvided: { 'text/plain': () => new Blob(['hel', 'lo']) } }
    const several = await expectStatus(spec, ofRange('bytes=0-1,-2'), 206)
    expect(parts(several)).to.deep.equal([
      { type: 'text/plain', range: 'bytes 0-1/5', body: 'he' },
      { type: 'text/plain', range: 'bytes 3-4/5', body: 'lo' },
    ])
    const beyond = await expectStatus(spec, ofRange('bytes=9-'), 416)
    expect(beyond.headers['content-range']).to.equal('bytes */5')
  })

  it('A stream as a body is never cut, and says nothing of ranges', async () => {
    for (const make of [() => Readable.from(['hello']), () => new Blob(['hello']).stream()]) {
      const spec: Spec = { contentTypesProvided: { 'text/plain': make }, rangesProvided: 'auto' }
      const answer = await expectStatus(spec, ofRange('bytes=0-1'), 200)
      expect(answer.text).to.equal('hello')
      expect(answer.headers).not.to.have.any.keys('accept-ranges', 'content-range')
      const head = await expectStatus(spec, { method: 'HEAD' }, 200)
      expect(head.headers).not.to.have.property('accept-ranges')
    }
  })

  it('300, 304 and stop() come before ranges', async () => {
    await expectStatus({ ...cut, multipleChoices: true }, ofRange('bytes=0-1'), 300)
    await expectStatus(cut, ofRange('bytes=0-1', { 'if-none-match': '"a"' }), 304)
    const spec: Spec = { ...cut, contentTypesProvided: { 'text/plain': () => stop(200, { body: 'hello' }) } }
    expect((await expectStatus(spec, ofRange('bytes=0-1'), 200)).text).to.equal('hello')
  })
})
