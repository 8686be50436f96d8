import { expect } from 'chai'
import fc from 'fast-check'
import { loop, resource, sse } from '../../lib/index.js'
import { expresses } from '../support/http.js'
import { type Site, stage, staged } from '../support/stage.js'

const seen: unknown[] = []

const endpoint = () =>
  loop({
    format: sse(),
    subscribe({ lastEventId }) {
      seen.push(lastEventId)
      return []
    },
  })

/** What `subscribe` sees of a request. */
async function lastEventId(site: Site, path: string, header?: string | Buffer): Promise<unknown> {
  const field =
    header === undefined ? [] : [Buffer.from('Last-Event-ID: '), Buffer.from(header), Buffer.from('\r\n')]
  const request = Buffer.concat([
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: spec\r\n`),
    ...field,
    Buffer.from('\r\n'),
  ])
  const client = site.connect().write(request)
  expect((await client.whole()).status).to.equal(200)
  client.leave()
  return seen.pop()
}

describe('lastEventId: what the client saw last (docs/guide/loop.md)', () => {
  staged()

  const cases: Record<
    string,
    [path: string, header: string | Buffer | undefined, expected: string | undefined]
  > = {
    'undefined where the client has seen nothing': ['/', undefined, undefined],
    'the header Last-Event-ID': ['/', '42', '42'],
    'else the query parameter `lastEventId`': ['/?lastEventId=42', undefined, '42'],
    'else Mercure’s, `lastEventID`': ['/?lastEventID=42', undefined, '42'],
    'the query parameter in this library’s spelling, where there are both': [
      '/?lastEventID=a&lastEventId=b',
      undefined,
      'b',
    ],
    'the header, where there are both': ['/?lastEventId=query', 'header', 'header'],
    'the header, also an empty one': ['/?lastEventId=query', '', ''],
    'an empty query parameter is a value': ['/?lastEventId=', undefined, ''],
    'the header is read as UTF-8, as EventSource sends it': ['/', 'zoë–✓', 'zoë–✓'],
    'the query is decoded': ['/?a=1&lastEventId=zo%C3%AB+b', undefined, 'zoë b'],
    'the first of several parameters': ['/?lastEventId=a&lastEventId=b', undefined, 'a'],
    'not that of a parameter of another name': ['/?lasteventid=a&lastEventId[]=b', undefined, undefined],
    'of a query that cannot be decoded something, and no error': ['/?lastEventId=%ff%', undefined, '\ufffd%'],
    'of a header that is no UTF-8 something, and no error': ['/', Buffer.from([0x61, 0xff]), 'a\ufffd'],
    'with characters that have a meaning elsewhere': ['/', '../"{};\\', '../"{};\\'],
    'a long one': ['/', 'x'.repeat(8000), 'x'.repeat(8000)],
  }
  for (const [name, [path, header, expected]] of Object.entries(cases)) {
    it(name, async () => {
      const site = await stage.now.serve(endpoint())
      expect(await lastEventId(site, path, header)).to.equal(expected)
    })
  }

  for (const version of Object.keys(expresses)) {
    it(`${version}: below a path and whatever its query parser`, async () => {
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [sse()],
          subscribe({ lastEventId }) {
            seen.push(lastEventId)
            return []
          },
        }),
        {
          with: version,
          before: [
            (req, _res, next) => {
              req.app.set('query parser', false)
              next()
            },
          ],
        },
      )
      expect(await lastEventId(site, '/a/b?lastEventId=7')).to.equal('7')
    })
  }

  it('whatever the bytes of the header and the query: an answer', async () => {
    const site = await stage.now.serve(endpoint())
    const byte = fc.integer({ min: 0x21, max: 0xff }).filter((value) => value !== 0x7f)
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes)),
        fc.array(byte).map((bytes) => Buffer.from(bytes)),
        async (query, header) => {
          const encoded = [...query].map((value) => `%${value.toString(16).padStart(2, '0')}`).join('')
          expect(await lastEventId(site, `/?lastEventId=${encoded}`)).to.equal(query.toString())
          expect(await lastEventId(site, '/', header)).to.equal(header.toString())
        },
      ),
      { numRuns: 50 },
    )
  })
})
