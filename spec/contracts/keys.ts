import { expect } from 'chai'
import { accept, failure, following, type Ground, Kept, publish } from './logs.js'

/** The same key is the same event. */
export function keys(ground: Ground): void {
  const { advance, another } = ground.of

  describe('key', () => {
    for (const retention of [{ history: 2000 }, {}]) {
      const name = retention.history === undefined ? 'nothing retained' : 'a history'
      it(`the same is the same event: its id, and nothing is appended (${name})`, async () => {
        const log = ground.open(retention)
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const one = await log.publish('once', { key: 'a', type: 'tick' }, accept)
        const [between] = await publish(log, 'between')
        expect(await log.publish('once', { key: 'a', type: 'tick' }, accept)).to.equal(one)
        expect(await log.publish('other data', { key: 'a' }, accept)).to.equal(one)
        const two = await log.publish('twice', { key: 'b' }, accept)
        await ground.of.settled()
        expect(receiver.ids).to.deep.equal([one, between, two])
        expect(await log.position()).to.equal(two)
        await stop()
      })
    }

    it('at once, several with one key: one event, one id', async () => {
      const log = ground.open({ history: 10 })
      const ids = await Promise.all([1, 2, 3, 4].map((n) => log.publish(n, { key: 'a' }, accept)))
      expect(new Set(ids).size).to.equal(1)
      expect(await following(log, 'earliest')).to.deep.equal([ids[0]])
    })

    it('of one log is not that of another', async () => {
      const [log, other] = [ground.open({ history: 10 }), ground.open({ history: 10 })]
      await log.publish(1, { key: 'a' }, accept)
      await other.publish(1, { key: 'a' }, accept)
      expect(await following(other, 'earliest')).to.have.length(1)
    })

    it('what was refused leaves no key behind', async () => {
      const log = ground.open({ history: 10 })
      const refuse = () => {
        throw new TypeError('refused')
      }
      await failure(() => log.publish(1, { key: 'a' }, refuse))
      const id = await log.publish(2, { key: 'a' }, accept)
      expect(await following(log, 'earliest')).to.deep.equal([id])
    })

    it('is one of any text, also of a word that objects have', async () => {
      const log = ground.open({ history: 10 })
      const given = ['__proto__', 'constructor', ' ', 'é\n\0', 'x'.repeat(5000)]
      const ids: string[] = []
      for (const key of given) ids.push(await log.publish(1, { key }, accept))
      expect(new Set(ids).size).to.equal(given.length)
      for (const [at, key] of given.entries()) {
        expect(await log.publish(1, { key }, accept), JSON.stringify(key.slice(0, 20))).to.equal(ids[at])
      }
    })

    it('the last 1,000 are known, and none before', async () => {
      const log = ground.open({ history: 5000 })
      const once = (n: number) => log.publish(n, { key: `key ${n}` }, accept)
      const ids = await Promise.all(Array.from({ length: 1001 }, (_, n) => once(n)))
      expect(await once(1)).to.equal(ids[1])
      expect(await once(1000)).to.equal(ids[1000])
      expect(await once(0)).not.to.equal(ids[0])
      expect(await following(log, ids[1000]!)).to.have.length(1)
    })

    if (advance) {
      it('is known for two minutes', async () => {
        const log = ground.open({ history: 10 })
        const once = () => log.publish(1, { key: 'a' }, accept)
        const one = await once()
        await advance(119_000)
        expect(await once(), 'known, and that does not make it younger').to.equal(one)
        // a clock that ticks beside it may be a millisecond off
        await advance(1002)
        expect(await once()).not.to.equal(one)
      })
    }

    if (another) {
      it('is known to all processes', async () => {
        const other = await another(ground.backend)
        const here = ground.named('shared', { history: 10 })
        const there = ground.named('shared', { history: 10 }, other)
        const ids = await Promise.all(
          [here, there, here, there].map((log) => log.publish(1, { key: 'a' }, accept)),
        )
        expect(new Set(ids).size).to.equal(1)
        expect(await following(there, 'earliest')).to.deep.equal([ids[0]])
        await other.close()
      })
    }
  })
}
