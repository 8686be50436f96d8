import { expect } from 'chai'
import type { Log, Retention } from '../../lib/hub/backend.js'
import { accept, failure, following, type Ground, Kept, publish, read } from './logs.js'

/** A store that processes share, that is lost and comes back, with all it had or without. */
export function losses(ground: Ground): void {
  const { another, reopen, loss, freeze, rollBack, empty } = ground.of
  const settled = () => ground.of.settled()

  if (another) {
    describe('shared by processes', () => {
      it('has one order and the same ids for all', async () => {
        const other = await another(ground.backend)
        const [here, there] = [ground.backend, other].map((each) =>
          ground.named('shared', { history: 99 }, each),
        )
        const receivers = [new Kept(), new Kept()] as const
        const stops = [await here!.listen(receivers[0]), await there!.listen(receivers[1])]
        const ids = await Promise.all(
          Array.from({ length: 20 }, (_, n) => (n % 3 ? here! : there!).publish(n, {}, accept)),
        )
        await settled()
        expect(receivers[0].ids).to.deep.equal(receivers[1].ids)
        expect(new Set(receivers[0].ids)).to.deep.equal(new Set(ids))
        expect(receivers[0].items).to.have.length(20)
        expect((await read(there!, 'earliest')).ids).to.deep.equal(receivers[0].ids)
        for (const stop of stops) await stop()
        await other.close()
      })

      it('a log that was let go and is opened again: what is published is one more event', async () => {
        const open = () => ground.named('again', { history: 9 })
        const ids: string[] = []
        for (const each of [1, 2, 3]) ids.push(...(await publish(open(), each)))
        ids.push(...(await publish(open(), 4, 5)))
        expect(new Set(ids).size).to.equal(5)
        expect(await following(open(), 'earliest')).to.deep.equal(ids)
      })

      it('an id of one is known to the other', async () => {
        const other = await another(ground.backend)
        const [here, there] = [ground.backend, other].map((each) =>
          ground.named('shared', { history: 99 }, each),
        )
        const [one, two] = (await publish(here!, 1, 2)) as [string, string]
        expect(await read(there!, one)).to.deep.equal({ outcome: 'found', from: two, ids: [two] })
        expect(there!.compare(one, two)).to.be.below(0)
        await other.close()
      })

      it('with other limits: each reading ends with the latest, and has no hole', async () => {
        const other = await another(ground.backend)
        const [here, there] = [
          ground.named('shared', { history: 5 }),
          ground.named('shared', { history: 2 }, other),
        ]
        const ids: string[] = []
        for (let n = 0; n < 20; n++) ids.push(...(await publish(n % 3 ? here : there, n)))
        for (const log of [here, there]) {
          const found = await following(log, 'earliest')
          expect(found.length).to.be.within(2, 5)
          expect(found).to.deep.equal(ids.slice(-found.length))
          const before = await read(log, ids[3]!)
          expect(before).to.deep.equal({ outcome: 'trimmed', from: found[0], ids: found })
        }
        await other.close()
      })
    })
  }

  if (loss) {
    describe('lost, and back', () => {
      it('says so: `down`, then `up`', async () => {
        const told: string[] = []
        ground.backend.on('down', () => told.push('down'))
        ground.backend.on('up', () => told.push('up'))
        await loss.down(ground.backend)
        expect(told).to.deep.equal(['down'])
        await loss.up(ground.backend)
        expect(told).to.deep.equal(['down', 'up'])
      })

      it('publish rejects while it is away, and what was rejected does not come later', async () => {
        const log = ground.open({ history: 9 })
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        await loss.down(ground.backend)
        expect(await failure(() => log.publish(1, {}, accept))).to.include({ code: 'LARIAT_DOWN' })
        await loss.up(ground.backend)
        const [id] = await publish(log, 2)
        await settled()
        expect(receiver.ids).to.deep.equal([id])
        await stop()
      })

      if (!another) return
      const lost = async (retention: Partial<Retention>) => {
        const other = await another(ground.backend)
        const log = ground.named('shared', retention)
        const elsewhere = ground.named('shared', retention, other)
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const before = await publish(log, 'before')
        await settled()
        await loss.down(ground.backend)
        const meanwhile = await publish(elsewhere, 1, 2, 3)
        await loss.up(ground.backend)
        // it would take the place of what is still retained
        await settled()
        const after = await publish(elsewhere, 'after')
        await settled()
        await stop()
        await other.close()
        return { before, meanwhile, after, receiver }
      }

      it('what was published elsewhere meanwhile is delivered, once and in order', async () => {
        const { before, meanwhile, after, receiver } = await lost({ history: 9 })
        expect(receiver.ids).to.deep.equal([...before, ...meanwhile, ...after])
      })

      it('what is not retained any more is a gap, before what is', async () => {
        const { before, meanwhile, after, receiver } = await lost({ history: 2 })
        expect(receiver.ids).to.deep.equal([...before, 'gap trimmed', ...meanwhile.slice(1), ...after])
        expect(receiver.items[1]).to.include({ requested: before[0], from: meanwhile[1] })
      })
    })
  }

  if (reopen) {
    describe('after a restart', () => {
      it('the events, their ids, their types, the keys and the place are there', async () => {
        const log = ground.named('again', { history: 3 })
        const empty = await ground.named('nothing').position()
        const ids = await publish(log, 'zoë ✓\n', { a: [null] }, 3, 4)
        const keyed = await log.publish(null, { key: 'a', type: 'tick' }, accept)
        const after = await reopen(ground.backend)
        const again = ground.named('again', { history: 3 }, after)
        expect(await following(again, 'earliest')).to.deep.equal([...ids.slice(2), keyed])
        expect(await following(again, ids[2]!)).to.deep.equal([ids[3], keyed])
        expect((await read(again, ids[0]!)).outcome).to.equal('trimmed')
        expect(await again.position()).to.equal(keyed)
        expect(await again.publish(null, { key: 'a' }, accept)).to.equal(keyed)
        expect((await read(ground.named('nothing', {}, after), empty)).outcome).to.equal('found')
        const found: unknown[] = []
        for await (const item of (await again.read(ids[3]!)).events) {
          if ('data' in item) found.push([item.data, item.type])
        }
        expect(found).to.deep.equal([[null, 'tick']])
        await after.close()
      })

      it('what is published then comes after what was, and is none of it', async () => {
        const log = ground.named('again', { history: 9 })
        const ids = await publish(log, 1, 2)
        const after = await reopen(ground.backend)
        const again = ground.named('again', { history: 9 }, after)
        const more = await publish(again, 3, 4)
        expect(await following(again, ids[0]!)).to.deep.equal([ids[1], ...more])
        expect(again.compare(ids[1]!, more[0]!)).to.be.below(0)
        await after.close()
      })

      it('what had ended has ended, and what was dropped is as new', async () => {
        const [ended, dropped] = [
          ground.named('ended', { history: 9 }),
          ground.named('dropped', { history: 9 }),
        ]
        const ids = await publish(ended, 1)
        const [gone] = (await publish(dropped, 1)) as [string]
        await ended.end()
        await dropped.end()
        await dropped.drop()
        const after = await reopen(ground.backend)
        const again = ground.named('ended', { history: 9 }, after)
        const receiver = new Kept()
        const stop = await again.listen(receiver)
        await settled()
        expect(receiver.ids).to.deep.equal(['end'])
        expect(await following(again, 'earliest')).to.deep.equal(ids)
        expect(await failure(() => again.publish(2, {}, accept))).to.include({ code: 'LARIAT_ENDED' })
        await stop()
        const anew = ground.named('dropped', { history: 9 }, after)
        expect(await read(anew, gone)).to.include({ outcome: 'unknown' })
        const more = await publish(anew, 2)
        expect(await following(anew, 'earliest')).to.deep.equal(more)
        await after.close()
      })
    })
  }

  if (loss && freeze) {
    describe('lost while a publish is on its way', () => {
      for (const fate of ['refused', 'came', 'lost'] as const) {
        it(`${fate}: what was refused never comes, and what is uncertain comes once with its key`, async () => {
          const log = ground.open({ history: 9 })
          const receiver = new Kept()
          const stop = await log.listen(receiver)
          await freeze(ground.backend, fate)
          const publishing = settle(log, 'a')
          await loss.down(ground.backend)
          await loss.up(ground.backend)
          const first = await publishing
          await settled()
          const came = await following(log, 'earliest')
          if ('id' in first) expect(came).to.deep.equal([first.id])
          else if (!first.isUncertain) expect(came, 'refused').to.deep.equal([])
          const again = await settle(log, 'a')
          expect(again).to.have.property('id')
          await settled()
          const ids = await following(log, 'earliest')
          expect(ids).to.deep.equal([(again as { id: string }).id])
          if (came.length > 0) expect(ids, 'the event that came').to.deep.equal(came)
          expect(receiver.ids).to.deep.equal(ids)
          await stop()
        })
      }

      it('and behind it others: each that was refused for certain never comes', async () => {
        const log = ground.open({ history: 99 })
        await freeze(ground.backend, 'came')
        const publishing = ['a', 'b', 'c', 'd'].map((key) => settle(log, key))
        await loss.down(ground.backend)
        await loss.up(ground.backend)
        const outcomes = await Promise.all(publishing)
        await settled()
        const count = (await following(log, 'earliest')).length
        const confirmed = outcomes.filter((each) => 'id' in each).length
        const uncertain = outcomes.filter((each) => 'isUncertain' in each && each.isUncertain).length
        expect(count).to.be.within(confirmed, confirmed + uncertain)
      })
    })
  }

  if (rollBack) {
    describe('back without its latest events', () => {
      it('their ids are unknown, also once others have come in their place', async () => {
        const log = ground.open({ history: 99 })
        const kept = await publish(log, 1, 2)
        let lost: string[] = []
        await rollBack(ground.backend, async () => {
          lost = await publish(log, 3, 4, 5)
          await log.publish('keyed', { key: 'a' }, accept)
        })
        for (const id of lost) expect((await read(log, id)).outcome, id).to.equal('unknown')
        expect(await log.position()).to.equal(kept[1])
        const more = await publish(log, 6, 7, 8, 9)
        more.push(await log.publish('keyed', { key: 'a' }, accept))
        for (const id of lost) {
          expect(more).not.to.include(id)
          expect(await read(log, id), id).to.deep.equal({
            outcome: 'unknown',
            from: kept[0],
            ids: [...kept, ...more],
          })
        }
        expect(await following(log, kept[1]!)).to.deep.equal(more)
      })

      it('a listener that had them is told a gap, once; then comes what is new', async () => {
        const log = ground.open({ history: 99 })
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const kept = await publish(log, 1, 2)
        let lost: string[] = []
        await rollBack(ground.backend, async () => {
          lost = await publish(log, 3, 4)
          await settled()
        })
        const more = await publish(log, 5, 6, 7)
        await settled()
        expect(receiver.ids.slice(0, 5)).to.deep.equal([...kept, ...lost, 'gap unknown'])
        await newAfterGap(log, receiver, more)
        expect(receiver.gaps[0]).to.include({ requested: lost[1] })
        await stop()
      })
    })
  }

  if (empty) {
    describe('emptied', () => {
      it('under a listener: a gap, once; then comes what is new', async () => {
        const log = ground.open({ history: 99 })
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const ids = await publish(log, 1, 2)
        await settled()
        await empty(ground.backend)
        const more = await publish(log, 3, 4, 5)
        await settled()
        expect(receiver.ids.slice(0, 3)).to.deep.equal([...ids, 'gap unknown'])
        await newAfterGap(log, receiver, more)
        expect(receiver.gaps[0]).to.include({ requested: ids[1] })
        for (const id of ids) expect((await read(log, id)).outcome).to.equal('unknown')
        await stop()
      })

      it('and nothing comes: the listener is told all the same', async () => {
        const log = ground.open({ history: 99 })
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const ids = await publish(log, 1)
        await settled()
        await empty(ground.backend)
        await settled()
        expect(receiver.ids).to.deep.equal([...ids, 'gap unknown'])
        expect(await following(log, receiver.gaps[0]!.id)).to.deep.equal([])
        await stop()
      })
    })
  }
}

/** What becomes of a publish. */
async function settle(log: Log, key: string): Promise<{ id: string } | { isUncertain: boolean }> {
  try {
    return { id: await log.publish(key, { key }, accept) }
  } catch (error) {
    expect(error).to.include({ code: 'LARIAT_DOWN' })
    return { isUncertain: (error as { isUncertain?: boolean }).isUncertain === true }
  }
}

/** After its gap a receiver has what is new, and what it has is what is read after the place that the gap names. */
async function newAfterGap(log: Log, receiver: Kept, more: readonly string[]): Promise<void> {
  expect(receiver.gaps).to.have.length(1)
  expect(receiver.afterGap.slice(-more.length)).to.deep.equal(more)
  expect(await following(log, receiver.gaps[0]!.id)).to.deep.equal(receiver.afterGap)
}
