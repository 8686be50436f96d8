import { expect } from 'chai'
import fc from 'fast-check'
import { onBoth } from '../support/http.js'
import { everythingOn, fields, garbage } from './everything.js'

describe('Whatever a header field has in it, the request is answered', () => {
  const served = everythingOn()

  describe('Garbage in each field gets a status of the table', () => {
    for (const name of fields) {
      it(name, async () => {
        for (const value of garbage) {
          for (const method of ['GET', 'POST']) {
            await served.statusOf({
              method,
              headers: {
                ...(method === 'POST' && { 'content-type': 'text/plain' }),
                [name]: Buffer.from(value).toString('latin1'),
              },
              ...(method === 'POST' && { body: 'a' }),
            })
          }
        }
      })
    }

    it('last-event-id, on a stream', async () => {
      for (const value of garbage) {
        for (const url of [
          '/',
          `/?lastEventId=${encodeURIComponent(value)}`,
          '/?lastEventId=%',
          '/?lastEventId=%ff&lastEventId=',
        ]) {
          const status = await served.statusOf({
            url,
            headers: { accept: 'text/event-stream', 'last-event-id': Buffer.from(value).toString('latin1') },
          })
          expect(status).to.equal(200)
        }
      }
    })
  })

  describe('Each field gets the status that the semantics give', () => {
    for (const [headers, status] of [
      [{ accept: 'garbage' }, 406],
      [{ 'accept-language': '@' }, 406],
      [{ 'accept-charset': '@' }, 406],
      [{ 'accept-encoding': '@' }, 200],
      [{ 'if-match': 'garbage' }, 400],
      [{ 'if-none-match': 'garbage' }, 400],
      [{ 'if-modified-since': 'garbage' }, 200],
      [{ 'if-unmodified-since': 'garbage' }, 200],
      [{ range: 'garbage' }, 200],
      [{ range: 'bytes=0-1', 'if-range': 'garbage', 'accept-encoding': 'identity' }, 200],
    ] as const) {
      it(`${JSON.stringify(headers)} is ${status}`, async () => {
        expect(await served.statusOf({ headers })).to.equal(status)
      })
    }
    it('A garbled Content-Type is 415, a garbled body 400', async () => {
      expect(
        await served.statusOf({ method: 'POST', headers: { 'content-type': 'garbage' }, body: 'a' }),
      ).to.equal(415)
      const json = { 'content-type': 'application/json' }
      expect(await served.statusOf({ method: 'POST', headers: json, body: '{"a":' })).to.equal(400)
      expect(await served.statusOf({ method: 'POST', headers: json, body: 'a'.repeat(1001) })).to.equal(413)
    })
  })

  onBoth('Properties', () => {
    const text = (pieces: readonly string[]) =>
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((all) => all.join('')),
        },
        {
          weight: 1,
          arbitrary: fc
            .string({
              unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
              maxLength: 40,
            })
            .map((each) => each.replaceAll('\x7f', '')),
        },
        {
          weight: 1,
          arbitrary: fc
            .constantFrom(...garbage.filter((each) => each.length < 100))
            .map((each) => Buffer.from(each).toString('latin1')),
        },
      )
    const separators = [',', ';', '=', ' ', '\t', '"', '*', '/', '-', 'q=', 'q=0', ';q=0.5']
    const date = [
      'Thu, 01 Jan 1970 00:00:00 GMT',
      'Mon, 01 Jan 2024 00:00:00 GMT',
      'Mon Jan  1 00:00:00 2024',
      'Thursday, 01-Jan-70 00:00:00 GMT',
    ]
    const etags = ['"a"', 'W/"a"', '"b"', '*', ',', ' ', '"', 'W/']
    const pieces: Readonly<Record<(typeof fields)[number], readonly string[]>> = {
      accept: [
        'text/plain',
        'application/json',
        'text/event-stream',
        'text/*',
        '*/*',
        'charset=utf-8',
        ...separators,
      ],
      'accept-language': ['en', 'de', 'de-CH', 'en-GB', ...separators],
      'accept-charset': ['utf-8', 'iso-8859-1', ...separators],
      'accept-encoding': ['gzip', 'identity', 'br', ...separators],
      'if-match': etags,
      'if-none-match': etags,
      'if-modified-since': date,
      'if-unmodified-since': date,
      'if-range': [...date, ...etags],
      range: ['bytes=', '0-', '1-2', '-3', '99-', '5-1', ',', ' ', '='],
      'content-type': ['text/plain', 'application/json', 'charset=utf-8', 'charset=x', ...separators],
      'content-encoding': ['gzip', 'identity', 'br', ','],
      'last-event-id': ['1', 'a', '\xe9'],
    }
    const headers = fc.record(Object.fromEntries(fields.map((name) => [name, text(pieces[name])])), {
      requiredKeys: [],
    })

    it('Whatever the headers: HEAD has the status of GET, and its type', async () => {
      await fc.assert(
        fc.asyncProperty(headers, async ({ range, ...given }) => {
          const asked = { headers: given as Record<string, string> }
          const [get, head] = [
            await served.site.ask(asked),
            await served.site.ask({ ...asked, method: 'HEAD' }),
          ]
          expect(head.status).to.equal(get.status)
          for (const name of [
            'content-type',
            'etag',
            'vary',
            'content-language',
            'content-encoding',
            'content-length',
          ])
            expect(head.headers[name], name).to.equal(get.headers[name])
        }),
        { numRuns: 200 },
      )
    }).timeout(30_000)
  })
})
