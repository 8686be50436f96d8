import { expect } from 'chai'
import type { Log, Reading } from '../../lib/hub/backend.js'
import { Gap } from '../../lib/hub/gap.js'
import { accept, following, type Ground, idOf, Kept } from './logs.js'

/** Publishes so many, some at once; `meanwhile` is called after half of them, and is not waited for. */
async function burst(log: Log, count: number, meanwhile: () => Promise<void> = async () => {}) {
  const ids: string[] = []
  let joined: Promise<void> | undefined
  while (ids.length < count) {
    if (ids.length >= count / 2) joined ??= meanwhile()
    const some = Array.from({ length: 100 }, (_, n) => log.publish({ n: ids.length + n }, {}, accept))
    ids.push(...(await Promise.all(some)))
  }
  await joined
  return ids
}

/**
 * What a reading gave, seen from an id that its reader has: each event is the next, or a gap says which are lost.
 * Answers the last that was read.
 */
async function contiguous(ids: readonly string[], start: number, events: Reading['events']) {
  let at = start
  const gaps: Gap[] = []
  for await (const item of events) {
    if (item instanceof Gap) {
      expect(item).to.include({ requested: ids[at], reason: 'trimmed' })
      at = ids.indexOf(item.from) - 1
      expect(item.id, 'the place before').to.equal(ids[at])
      gaps.push(item)
    } else expect(item.id).to.equal(ids[++at])
  }
  return { at, gaps }
}

/** A log that is read while much is published to it. */
export function bursts(ground: Ground): void {
  const settled = () => ground.of.settled()

  describe('in the middle of a burst', () => {
    it('of 10,000, one that listens and then reads misses nothing', async () => {
      const log = ground.open({ history: 20_000 })
      const [first] = await burst(log, 100)
      const receiver = new Kept()
      const items: string[] = []
      let stop: () => unknown = () => {}
      const ids = await burst(log, 10_000, async () => {
        stop = await log.listen(receiver)
        const { outcome, events } = await log.read(first!)
        expect(outcome).to.equal('found')
        for await (const item of events) items.push(idOf(item))
      })
      await settled()
      const last = items.at(-1)!
      const live = receiver.ids.filter((id) => log.compare(id, last) > 0)
      expect([...items, ...live].slice(99)).to.deep.equal(ids)
      await stop()
    }).timeout(60_000)

    it('that trims what is read, each event is the next, or a gap is told in its place', async () => {
      const log = ground.open({ history: 2500 })
      const ids = await burst(log, 2500)
      const { events } = await log.read(ids[9]!)
      let isFirst = true
      // a client that stalls after its first event, until most of what it has missed is trimmed
      async function* stalled() {
        for await (const item of events) {
          yield item
          if (isFirst) ids.push(...(await burst(log, 2000)))
          isFirst = false
        }
      }
      const { at, gaps } = await contiguous(ids, 9, stalled())
      expect(at, 'all that there was').to.be.at.least(2499)
      for (const { id } of gaps) expect(log.compare(id, ids[9]!)).to.be.above(0)
      expect(await following(log, ids[at]!)).to.deep.equal(ids.slice(at + 1))
    }).timeout(60_000)
  })

  it('closes with publishes in flight: each is answered, and what was confirmed is there', async () => {
    const { another } = ground.of
    const own = another ? await another(ground.backend) : await ground.of.make()
    const log = ground.named('closing', { history: 99 }, own)
    const publishing = Array.from({ length: 20 }, async (_, n) => log.publish(n, {}, accept))
    const closing = own.close()
    const answers = await Promise.allSettled(publishing)
    await closing
    const confirmed = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    for (const each of answers) {
      if (each.status === 'rejected') expect(each.reason).to.include({ code: 'LARIAT_DOWN' })
    }
    if (!another) return
    const there = ground.named('closing', { history: 99 })
    const found = await following(there, 'earliest')
    for (const id of confirmed) expect(found).to.include(id)
    const isUncertain = answers.some((each) => each.status === 'rejected' && each.reason.isUncertain)
    if (!isUncertain) expect(found).to.deep.equal(confirmed)
  })
}
