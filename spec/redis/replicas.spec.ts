import { createClient } from '@redis/client'
import { expect } from 'chai'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { redisStreams } from '../../lib/redis.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, following } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { RedisPair } from '../support/redis/pair.js'

const kept = { ...none, history: 99 }

describe('Channels on Redis with replicas', () => {
  needs('redis-server')

  const pair = new RedisPair({ config: ['min-replicas-max-lag 1'] })
  before(() => pair.start())
  after(() => pair.close())

  const open = (options: object) => {
    const backend = redisStreams({ client: createClient({ url: pair.master.url }), ...options })
    return { backend, log: (name: string) => backend.open(name, kept, accept) }
  }

  it('an event is confirmed once they have it', async () => {
    const { backend, log } = open({ replicas: 1 })
    await log('a').publish(1, {}, accept)
    expect(await pair.replica.command('XLEN', 'lariat:{a}:log')).to.equal(1)
    await backend.close()
  })

  it('too few: it is uncertain, others are read meanwhile, and with its key it is one event', async () => {
    const { backend, log } = open({ replicas: 2, publishTimeout: 1000 })
    const [a, b] = [log('b'), log('c')]
    let isAnswered = false
    const publishing = failure(() => a.publish(1, { key: 'k' }, accept)).finally(() => {
      isAnswered = true
    })
    const [there] = await Promise.all([b.read('earliest'), a.position()])
    expect(there.outcome).to.equal('found')
    expect(isAnswered).to.equal(false)
    expect(await publishing).to.include({ code: 'LARIAT_DOWN', isUncertain: true })
    const ids = await following(a, 'earliest')
    expect(ids).to.have.length(1)
    await backend.close()
    const enough = open({ replicas: 1 })
    expect(await enough.log('b').publish(1, { key: 'k' }, accept)).to.equal(ids[0])
    expect(await following(enough.log('b'), 'earliest')).to.deep.equal(ids)
    await enough.backend.close()
  })

  it('a user who may not wait: it is uncertain, and the cause is told', async () => {
    await pair.master.command('ACL', 'SETUSER', 'impatient', 'on', '>secret', '~*', '&*', '+@all', '-wait')
    const client = createClient({ url: pair.master.url, username: 'impatient', password: 'secret' })
    const backend = redisStreams({ client, replicas: 1 })
    const error = await failure(() => backend.open('d', kept, accept).publish(1, {}, accept))
    expect(error).to.include({ code: 'LARIAT_DOWN', isUncertain: true })
    expect(String(error)).to.match(/NOPERM.*wait/s)
    await backend.close()
  })

  it('fewer than the server wants: refused for certain, and the cause is told', async () => {
    const { backend, log } = open({})
    await log('e').publish(1, {}, accept)
    await pair.master.command('CONFIG', 'SET', 'min-replicas-to-write', 2)
    const error = await failure(() => log('e').publish(2, {}, accept))
    expect(error).to.include({ code: 'LARIAT_DOWN' }).and.not.to.have.property('isUncertain', true)
    expect(String(error)).to.include('NOREPLICAS')
    await pair.master.command('CONFIG', 'SET', 'min-replicas-to-write', 0)
    expect(await following(log('e'), 'earliest')).to.have.length(1)
    await backend.close()
  })
})
