import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type Channel, createHub } from '../../lib/index.js'
import { asyncMemory, type Moment } from '../../lib/testing.js'
import { turns } from '../support/stage.js'

async function retained<T>(channel: Channel<T>): Promise<T[]> {
  const found: T[] = []
  for await (const { data } of channel.replay('earliest')) found.push(data)
  return found
}

/** What becomes of a promise, as far as is known after some turns. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const known = promise.then(
    () => 'resolved',
    ({ code, isUncertain }) => ({ code, isUncertain }),
  )
  return Promise.race([known, turns().then(() => 'pending')])
}

// that it is a backend as any other, lost, emptied and frozen, is the matter of the suite
describe('asyncMemory (docs/guide/backends.md)', () => {
  it('lost for one process, it is there for another', async () => {
    const here = asyncMemory()
    const there = here.another()
    const channels = [here, there].map((backend) => createHub(backend).channel<number>('a', { history: 9 }))
    here.lose()
    expect([here.isLost, there.isLost]).to.deep.equal([true, false])
    expect(await stateOf(channels[0]!.publish(1))).to.deep.equal({
      code: 'LARIAT_DOWN',
      isUncertain: undefined,
    })
    await channels[1]!.publish(2)
    here.restore()
    expect(await retained(channels[0]!)).to.deep.equal([2])
  })

  it('thawed, it answers what was on its way, in order', async () => {
    const store = asyncMemory()
    const channel = createHub(store).channel<number>('a', { history: 9 })
    store.freeze('lost')
    const publishing = [1, 2, 3].map((n) => channel.publish(n))
    expect(await stateOf(Promise.all(publishing))).to.equal('pending')
    store.thaw()
    await Promise.all(publishing)
    expect(await retained(channel)).to.deep.equal([1, 2, 3])
  })

  it('frozen again before it is lost, it still decides what is on its way', async () => {
    const store = asyncMemory()
    const channel = createHub(store).channel<number>('a', { history: 9 })
    store.freeze('lost')
    const publishing = channel.publish(1)
    await turns()
    store.freeze('refused')
    store.lose()
    expect(await stateOf(publishing)).to.deep.equal({ code: 'LARIAT_DOWN', isUncertain: undefined })
  })

  it('rolled back, each channel is without its latest events and its end, and gives other ids', async () => {
    const store = asyncMemory()
    const hub = createHub(store)
    const [long, short] = ['long', 'short'].map((name) => hub.channel<number>(name, { history: 9 })) as [
      Channel<number>,
      Channel<number>,
    ]
    const ids = [await long.publish(1), await long.publish(2), await long.publish(3, { key: 'k' })]
    await short.publish(1)
    await short.end()
    store.rollBack(2)
    expect(await retained(long)).to.deep.equal([1])
    const again = createHub(store.another()).channel<number>('short', { history: 9 })
    expect(await retained(again)).to.deep.equal([])
    await again.publish(5)
    expect(ids).not.to.include(await long.publish(3, { key: 'k' }))
    expect(await retained(long)).to.deep.equal([1, 3])
    for (const count of [-1, 0.5, Number.NaN]) {
      expect(() => store.rollBack(count)).to.throw(TypeError, `rollBack(${count}): expected a whole number`)
    }
  })

  it('lags as it is told to, and names the moment', async () => {
    const moments: Moment[] = []
    const store = asyncMemory({
      lag(moment) {
        moments.push(moment)
        return sleep(1)
      },
    })
    const channel = createHub(store).channel<number>('a', { history: 9 })
    await channel.publish(1)
    expect(await retained(channel)).to.deep.equal([1])
    expect(new Set(moments)).to.deep.equal(new Set(['publish', 'read', 'event']))
    expect(store.readings).to.equal(0)
  })
})
