import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { Client } from '../support/raw.js'
import { Page } from './page.js'
import { type Example, examples } from './pages.js'
import { Folder, type Running } from './running.js'

/** What the page on security shows is what its users copy: it has to keep what it promises. */
describe('Tickets (docs/operate/security.md)', () => {
  const [example, page] = ['redeem', 'newTicket'].map(
    (word) =>
      examples.find(({ where, code }) => where.startsWith('docs/operate/security') && code.includes(word))!,
  ) as [Example, Example]
  const login = { Authorization: 'Bearer let-me-in' }
  const clients: Client[] = []
  let folder: Folder
  let port: number
  const running: Running[] = []

  before(async () => {
    folder = await Folder.make()
    await start(example)
  })

  after(async () => {
    for (const { stop } of running) await stop()
    await folder.remove()
  })

  async function start(which: Example, on?: number): Promise<Running> {
    const started = await folder.run(which, on)
    running.push(started)
    ;({ port } = started)
    return started
  }

  const logout = () => connect().ask('/logout', { method: 'POST', headers: login }).whole()

  afterEach(() => {
    for (const client of clients.splice(0)) client.leave()
  })

  const connect = () => {
    const client = new Client(port)
    clients.push(client)
    return client
  }

  async function ticket(): Promise<string> {
    const { status, headers, body } = await connect()
      .ask('/tickets', { method: 'POST', headers: login })
      .whole()
    expect(status).to.equal(201)
    expect(headers['cache-control']).to.equal('no-store')
    return JSON.parse(body).ticket
  }

  const open = (ticket: string) => connect().ask(`/news?ticket=${ticket}`).head()

  it('opens the stream without any header, once', async () => {
    const one = await ticket()
    expect(await open(one)).to.deep.include({ status: 200 })
    const again = await open(one)
    expect(again.status).to.equal(401)
    expect(again.headers['www-authenticate']).to.equal('Ticket realm="news"')
  })

  it('is another one each time, so that who comes back gets in', async () => {
    const [one, two] = [await ticket(), await ticket()]
    expect(one).not.to.equal(two)
    for (const each of [two, one]) expect((await open(each)).status).to.equal(200)
  })

  it('is for who has a login alone', async () => {
    const refused = await connect().ask('/tickets', { method: 'POST' }).whole()
    expect(refused.status).to.equal(401)
    for (const made of ['', 'made-up', '__proto__', 'a&ticket=b']) {
      expect((await open(made)).status, made).to.equal(401)
    }
  })

  it('opens nothing any more once its login has ended', async () => {
    const one = await ticket()
    expect((await logout()).status).to.equal(204)
    expect((await open(one)).status).to.equal(401)
  })

  /** Each time that the login is asked for, the stream tells. */
  const telling = {
    '??= redeem(req.query.ticket)': "??= redeem(req.query.ticket)\n    void news.publish({ title: 'asked' })",
  }
  const soon = { ...telling, '60_000': '20' }
  const notAtOnce = { 'for (const each of stream.streams) if (each.client === user) each.close()': '' }

  /** A stream with a ticket that is used. */
  async function held(): Promise<Client> {
    const client = connect().ask(`/news?ticket=${await ticket()}`)
    expect((await client.head()).status).to.equal(200)
    return client
  }

  it('is asked for once: the stream stays as long as the login lasts, which is asked again and again', async () => {
    await start(await folder.change(example, { ...soon, ...notAtOnce }))
    const client = await held()
    await client.until('asked"}\n\nid: ')
    const asked = () => client.body.split('"asked"').length
    while (asked() < 5) await once(client.socket, 'data')
    expect(client.message.isWhole).to.equal(false)
    await logout()
    expect((await client.whole()).isWhole, 'by reauthorize alone').to.equal(true)
  })

  it('opens a stream that a logout ends at once, complete, and nobody else', async () => {
    const others = { "[['let-me-in', 'ada']]": "[['let-me-in', 'ada'], ['me-too', 'grace']]" }
    await start(await folder.change(example, { ...others, ...telling }))
    const client = await held()
    const asking = connect().ask('/tickets', { method: 'POST', headers: { Authorization: 'Bearer me-too' } })
    const other = connect().ask(`/news?ticket=${JSON.parse((await asking.whole()).body).ticket}`)
    await other.head()
    await logout()
    await client.whole()
    await open('made-up') // tells who still listens
    await other.until('asked')
    expect(other.message.isWhole).to.equal(false)
  })

  describe('of the page', () => {
    let visitor: Page
    let standIn: Server | undefined

    afterEach(() => {
      visitor.close()
      standIn?.closeAllConnections()
      standIn?.close()
    })

    it('are new ones after a restart, however the server answers meanwhile, until the login has ended', async () => {
      const first = await start(await folder.change(example, soon))
      visitor = new Page(page.code.replace('1000 + 2000 * Math.random()', '20'), `http://127.0.0.1:${port}`)
      await visitor.prints('asked')
      await first.stop()

      // while it is away: no answer, then what a proxy says
      const answers = [0, 0, 502, 503, 500, 404]
      const asked = await new Promise<(string | undefined)[]>((resolve) => {
        const urls: (string | undefined)[] = []
        standIn = createServer(({ url }, res) => {
          const status = answers[urls.push(url) - 1]
          if (urls.length === answers.length + 1) resolve(urls)
          if (!status) res.destroy()
          else res.writeHead(status, { 'Content-Type': 'text/html' }).end('<title>Away</title>')
        }).listen(port, '127.0.0.1')
      })
      expect(new Set(asked)).to.deep.equal(new Set(['/tickets']))
      standIn!.closeAllConnections()
      await new Promise((resolve) => standIn!.close(resolve))

      await start(
        await folder.change(example, { ...soon, "{ title: 'asked' }": "{ title: 'asked anew' }" }),
        port,
      )
      await visitor.prints('asked anew')
      await logout()
      await visitor.prints('logged out')
      expect(await visitor.ended).to.equal(0)
    })
  })
})
