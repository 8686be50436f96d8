import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import type { Where } from '../../lib/hub/backend.js'
import { following, type Ground, publish, read } from './logs.js'

/** Where a log is, and where a reading begins. */
export function places(ground: Ground): void {
  describe('position', () => {
    for (const retention of [{ history: 5 }, {}]) {
      const name = retention.history === undefined ? 'nothing retained' : 'a history'
      it(`of a log where nothing came: a place, after which all will come (${name})`, async () => {
        const log = ground.open(retention)
        const place = await log.position()
        expect(place).to.match(/^[\x21-\x7e]{1,200}$/)
        expect(['earliest', 'now']).not.to.include(place)
        expect(await log.position(), 'asked again').to.equal(place)
        expect(await read(log, place)).to.deep.equal({ outcome: 'found', from: place, ids: [] })
        const [one] = (await publish(log, 1)) as [string]
        expect(log.compare(place, one)).to.be.below(0)
        expect((await read(log, place)).outcome).to.equal(retention.history ? 'found' : 'trimmed')
        expect((await read(log, place)).ids).to.deep.equal(retention.history ? [one] : [])
      })

      it(`the id of the latest event (${name})`, async () => {
        const log = ground.open(retention)
        for (const n of [1, 2, 3]) {
          const [id] = await publish(log, n)
          expect(await log.position()).to.equal(id)
        }
        expect(await read(log, await log.position())).to.include({ outcome: 'found' })
      })
    }

    it('is the latest delivered, where that is known without asking; an immediate log knows', async () => {
      const log = ground.open({ history: 5 })
      for (const n of [0, 1, 2]) {
        const { latest } = log
        if (log.isImmediate || latest !== undefined) expect(latest).to.equal(await log.position())
        await publish(log, n)
        await ground.of.settled()
      }
    })

    it('asked while others publish: all that is published after the answer comes after it', async () => {
      const log = ground.open({ history: 100 })
      const publishing = Promise.all(Array.from({ length: 20 }, (_, n) => publish(log, n)))
      const place = await log.position()
      const later = await publish(log, 'later')
      const all = (await publishing).flat()
      const found = await following(log, place)
      expect(found.slice(-21)).to.include(later[0])
      for (const id of all) if (log.compare(id, place) > 0) expect(found).to.include(id)
    })
  })

  describe('a reading', () => {
    it('begins with the last so many, or with all there are; and is always found', async () => {
      const log = ground.open({ history: 3 })
      expect(await read(log, { last: 2 }), 'nothing came').to.include({ outcome: 'found' })
      const ids = await publish(log, 1, 2, 3, 4, 5)
      for (const [last, count] of Object.entries([0, 1, 2, 3, 3, 3])) {
        const { outcome, ids: found } = await read(log, { last: Number(last) })
        expect({ outcome, found }, `last ${last}`).to.deep.equal({
          outcome: 'found',
          found: ids.slice(5 - count),
        })
      }
    })

    it('begins with a time; long ago is all there is, and the future is none', async () => {
      const log = ground.open({ history: 3 })
      expect(await read(log, { since: 0 }), 'nothing came').to.include({ outcome: 'found' })
      const ids = await publish(log, 1, 2, 3, 4)
      expect(await following(log, { since: 0 })).to.deep.equal(ids.slice(1))
      expect(await read(log, { since: clock.date() + 1e9 })).to.deep.equal({
        outcome: 'found',
        from: ids[3],
        ids: [],
      })
    })

    const { advance } = ground.of
    if (advance) {
      it('begins with a time: what came at it or later', async () => {
        const log = ground.open({ history: 9 })
        const ids: string[] = []
        for (const n of [0, 1, 2]) {
          ids.push(...(await publish(log, n)))
          if (n < 2) await advance(1000)
        }
        const now = clock.date()
        // a millisecond may begin between the clock that ticks, and the one that a test turns
        expect(await following(log, { since: now - 1500 })).to.deep.equal(ids.slice(1))
        expect(await following(log, { since: now - 500 })).to.deep.equal(ids.slice(2))
        expect(await following(log, { since: now - 2500 })).to.deep.equal(ids)
      })
    }

    it('says what is before it: after that, the same events are found, whatever was asked', async () => {
      const log = ground.open({ history: 3 })
      const ids = await publish(log, 1, 2, 3, 4, 5)
      const asked: Where[] = [...ids, 'earliest', 'no id at all', { last: 2 }, { last: 0 }, { since: 0 }]
      for (const where of asked) {
        const { before, from, events } = await log.read(where)
        const found: string[] = []
        for await (const event of events) found.push('requested' in event ? 'gap' : event.id)
        expect(await following(log, before), JSON.stringify(where)).to.deep.equal(found)
        expect(log.compare(before, from), `before ${from}`).to.be.at.most(0)
        if (found.length === 0) expect(before).to.equal(ids[4])
      }
    })

    it('says what is before it where nothing is retained: the latest there was', async () => {
      const log = ground.open()
      const place = await log.position()
      expect((await log.read('earliest')).before).to.equal(place)
      const [, two] = (await publish(log, 1, 2)) as [string, string]
      for (const where of ['earliest', place, 'no id at all', { last: 3 }]) {
        expect((await log.read(where)).before, JSON.stringify(where)).to.equal(two)
      }
    })
  })
}
