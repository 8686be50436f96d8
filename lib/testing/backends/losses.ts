// States the rules of a store that comes back without what it had.
import type { Log } from '../../hub/backend.js'
import { equal, includes, lacks } from './expecting.js'
import { accept, following, type Kept, listening, publish, read } from './logs.js'
import { rules } from './rules.js'

const rolledBack = rules('back without its latest events', ['rollBack'], {
  async 'their ids are unknown, also once others have come in their place'(ground) {
    const log = ground.open({ history: 99 })
    const kept = await publish(log, 1, 2)
    let lost: string[] = []
    await ground.rollBack(async () => {
      lost = await publish(log, 3, 4, 5)
      await log.publish('keyed', { key: 'a' }, accept)
    })
    for (const id of lost) equal((await read(log, id)).outcome, 'unknown', id)
    equal(await log.position(), kept[1])
    const more = await publish(log, 6, 7, 8, 9)
    more.push(await log.publish('keyed', { key: 'a' }, accept))
    for (const id of lost) {
      lacks(more, id)
      equal(
        await read(log, id),
        {
          outcome: 'unknown',
          from: kept[0],
          ids: [...kept, ...more],
        },
        id,
      )
    }
    equal(await following(log, kept[1]), more)
  },

  async 'a listener that had them is told a gap, once; then comes what is new'(ground) {
    const log = ground.open({ history: 99 })
    const { receiver, stop } = await listening(log)
    const kept = await publish(log, 1, 2)
    let lost: string[] = []
    await ground.rollBack(async () => {
      lost = await publish(log, 3, 4)
      await ground.settled()
    })
    const more = await publish(log, 5, 6, 7)
    await ground.settled()
    equal(receiver.ids.slice(0, 5), [...kept, ...lost, 'gap unknown'])
    await newAfterGap(log, receiver, more)
    includes(receiver.gaps[0], { requested: lost[1] })
    await stop()
  },
})

const emptied = rules('emptied', ['empty'], {
  async 'under a listener: a gap, once; then comes what is new'(ground) {
    const log = ground.open({ history: 99 })
    const { receiver, stop } = await listening(log)
    const ids = await publish(log, 1, 2)
    await ground.settled()
    await ground.empty()
    const more = await publish(log, 3, 4, 5)
    await ground.settled()
    equal(receiver.ids.slice(0, 3), [...ids, 'gap unknown'])
    await newAfterGap(log, receiver, more)
    includes(receiver.gaps[0], { requested: ids[1] })
    for (const id of ids) equal((await read(log, id)).outcome, 'unknown')
    await stop()
  },

  async 'and nothing comes: the listener is told all the same'(ground) {
    const log = ground.open({ history: 99 })
    const { receiver, stop } = await listening(log)
    const ids = await publish(log, 1)
    await ground.settled()
    await ground.empty()
    await ground.settled()
    equal(receiver.ids, [...ids, 'gap unknown'])
    equal(await following(log, receiver.gaps[0]?.id ?? 'no gap'), [])
    await stop()
  },
})

export const losses = [...rolledBack, ...emptied]

/** After its gap a receiver has what is new, and what it has is what is read after the place that the gap names. */
async function newAfterGap(log: Log, receiver: Kept, more: readonly string[]): Promise<void> {
  equal(receiver.gaps.length, 1)
  equal(receiver.afterGap.slice(-more.length), more)
  equal(await following(log, receiver.gaps[0]?.id ?? 'no gap'), receiver.afterGap)
}
