import { expect } from 'chai'
import { type Endpoint, loop, ndjson, type PlainSpec, sse, stop } from '../../lib/index.js'
import { staged } from '../support/stage.js'
import { eventSources, readers, serve, usesClients, withEach } from './clients.js'
import { curl } from './programs.js'

const stream: PlainSpec = { contentTypesProvided: [sse()], subscribe: () => {} }

const refusals: Readonly<Record<number, PlainSpec>> = {
  401: { ...stream, isAuthorized: 'Bearer realm="clients"' },
  403: { ...stream, forbidden: true },
  404: { ...stream, resourceExists: false },
  406: { ...stream, contentTypesProvided: [ndjson()] },
  410: { ...stream, resourceExists: false, previouslyExisted: true },
  429: { ...stream, rateLimited: 1 },
  503: { ...stream, serviceAvailable: 1 },
}

const moved = { ...stream, resourceExists: false, previouslyExisted: true }
const to = (status: number) => ({
  ...stream,
  serviceAvailable: () => stop(status, { headers: { Location: '/brief' } }),
})

const redirects: Readonly<Record<number, PlainSpec>> = {
  301: { ...moved, movedPermanently: '/brief' },
  302: to(302),
  303: to(303),
  307: { ...moved, movedTemporarily: '/brief' },
  308: to(308),
}

/** A stream that ends, whose clients come back after 10 ms. */
const brief = loop({ format: sse(), subscribe: () => ['brief'], stream: { retry: 10 } })

/** Everything under the status that it answers. */
const table: Record<string, PlainSpec | Endpoint> = {
  '/brief': brief,
  '/other-type': { ...stream, contentTypesProvided: [ndjson()], negotiation: 'lenient' },
}
for (const [status, spec] of Object.entries({ ...refusals, ...redirects })) table[`/${status}`] = spec

describe('Real EventSources, by the answer they get (docs/guide/clients.md)', () => {
  staged()

  withEach(eventSources, (client) => {
    const paths = [...Object.keys(refusals).map((status) => `/${status}`), '/other-type']

    it(`they fail for good, whatever Retry-After says: ${paths.join(', ')}`, async () => {
      const site = await serve(table, { client })
      const refused = paths.map((path) => client.listen(site.url + path))
      for (const each of refused) await each.closed()
      const other = client.listen(`${site.url}/brief`)
      await other.opens(3)
      expect(refused.map(({ opened, lost }) => [opened, lost])).to.deep.equal(paths.map(() => [0, 0]))
      const asked = site.asked.map(({ url }) => url).filter((url) => url !== '/brief')
      expect(asked.sort()).to.deep.equal(paths.sort())
    })

    const returnsToTarget = client.name !== 'eventsource'

    it(`they follow a redirect, and come back to ${returnsToTarget ? 'where it led' : 'where they began'}: ${Object.keys(redirects).join(', ')}`, async () => {
      const site = await serve(table, { client })
      for (const status of Object.keys(redirects)) {
        const listening = client.listen(`${site.url}/${status}`)
        await listening.opens(3)
        listening.close()
        const asked = site.asked.map(({ url }) => url).filter((url) => url === `/${status}`)
        expect(asked.length === 1, `${status}: asked ${asked.length} times`).to.equal(returnsToTarget)
      }
    })
  })
})

describe('Real readers of an answer that is not a stream', () => {
  staged()

  withEach(readers, (client) => {
    it('a refusal is whole, with its problem: 406, 503', async () => {
      const site = await serve(table, { client })
      for (const status of [406, 503]) {
        const answer = client.read(`${site.url}/${status}`, { headers: { Accept: 'text/event-stream' } })
        expect(await answer.ended()).to.equal('whole')
        const head = await answer.head()
        expect([head.status, head.headers['content-type']]).to.deep.equal([
          status,
          'application/problem+json',
        ])
        expect(JSON.parse(answer.text).status).to.equal(status)
      }
    })

    it(`a redirect is ${client.follows ? 'followed' : 'left to its user'}: 307`, async () => {
      const site = await serve(table, { client })
      const answer = client.read(`${site.url}/307`)
      expect(await answer.ended()).to.equal('whole')
      const head = await answer.head()
      if (client.follows) expect([head.status, answer.text.includes('brief')]).to.deep.equal([200, true])
      else expect([head.status, head.headers.location]).to.deep.equal([307, '/brief'])
    })
  })

  describe('curl', () => {
    usesClients('curl')

    it('says of a refusal by exit code 22, if it is asked to: --fail, or --fail-with-body to read the problem', async () => {
      const site = await serve(table)
      const [fail, withBody] = ['--fail', '--fail-with-body'].map((flag) =>
        curl(`${site.url}/503`, {}, [flag]),
      )
      expect(await fail!.ended())
        .to.have.property('error')
        .that.matches(/^22: /)
      expect(await withBody!.ended())
        .to.have.property('error')
        .that.matches(/^22: /)
      expect(JSON.parse(withBody!.text).status).to.equal(503)
    })

    it('follows a redirect with -L', async () => {
      const site = await serve(table)
      const answer = curl(`${site.url}/307`, {}, ['-L'])
      expect(await answer.ended()).to.equal('whole')
      expect(answer.text).to.include('data: brief')
    })
  })
})
