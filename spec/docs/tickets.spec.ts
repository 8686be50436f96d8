import { expect } from 'chai'
import { Client } from '../support/raw.js'
import { examples } from './pages.js'
import { Folder } from './running.js'

/** What the page on security shows is what its users copy: it has to keep what it promises. */
describe('Tickets (docs/security.md)', () => {
  const example = examples.find(
    ({ where, code }) => where.startsWith('docs/security') && /redeem/.test(code),
  )!
  const login = { Authorization: 'Bearer let-me-in' }
  const clients: Client[] = []
  let folder: Folder
  let port: number
  let stop: () => void

  before(async () => {
    folder = await Folder.make()
    ;({ port, stop } = await folder.run(example))
  })

  after(() => {
    stop()
    return folder.remove()
  })

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
    const left = await connect().ask('/logout', { method: 'POST', headers: login }).whole()
    expect(left.status).to.equal(204)
    expect((await open(one)).status).to.equal(401)
  })
})
