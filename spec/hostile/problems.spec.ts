import { expect } from 'chai'
import { callbacks } from '../../lib/declare/callbacks.js'
import { ndjson, sse } from '../../lib/index.js'
import { type Asked, asText, Site, type Spec, tableOf, withSite, writable } from '../support/http.js'

const hello: Spec = { contentTypesProvided: { 'text/plain': () => 'hello' } }
const taking: Spec = {
  ...writable,
  bodyLimit: 10,
  contentTypesAccepted: { '*/*': async ({ json }) => ({ body: JSON.stringify(await json()) }) },
}
const held: Spec = { contentTypesProvided: [sse(), ndjson()], subscribe: () => [] }
const post: Asked = { method: 'POST', headers: asText, body: 'a' }
const script = '<script>alert(1)</script>'

/** What refuses a request, beside the decisions: each with what a client has put into it. */
const refusals: Readonly<Record<string, readonly [spec: Spec, status: number, asked?: Asked]>> = {
  'a method that is not allowed': [hello, 405, { method: 'DELETE' }],
  'a method that is not known': [hello, 501, { method: 'PROPFIND' }],
  'an Accept': [hello, 406, { headers: { accept: script } }],
  'an Accept of a stream': [held, 406, { headers: { accept: script } }],
  'an Accept-Language': [
    { ...hello, languagesProvided: ['en'] },
    406,
    { headers: { 'accept-language': script } },
  ],
  'an If-Match': [hello, 400, { headers: { 'if-match': script } }],
  'an If-None-Match': [hello, 400, { headers: { 'if-none-match': script } }],
  'a Range': [{ ...hello, rangesProvided: 'auto' }, 416, { headers: { range: 'bytes=99-' } }],
  'a Content-Type': [{ ...taking, contentTypesAccepted: { 'a/b': () => true } }, 415, post],
  'a charset': [taking, 415, { ...post, headers: { 'content-type': `text/plain;charset="${script}"` } }],
  'a coding': [taking, 415, { ...post, headers: { ...asText, 'content-encoding': script } }],
  'a body that is no JSON': [taking, 400, { ...post, body: '<script>' }],
  'a body that is too long': [taking, 413, { ...post, body: script }],
  'a body that is not in its coding': [
    taking,
    400,
    { ...post, headers: { ...asText, 'content-encoding': 'gzip' } },
  ],
  'a decision that comes too late': [
    { ...hello, forbidden: () => new Promise<boolean>(() => {}), decisionTimeout: 1 },
    503,
  ],
  'a subscribe that comes too late': [
    { ...held, subscribe: () => new Promise<void>(() => {}), decisionTimeout: 1 },
    503,
  ],
  'a source that is dead': [{ ...held, subscribe: ({ monitor }) => monitor(AbortSignal.abort()) }, 503],
  'a failed DELETE': [{ ...writable, deleteResource: false }, 500, { method: 'DELETE' }],
}

describe('A refusal tells nothing of how the app is made (CWE-209)', () => {
  const members = ['type', 'title', 'status', 'detail', 'offered']

  function expectTellsNothing(text: string): void {
    const problem = JSON.parse(text)
    expect(members).to.include.members(Object.keys(problem))
    expect(problem.type).to.equal('about:blank')
    expect(text).not.to.match(
      /\n|\.[jt]s\b|node:|node_modules|\blib\/|LariatError|TypeError|Error:|LARIAT|undefined|\[object/,
    )
    expect(text).not.to.include(process.cwd())
    // `headers` is a word that any client knows
    const names = Object.keys(callbacks).filter((name) => name !== 'headers')
    for (const name of [...names, 'subscribe', 'decisionTimeout', 'bodyLimit'])
      expect(text).not.to.match(new RegExp(`\\b${name}\\b`))
  }

  for (const [what, [spec, status, asked = {}]] of Object.entries(refusals)) {
    for (const env of ['development', 'production']) {
      it(`${what}: ${status}, in ${env}`, async () => {
        const site = new Site(spec)
        site.app.set('env', env)
        await withSite(site, async () => {
          const answer = await site.ask({ url: `/${encodeURIComponent(script)}?a=${script}`, ...asked })
          expect(answer.status).to.equal(status)
          // a type that no browser makes a page of, whatever is in it
          expect(answer.headers['content-type']).to.equal('application/problem+json')
          expectTellsNothing(answer.text)
          expect(answer.text).not.to.include('alert(1)%3C').and.not.to.include('?a=')
          if (what !== 'a charset' && what !== 'a coding') expect(answer.text).not.to.include('<')
          expect(site.errors).to.deep.equal([])
        })
      })
    }
  }

  it('A path that cannot be decoded: 400', async () => {
    await withSite(new Site(tableOf({ '/:id': hello })), async (site) => {
      const answer = await site.ask({ url: `/%ff${encodeURIComponent(script)}` })
      expect(answer.status).to.equal(400)
      expectTellsNothing(answer.text)
      expect(answer.text).not.to.include('script')
    })
  })

  for (const [option, status] of [
    ['maxStreams', 503],
    ['maxStreamsPerClient', 429],
  ] as const) {
    it(`More than ${option}: ${status}`, async () => {
      const spec: Spec = { ...held, subscribe: ({ send }) => send('event one'), stream: { [option]: 1 } }
      await withSite(new Site(spec), async (site) => {
        const leaving = new AbortController()
        const first = await fetch(`http://127.0.0.1:${site.port}`, { signal: leaving.signal })
        expect(first.status).to.equal(200)
        const answer = await site.ask()
        leaving.abort()
        expect(answer.status).to.equal(status)
        expectTellsNothing(answer.text)
      })
    })
  }

  it('An endpoint that closes: 503', async () => {
    const table = tableOf({ '/': hello })
    await table.close()
    await withSite(new Site(table), async (site) => {
      const answer = await site.ask()
      expect(answer.status).to.equal(503)
      expectTellsNothing(answer.text)
    })
  })

  it('An error of a callback is the app’s: nothing of it is on the wire', async () => {
    const secret = Object.assign(new Error('secret of /etc/passwd'), {
      detail: 'secret',
      headers: { 'X-Secret': 'a' },
    })
    const fail = () => {
      throw secret
    }
    for (const spec of [
      { ...hello, forbidden: fail },
      { ...hello, forbidden: async () => fail() },
      { contentTypesProvided: { 'text/plain': fail } },
      { ...held, subscribe: fail },
      { ...held, subscribe: async () => fail() },
    ] as Spec[]) {
      await withSite(new Site(spec), async (site) => {
        const answer = await site.ask()
        expect([answer.status, answer.text]).to.deep.equal([500, 'The app answers.'])
        expect(JSON.stringify(answer.headers)).not.to.include('secret').and.not.to.include('x-secret')
        expect(site.errors).to.deep.equal([secret])
      })
    }
  })
})
