import { expect } from 'chai'
import type { Log } from '../../lib/hub/backend.js'
import { accept, failure, following, type Ground, Kept, publish, read } from './logs.js'

/** A log ends for good; one that is dropped is as new. */
export function ends(ground: Ground): void {
  const { another } = ground.of
  const settled = () => ground.of.settled()

  async function listening(log: Log) {
    const receiver = new Kept()
    return { receiver, stop: await log.listen(receiver) }
  }

  const hasEnded = async (log: Log) => (await log.read('earliest')).hasEnded

  describe('end', () => {
    it('a listener is told once, after the last event', async () => {
      const log = ground.open({ history: 9 })
      const { receiver, stop } = await listening(log)
      const publishing = [1, 2, 3].map((n) => log.publish(n, {}, accept))
      await log.end()
      const ids = await Promise.all(publishing)
      await log.end()
      await settled()
      expect(receiver.ids).to.deep.equal([...ids, 'end'])
      await stop()
    })

    it('one that comes later is told too, and can go', async () => {
      const log = ground.open()
      await publish(log, 1)
      await log.end()
      const { receiver, stop } = await listening(log)
      await settled()
      expect(receiver.ids).to.deep.equal(['end'])
      await stop()
    })

    it('one that comes later is told before its listening has begun', async () => {
      const log = ground.open({ history: 9 })
      await publish(log, 1)
      await log.end()
      const told: string[] = []
      const receiver = {
        event: () => told.push('event'),
        gap: () => told.push('gap'),
        end: () => told.push('end'),
      }
      const stop = await log.listen(receiver)
      expect(told).to.deep.equal(['end'])
      await stop()
    })

    it('nothing can be published: LARIAT_ENDED, and for certain', async () => {
      const log = ground.open({ history: 9 })
      const ids = await publish(log, 1)
      expect(await hasEnded(log)).to.equal(false)
      await log.end()
      const error = await failure(() => log.publish(2, {}, accept))
      expect(error).to.include({ code: 'LARIAT_ENDED' })
      expect(error).not.to.have.property('isUncertain')
      expect(await following(log, 'earliest')).to.deep.equal(ids)
      expect(await log.position()).to.equal(ids[0])
    })

    it('what is retained can be read, and the reading says that nothing follows', async () => {
      const log = ground.open({ history: 2 })
      const ids = await publish(log, 1, 2, 3)
      await log.end()
      expect(await hasEnded(log)).to.equal(true)
      expect(await following(log, 'earliest')).to.deep.equal(ids.slice(1))
      expect((await log.read(ids[2]!)).hasEnded).to.equal(true)
      expect(await read(log, 'no id at all')).to.deep.include({ outcome: 'unknown', ids: ids.slice(1) })
    })

    it('a key of before is still its event', async () => {
      const log = ground.open({ history: 2 })
      const id = await log.publish(1, { key: 'a' }, accept)
      await log.end()
      expect(await log.publish(1, { key: 'a' }, accept)).to.equal(id)
    })

    if (another) {
      it('is the end for every process, and for one that comes later', async () => {
        const [here, other] = [ground.named('shared', { history: 9 }), await another(ground.backend)]
        const there = ground.named('shared', { history: 9 }, other)
        const { receiver, stop } = await listening(there)
        const ids = await publish(here, 1)
        await here.end()
        await settled()
        expect(receiver.ids).to.deep.equal([...ids, 'end'])
        expect(await failure(() => there.publish(2, {}, accept))).to.include({ code: 'LARIAT_ENDED' })
        await stop()
        const late = await another(ground.backend)
        const later = ground.named('shared', { history: 9 }, late)
        expect(await hasEnded(later)).to.equal(true)
        expect(await following(later, 'earliest')).to.deep.equal(ids)
        await other.close()
        await late.close()
      })
    }
  })

  describe('drop', () => {
    it('the name is as new: no events, no keys, no end, and none of its ids is known', async () => {
      const log = ground.named('dropped', { history: 9 })
      const ids = await publish(log, 1, 2)
      const once = await log.publish(3, { key: 'a' }, accept)
      const place = await log.position()
      await log.end()
      await log.drop()
      const again = ground.named('dropped', { history: 9 })
      expect(await following(again, 'earliest')).to.deep.equal([])
      expect(await hasEnded(again)).to.equal(false)
      const { receiver, stop } = await listening(again)
      const more = await publish(again, 4, 5, 6, 7)
      const twice = await again.publish(8, { key: 'a' }, accept)
      await settled()
      expect(receiver.ids).to.deep.equal([...more, twice])
      for (const id of [...ids, once, place]) {
        expect(await read(again, id), id).to.deep.equal({
          outcome: 'unknown',
          from: more[0],
          ids: [...more, twice],
        })
        expect([...more, twice]).not.to.include(id)
      }
      await stop()
    })

    it('of a log that nobody has used: nothing happens', async () => {
      const log = ground.named('never')
      await log.drop()
      const again = ground.named('never', { history: 1 })
      const ids = await publish(again, 1)
      expect(await following(again, 'earliest')).to.deep.equal(ids)
    })

    if (another) {
      it('a listener elsewhere hears of it: of the end that came before, or of a gap', async () => {
        const [here, other] = [ground.named('shared', { history: 9 }), await another(ground.backend)]
        const there = ground.named('shared', { history: 9 }, other)
        const { receiver, stop } = await listening(there)
        await publish(here, 1)
        await here.end()
        await here.drop()
        await settled()
        expect(receiver.ids.at(-1)).to.be.oneOf(['end', 'gap unknown'])
        await stop()
        await other.close()
      })
    }
  })
}
