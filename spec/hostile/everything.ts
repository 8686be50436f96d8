import { expect } from 'chai'
import { graph } from '../../lib/graph/graph.js'
import { sse } from '../../lib/index.js'
import { staysClean } from '../support/clean.js'
import { type Asked, Site, type Spec } from '../support/http.js'

/** A resource with everything on. */
export const everything: Spec = {
  allowedMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'],
  contentTypesProvided: {
    'text/plain': () => 'hello, wörld',
    'application/json': async () => ({ hello: 'world' }),
    'text/event-stream': sse(),
  },
  subscribe: ({ lastEventId }) => [lastEventId ?? 'none'],
  languagesProvided: ['en', 'de-CH'],
  charsetsProvided: ['utf-8', 'iso-8859-1'],
  encodingsProvided: ['gzip', 'identity'],
  headers: { 'X-Stream': 'yes' },
  rangesProvided: 'auto',
  variances: ['Cookie'],
  generateEtag: '"a"',
  lastModified: new Date(Date.UTC(2024, 0, 1)),
  expires: new Date(Date.UTC(2025, 0, 1)),
  contentTypesAccepted: {
    'application/json': async ({ json }) => ({ body: { got: await json() } }),
    'text/*': async ({ text }) => ({ body: await text() }),
  },
  bodyLimit: 1000,
  deleteResource: true,
}

export const statuses = new Set(
  [...Object.values(graph).flat(), 413, 415].filter((exit) => typeof exit === 'number'),
)

export const garbage: readonly string[] = [
  '',
  ' ',
  ',',
  ';',
  '=',
  '"',
  '""',
  '\\',
  '*',
  '/',
  '*/*;q=',
  ';q=1',
  'q=1',
  'a/b;q=1e3',
  'a/b;q=NaN',
  '"unclosed',
  '\u00e9\u00ff',
  '%00%ff',
  '<script>',
  '../../etc/passwd',
  '{"a":1}',
  '__proto__',
  'constructor',
  'toString/hasOwnProperty',
  '-1',
  '99999999999999999999999999',
  'bytes=',
  'bytes=-',
  'bytes=99999999999999999999-99999999999999999999',
  'W/',
  'W/"',
  'Thu, 99 Foo 9999 99:99:99 GMT',
  'Thu, 01 Jan 1970 00:00:00 GMT'.repeat(3),
  `${'a'.repeat(4000)}`,
  `${','.repeat(4000)}`,
  `${'"\\'.repeat(2000)}`,
  `${'a/b;c="d",'.repeat(300)}`,
]

export const fields = [
  'accept',
  'accept-language',
  'accept-charset',
  'accept-encoding',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
  'content-type',
  'content-encoding',
  'last-event-id',
] as const

/** A site with everything on, for all tests of a block, none of which may leave an error or anything unclean. */
export function everythingOn() {
  staysClean()
  let site: Site
  before(() => {
    site = new Site(everything)
    return site.open()
  })
  after(() => site.close())
  afterEach(() => expect(site.errors.splice(0)).to.deep.equal([]))

  return {
    get site() {
      return site
    },
    /** Asks; expects a status of the table, no stack, and for HEAD no body. */
    async statusOf(asked: Asked): Promise<number> {
      const answer = await site.ask(asked)
      expect([...statuses], JSON.stringify(asked)).to.include(answer.status)
      expect(answer.status).not.to.equal(500)
      expect(answer.isCut).to.equal(false)
      expect(answer.text).not.to.match(/\n\s+at |node_modules|\.ts:\d+/)
      if (asked.method === 'HEAD') expect(answer.body).to.have.length(0)
      return answer.status
    },
  }
}
