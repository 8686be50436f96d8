import { expect } from 'chai'
import { staysClean } from '../support/clean.js'
import { gunzipped } from '../support/gunzip.js'
import { needs } from '../support/installed.js'
import { behaves } from './behaviour.js'
import { nginxPlain, nginxRecommended, patience } from './fronts.js'
import { Origin } from './origin.js'
import { Http1 } from './visitor.js'

describe('nginx in front (docs/operate/proxies.md)', function () {
  this.timeout(patience)
  needs('nginx')
  needs('openssl')
  staysClean()

  behaves(nginxRecommended, {
    upstream: '1.1',
    leaving: 'at once',
    halfClosed: 'leaving',
    buffersBodies: true,
    forwards: true,
    keepsConnections: true,
  })

  behaves(nginxPlain, {
    upstream: '1.0',
    leaving: 'at once',
    halfClosed: 'leaving',
    buffersBodies: true,
    forwards: false,
    keepsConnections: false,
  })

  describe('with other settings', () => {
    const origin = new Origin()
    before(() => origin.open())
    after(() => origin.close())

    it('compresses streams whose type is in gzip_types, no-transform or not, and hands on each event', async () => {
      const gzip = 'gzip on; gzip_types text/event-stream'
      const proxy = await nginxPlain.start(origin.port, { 'gzip on': gzip })
      const visitor = new Http1(proxy.port)
      try {
        const held = origin.hold()
        const visit = visitor.visit('/', { headers: { 'accept-encoding': 'gzip' } })
        const { send } = await held.context()
        const { headers } = await visit.head()
        expect(headers).to.include({
          'content-encoding': 'gzip',
          'cache-control': 'no-store, no-transform',
        })
        const lines = gunzipped(visit.client)
        for (let n = 1; n <= 3; n++) {
          send(`event ${n}`)
          await lines.until(`data: event ${n}`)
        }
      } finally {
        visitor.close()
        await proxy.close()
      }
    })

    it('takes two of worker_connections for each stream, and answers 500 or nothing to who comes after that', async () => {
      const proxy = await nginxPlain.start(origin.port, { 'worker_connections 768': 'worker_connections 20' })
      const visitor = new Http1(proxy.port)
      try {
        origin.hold()
        const statuses: (number | 'nothing')[] = []
        for (let n = 0; n < 20; n++) {
          const { status } = await visitor
            .visit('/')
            .head()
            .catch(() => ({ status: 'nothing' as const }))
          statuses.push(status)
        }
        const { length } = statuses.filter((status) => status === 200)
        expect(length).to.be.within(5, 10)
        expect(statuses.slice(0, length), 'those that came first').to.deep.equal(Array(length).fill(200))
        for (const later of statuses.slice(length)) expect(later).to.be.oneOf([500, 'nothing'])
      } finally {
        visitor.close()
        await proxy.close()
      }
    })
  })
})
