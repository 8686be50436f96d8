import { createClient } from '@redis/client'
import { expect } from 'chai'
import { retainsNothing as none } from '../../lib/hub/backend.js'
import { scripts } from '../../lib/redis/scripts.js'
import { redisStreams } from '../../lib/redis.js'
import { accept, Kept } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { Passage } from '../support/redis/passage.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'

/** A client whose duplicates say what they send; an answer is held for as long as what is returned says. */
function observed(url: string, sent: (command: readonly string[]) => Promise<unknown> | undefined) {
  const observe = (client: ReturnType<typeof createClient>): ReturnType<typeof createClient> =>
    new Proxy(client, {
      get(target, name) {
        if (name === 'duplicate') return () => observe(target.duplicate())
        if (name === 'sendCommand')
          return async (command: readonly string[]) => {
            const answer = await target.sendCommand(command)
            await sent(command)
            return answer
          }
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  return observe(createClient({ url }))
}

describe('Listening to a channel on Redis (docs/operate/redis.md)', () => {
  needs('redis-server')
  const server = new RedisServer()
  before(() => server.start())
  after(() => server.close())

  it('what is told while it begins is read once it has begun, and not at the next look', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let holds = false
    let isHeld = false
    const looks: string[] = []
    const client = observed(server.url, (command) => {
      if (command[1] === scripts.look.sha || command[1] === scripts.look.text) looks.push(command[0]!)
      if (!holds || !command.includes('now')) return
      isHeld = true
      return held
    })
    const here = redisStreams({ client, poll: 5000 })
    const there = redisStreams({ client: createClient({ url: server.url }) })
    const log = here.open('early', { ...none, history: 9 }, () => {})
    const other = new Kept()
    const stopOther = await here.open('other', none, () => {}).listen(other)
    holds = true
    const receiver = new Kept()
    const listening = log.listen(receiver)
    await until('the place is known to the server', () => isHeld)
    const id = await there.open('early', { ...none, history: 9 }, () => {}).publish(1, {}, accept)
    // its message comes on the same connection, behind the first
    await there.open('other', none, () => {}).publish(2, {}, accept)
    await until('both are told', () => other.items.length > 0)
    const before = looks.length
    holds = false
    release()
    const stop = await listening
    await until('it is delivered', () => receiver.items.length > 0)
    expect(receiver.ids).to.deep.equal([id])
    expect(looks.length, 'looks').to.equal(before)
    await stop()
    await stopOther()
    await Promise.all([here.close(), there.close()])
  })

  it('who listens while the last listener is leaving is told, and does not wait for a look', async () => {
    const looks: string[] = []
    const client = observed(server.url, (command) => {
      if (command[1] === scripts.look.sha || command[1] === scripts.look.text) looks.push(command[0]!)
      return undefined
    })
    const here = redisStreams({ client, poll: 5000 })
    const log = here.open('left', { ...none, history: 9 }, () => {})
    const leave = await log.listen(new Kept())
    const before = looks.length
    leave()
    const receiver = new Kept()
    const stop = await log.listen(receiver)
    // an answer behind that of the leaving
    await log.position()
    const id = await log.publish(1, {}, accept)
    await until('it is delivered', () => receiver.items.length > 0)
    expect(receiver.ids).to.deep.equal([id])
    expect(looks.length, 'looks').to.equal(before)
    await stop()
    await here.close()
  })

  it('a loss in which nothing was published is no gap, also of a channel that retains nothing', async () => {
    const passage = new Passage(server)
    await passage.up()
    const here = redisStreams({ client: createClient({ url: passage.url }) })
    const there = redisStreams({ client: createClient({ url: server.url }) })
    const receiver = new Kept()
    const stop = await here.open('quiet', none, () => {}).listen(receiver)
    const log = there.open('quiet', none, () => {})
    const ids = [await log.publish(0, {}, accept)]
    await until('it is delivered', () => receiver.items.length === 1)
    let isUp = false
    here.on('up', () => {
      isUp = true
    })
    await passage.cut()
    await until('it is back', () => isUp)
    for (const n of [1, 2, 3]) ids.push(await log.publish(n, {}, accept))
    await until('all are delivered', () => receiver.ids.at(-1) === ids.at(-1))
    expect(receiver.ids).to.deep.equal(ids)
    await stop()
    await Promise.all([here.close(), there.close(), passage.close()])
  })

  it('several that listen to one channel are told once for each message, by one look at the log', async () => {
    const reads: string[] = []
    const client = observed(server.url, (command) => {
      if (command[0]?.startsWith('EVAL') && command.includes('after')) reads.push(command[0])
      return undefined
    })
    const here = redisStreams({ client })
    const there = redisStreams({ client: createClient({ url: server.url }) })
    const [first, second] = [new Kept(), new Kept()]
    const log = here.open('twice', none, () => {})
    const stops = [await log.listen(first), await log.listen(second)]
    const elsewhere = there.open('twice', none, () => {})
    const ids = [await elsewhere.publish(1, {}, accept)]
    await until('both have it', () => first.items.length + second.items.length === 2)
    for (const stop of stops) await stop()
    const third = new Kept()
    const stop = await log.listen(third)
    ids.push(await elsewhere.publish(2, {}, accept))
    await until('it has it', () => third.items.length === 1)
    expect([first.ids, second.ids, third.ids]).to.deep.equal([[ids[0]], [ids[0]], [ids[1]]])
    expect(reads.length, 'one for each listener and event').to.equal(3)
    await stop()
    await Promise.all([here.close(), there.close()])
  })

  it('an end that is on its way when the hub is closed is answered, and for good', async () => {
    const here = redisStreams({ client: createClient({ url: server.url }) })
    const there = redisStreams({ client: createClient({ url: server.url }) })
    const log = here.open('ending', { ...none, history: 9 }, () => {})
    await log.position()
    const ending = Promise.resolve(log.end())
    await here.close()
    await ending
    const { hasEnded } = await there.open('ending', none, () => {}).read('earliest')
    expect(hasEnded).to.equal(true)
    await there.close()
  })
})
