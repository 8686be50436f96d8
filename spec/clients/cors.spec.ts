import { expect } from 'chai'
import cors from 'cors'
import { event, type PlainSpec, sse } from '../../lib/index.js'
import { staged } from '../support/stage.js'
import { Tab } from './chromium.js'
import { type Served, serve, usesClients } from './clients.js'

/** A stream for who has the cookie. */
const forMembers: PlainSpec = {
  isAuthorized: ({ req }) => req.headers.cookie === 'member=yes' || 'Session realm="members"',
  contentTypesProvided: [sse()],
  subscribe: () => ['for members'],
}

const forAll: PlainSpec = {
  contentTypesProvided: [sse()],
  subscribe: () => [event('for all', { id: '1' })],
  stream: { retry: 10 },
}

const table = { '/members': forMembers, '/all': forAll }

describe("Chromium's EventSource from another origin (WHATWG HTML 9.2.2)", () => {
  staged()

  usesClients('chromium')
  let tab: Tab
  let site: Served

  afterEach(() => tab.close())

  /** A page of another port, or of another name, and a cookie for the site that it reads. */
  async function open(before: Parameters<typeof serve>[1], name = '127.0.0.1'): Promise<void> {
    const home = await serve({})
    site = await serve(table, before)
    tab = await Tab.open()
    const member = { name: 'member', value: 'yes', url: site.url, sameSite: 'Lax' as const }
    await tab.page.context().addCookies([member])
    await tab.visit(`http://${name}:${home.port}`)
  }

  for (const [name, where] of [
    ['127.0.0.1', 'port'],
    ['localhost', 'host'],
  ] as const) {
    it(`reads from another ${where} what says Access-Control-Allow-Origin`, async () => {
      await open({ before: [cors()] }, name)
      expect((await tab.listen(`${site.url}/all`).next()).data).to.equal('for all')
      expect(site.asked[0]!.headers.cookie).to.equal(undefined)
    })

    it(`is closed for good by an answer from another ${where} that does not`, async () => {
      await open({}, name)
      const listening = tab.listen(`${site.url}/all`)
      await listening.closed()
      expect(listening.opened).to.equal(0)
    })
  }

  it('sends cookies to another port withCredentials, where the answer allows them', async () => {
    await open({ before: [cors({ origin: true, credentials: true })] })
    const listening = tab.listen(`${site.url}/members`, { withCredentials: true })
    expect((await listening.next()).data).to.equal('for members')
  })

  it('sends none without, and is closed by the 401', async () => {
    await open({ before: [cors({ origin: true, credentials: true })] })
    const listening = tab.listen(`${site.url}/members`)
    await listening.closed()
    expect(listening.opened).to.equal(0)
  })

  it('is closed for good, withCredentials, by an answer that allows all origins and no credentials', async () => {
    await open({ before: [cors()] })
    const listening = tab.listen(`${site.url}/members`, { withCredentials: true })
    await listening.closed()
    expect([listening.opened, site.asked[0]!.headers.cookie]).to.deep.equal([0, 'member=yes'])
  })

  it('asks without a preflight, also when it comes back with Last-Event-ID', async () => {
    await open({ before: [cors()] })
    await tab.listen(`${site.url}/all`).opens(2)
    const asked = site.asked.slice(0, 2).map(({ method, headers }) => [method, headers['last-event-id']])
    expect(asked).to.deep.equal([
      ['GET', undefined],
      ['GET', '1'],
    ])
  })
})
