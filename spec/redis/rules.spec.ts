import { createClient } from '@redis/client'
import { expect } from 'chai'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { scripts } from '../../lib/redis/scripts.js'
import { redisStreams } from '../../lib/redis.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, idsOf, Kept } from '../../lib/testing/backends/logs.js'
import { pages } from '../docs/pages.js'
import { needs } from '../support/installed.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

const [, line = ''] = /^ACL (SETUSER .+)$/m.exec(pages.get('docs/operate/redis.md')!) ?? []
const rules = line.split(' ')

describe('The ACL rules of docs/operate/redis.md', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())

  it('name the commands that the scripts call, and those of the connections', () => {
    const called = Object.values(scripts).flatMap(({ text }) =>
      [...text.matchAll(/redis\.p?call\('(\w+)'/g)].map(([, name]) => name!.toLowerCase()),
    )
    // that of a cluster is refused elsewhere, and another takes its place
    const needed = new Set([...called, 'eval', 'evalsha', 'subscribe', 'unsubscribe'])
    needed.delete('spublish')
    const allowed = rules.filter((rule) => /^\+/.test(rule)).map((rule) => rule.slice(1))
    expect(allowed.sort()).to.deep.equal([...needed].sort())
  })

  it('are enough: publishing, listening, reading, an end, a deletion; and another prefix is refused', async () => {
    await server.command('ACL', ...rules)
    await server.command('SCRIPT', 'FLUSH')
    const client = () => createClient({ url: server.url, username: 'shop', password: 'secret', name: 'shop' })
    const backend = redisStreams({ client: client(), poll: 5000 })
    const limits = { history: 70, historyBytes: 1e6, maxAge: 60_000, idle: 50_000 }
    const log = backend.open('news', limits, () => {})
    const receiver = new Kept()
    const stop = await log.listen(receiver)
    for (let n = 0; n < 200; n++) await log.publish(n, { key: `key ${n}` }, accept)
    await until('all are delivered', () => receiver.items.length === 200)
    const { events } = await log.read({ last: 5 })
    expect(await idsOf(events)).to.deep.equal(receiver.ids.slice(-5))
    await stop()
    await backend.open('kept', { ...none, history: 5 }, () => {}).publish(1, {}, accept)
    await log.end()
    await log.drop()
    await backend.close()

    const elsewhere = redisStreams({ client: client(), prefix: 'other:', publishTimeout: 2000 })
    const refusal = await failure(() => elsewhere.open('news', limits, () => {}).publish(1, {}, accept))
    expect(String(refusal)).to.match(/NOPERM/)
    await elsewhere.close()
  })
})
