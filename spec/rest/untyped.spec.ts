import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { request as undici } from 'undici'
import { contentTypeOf } from '../../lib/http/content-type.js'
import { type Answer, expectStatus, onBoth, Site, type Spec, withSite, writable } from '../support/http.js'

const run = promisify(execFile)

/** A resource that answers with the range that took the body, and with the body. */
const taking = (...ranges: readonly string[]): Spec => ({
  ...writable,
  contentTypesAccepted: Object.fromEntries(
    ranges.map((range) => [range, async ({ text }) => ({ body: `${range} ${await text()}` })]),
  ),
})

/** Sends a POST as it is, and returns the status and the body. */
async function posted(
  site: Site,
  fields: string,
  body = '',
): Promise<readonly [status: number, body: string]> {
  const answer = await site.exchange(
    `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n${body}`,
  )
  return [Number(answer.slice(9, 12)), answer.slice(answer.indexOf('\r\n\r\n') + 4)]
}

onBoth('A request without a Content-Type (RFC 9110 8.3)', () => {
  describe('Without a body it is within */*, and no other range', () => {
    for (const [what, fields] of [
      ['no length at all, as curl -X POST', ''],
      ['Content-Length: 0, as fetch', 'Content-Length: 0\r\n'],
    ] as const) {
      it(what, () =>
        withSite(new Site(taking('application/*', 'application/octet-stream', '*/*')), async (site) => {
          expect(await posted(site, fields)).to.deep.equal([200, '*/* '])
        }),
      )

      it(`${what}: 415 where there is no */*`, () =>
        withSite(new Site(taking('application/*', 'application/octet-stream', '*/*; a=b')), async (site) => {
          expect((await posted(site, fields))[0]).to.equal(415)
        }))
    }
  })

  describe('With a body it is application/octet-stream', () => {
    for (const range of ['*/*', 'application/*', 'application/octet-stream', 'Application/Octet-Stream']) {
      it(`Within ${range}, with a length and in chunks`, () =>
        withSite(new Site(taking('text/*', range)), async (site) => {
          expect(await posted(site, 'Content-Length: 1\r\n', 'a')).to.deep.equal([200, `${range} a`])
          const chunked = await posted(site, 'Transfer-Encoding: chunked\r\n', '1\r\na\r\n0\r\n\r\n')
          expect(chunked).to.deep.equal([200, `${range} a`])
        }))
    }

    it('Within no other: 415, which lists what is accepted', async () => {
      for (const method of ['POST', 'PUT', 'PATCH']) {
        const { json, headers } = await expectStatus(
          taking('text/*', 'application/json'),
          { method, body: 'a' },
          415,
        )
        expect(json).to.deep.include({ offered: ['text/*', 'application/json'] })
        expect(headers[method === 'PATCH' ? 'accept-patch' : 'accept']).to.equal('text/*, application/json')
      }
    })

    it('The server’s order decides', async () => {
      const answer: Answer = await expectStatus(
        taking('*/*', 'application/octet-stream'),
        { method: 'PUT', body: 'a' },
        200,
      )
      expect(answer.text).to.equal('*/* a')
    })
  })

  it('An empty one does not parse: 415', () =>
    withSite(new Site(taking('*/*')), async (site) => {
      expect((await posted(site, 'Content-Type:\r\n'))[0]).to.equal(415)
    }))

  it('Two that differ are none that parses: 415; the same one twice is that one', () =>
    withSite(new Site(taking('text/plain', '*/*')), async (site) => {
      const length = 'Content-Length: 1\r\n'
      const two = (one: string, other: string) =>
        `${length}Content-Type: ${one}\r\ncontent-type: ${other}\r\n`
      expect((await posted(site, two('text/plain', 'a/b'), 'a'))[0]).to.equal(415)
      expect(await posted(site, two('text/plain', 'text/plain'), 'a')).to.deep.equal([200, 'text/plain a'])
    }))

  describe('Real clients', () => {
    const accepting = (use: (url: string) => Promise<unknown>) =>
      withSite(new Site(taking('*/*')), (site) => use(`http://127.0.0.1:${site.port}/`))

    it('curl -X POST', () =>
      accepting(async (url) => {
        expect((await run('curl', ['-s', '-X', 'POST', url])).stdout).to.equal('*/* ')
      }))

    it('fetch without a body, with bytes, and with a Blob, as sendBeacon sends it', () =>
      accepting(async (url) => {
        for (const [body, sent] of [
          [undefined, ''],
          [new Uint8Array([97]), 'a'],
          [new Blob(['a']), 'a'],
        ] as const) {
          const response = await fetch(url, { method: 'POST', ...(body && { body }) })
          expect(await response.text()).to.equal(`*/* ${sent}`)
        }
      }))

    it('undici without a body', () =>
      accepting(async (url) => {
        const { body } = await undici(url, { method: 'POST' })
        expect(await body.text()).to.equal('*/* ')
      }))
  })

  it('A request of HTTP/2 has a body if its head did not end it', () => {
    const of = (endAfterHeaders: boolean) =>
      ({ headers: {}, rawHeaders: [], stream: { endAfterHeaders } }) as never
    expect(contentTypeOf(of(true))?.type).to.equal('')
    expect(contentTypeOf(of(false))).to.include({ type: 'application', subtype: 'octet-stream' })
  })
})
