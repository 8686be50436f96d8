import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { Chance } from '../../tools/soak/chance.js'
import { Ledger } from '../../tools/soak/ledger.js'
import { Order } from '../../tools/soak/order.js'
import { soak } from '../../tools/soak/run.js'
import { Shop } from '../../tools/soak/shop.js'
import { perMinute } from '../../tools/soak/trend.js'
import { Visit } from '../../tools/soak/visit.js'

/** What an order says of ids that come one after the other; `gap …` is a notice. */
function said(...ids: readonly string[]): readonly (string | undefined)[] {
  const order = new Order()
  return ids.map((id) => (id.startsWith('gap ') ? order.gap(id.slice(4)) : order.take(id)))
}

describe('The soak', () => {
  it('some seconds of it, with a restart of the server, are without a violation', async function () {
    this.timeout(180_000)
    const lines: string[] = []
    const { violations, requests } = await soak({ seconds: 4, seed: 1, say: (line) => lines.push(line) })
    expect(violations).to.deep.equal([])
    expect(requests).to.be.greaterThan(0)
    expect(lines.at(-1)).to.include('2 lives of the server')
  })

  it('takes each next event for right, and the first whatever it is', () => {
    expect(said('a-7', 'a-8', 'a-9')).to.deep.equal([undefined, undefined, undefined])
  })

  it('finds what is lost, doubled, out of order, of another life, or no id', () => {
    expect(said('a-1', 'a-3')[1]).to.match(/^lost/)
    expect(said('a-1', 'a-1')[1]).to.match(/^doubled/)
    expect(said('a-1', 'a-2', 'a-1')[2]).to.match(/^doubled, or out of order/)
    expect(said('a-1', 'b-2')[1]).to.match(/^another life/)
    expect(said('a')[0]).to.match(/^an id that is none/)
  })

  it('takes a gap that is told, if it goes on with what was said', () => {
    const gap = (requested: string, from: string) => `gap ${JSON.stringify({ requested, from })}`
    expect(said('a-5', gap('a-5', 'b-2'), 'b-2', 'b-3')).to.deep.equal(Array(4).fill(undefined))
    expect(said('a-5', gap('a-5', 'b-0'), 'b-1')).to.deep.equal(Array(3).fill(undefined))
    expect(said('a-5', gap('a-5', 'b-2'), 'b-3')[2]).to.match(/^not what the gap said/)
    expect(said('a-5', gap('a-4', 'b-2'))[1]).to.match(/^a gap after a-4/)
  })

  it('finds a status that was not to come, a stack in a body, and a stream that is cut', async () => {
    const server = createServer((req, res) => {
      if (req.url === '/cut') return void res.write('a', () => res.destroy())
      res.writeHead(500).end('Error: no\n    at there (file.ts:1:1)')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const ledger = new Ledger(() => undefined)
    const shop = new Shop(ledger)
    Object.assign(shop, { port: (server.address() as AddressInfo).port, isUp: true })
    const visit = new Visit(new Chance(1), ledger, shop, new AbortController().signal)
    try {
      await visit.ask({ path: '/', headers: { Connection: 'close' }, statuses: [200] })
      expect(ledger.violations).to.have.length(2)
      expect(ledger.violations.join()).to.match(/a stack in the body: .*GET \/: 500, not 200/s)
      const response = await visit.open({ path: '/cut', statuses: [200] })
      const failure = await visit.listen(response!, 5000).catch(String)
      expect(failure).to.equal('Error: GET /cut was cut')
    } finally {
      server.close()
    }
  })

  it('tells growth from noise by a straight line', () => {
    const points = [5, 3, 6, 4, 7].map((value, at) => ({ at: at * 60_000, value }))
    expect(perMinute(points)).to.be.closeTo(0.5, 1e-9)
    expect(perMinute(points.map(({ at }) => ({ at, value: 3 })))).to.equal(0)
  })

  it('draws the same from the same seed', () => {
    const drawn = (seed: number) => {
      const chance = new Chance(seed)
      return Array.from({ length: 5 }, () => chance.between(1, 1000))
    }
    expect(drawn(1)).to.deep.equal(drawn(1))
    expect(drawn(1)).not.to.deep.equal(drawn(2))
  })
})
