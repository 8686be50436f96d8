// States the rules of a store that is lost and comes back, also while a publish is on its way.
import type { Log, Retention } from '../../hub/backend.js'
import { equal, failure, holds, includes, within } from './expecting.js'
import type { Ground } from './ground.js'
import { accept, following, listening, publish } from './logs.js'
import { each, rules } from './rules.js'

/** A listener whose backend is away while others publish. */
async function lost(ground: Ground, retention: Partial<Retention>) {
  const other = await ground.another()
  const log = ground.named('shared', retention)
  const elsewhere = ground.named('shared', retention, other)
  const { receiver, stop } = await listening(log)
  const before = await publish(log, 'before')
  await ground.settled()
  await ground.down()
  const meanwhile = await publish(elsewhere, 1, 2, 3)
  await ground.up()
  // it would take the place of what is still retained
  await ground.settled()
  const after = await publish(elsewhere, 'after')
  await ground.settled()
  await stop()
  return { before, meanwhile, after, receiver }
}

const outage = rules('lost, and back', ['loss'], {
  async 'says so: `down`, then `up`'(ground) {
    const told: string[] = []
    ground.backend.on('down', () => told.push('down'))
    ground.backend.on('up', () => told.push('up'))
    await ground.down()
    equal(told, ['down'])
    await ground.up()
    equal(told, ['down', 'up'])
  },

  async 'publish rejects while it is away, and what was rejected does not come later'(ground) {
    const log = ground.open({ history: 9 })
    const { receiver, stop } = await listening(log)
    await ground.down()
    includes(await failure(() => log.publish(1, {}, accept)), { code: 'LARIAT_DOWN' })
    await ground.up()
    const [id] = await publish(log, 2)
    await ground.settled()
    equal(receiver.ids, [id])
    await stop()
  },

  'what was published elsewhere meanwhile is delivered, once and in order': {
    needs: ['another'],
    async run(ground) {
      const { before, meanwhile, after, receiver } = await lost(ground, { history: 9 })
      equal(receiver.ids, [...before, ...meanwhile, ...after])
    },
  },

  'what is not retained any more is a gap, before what is': {
    needs: ['another'],
    async run(ground) {
      const { before, meanwhile, after, receiver } = await lost(ground, { history: 2 })
      equal(receiver.ids, [...before, 'gap trimmed', ...meanwhile.slice(1), ...after])
      includes(receiver.items[1], { requested: before[0], from: meanwhile[1] })
    },
  },
})

const onWay = rules('lost while a publish is on its way', ['loss', 'freeze'], {
  ...each<'refused' | 'came' | 'lost'>(
    { refused: 'refused', came: 'came', lost: 'lost' },
    (name) => `${name}: what was refused never comes, and what is uncertain comes once with its key`,
    async (fate, ground) => {
      const log = ground.open({ history: 9 })
      const { receiver, stop } = await listening(log)
      await ground.freeze(fate)
      const publishing = settle(log, 'a')
      await ground.turns(10)
      await ground.down()
      await ground.up()
      const first = await publishing
      await ground.settled()
      const came = await following(log, 'earliest')
      if ('id' in first) equal(came, [first.id])
      else if (!first.isUncertain) equal(came, [], 'refused')
      const again = await settle(log, 'a')
      holds('id' in again, 'Published again, it is refused')
      await ground.settled()
      const ids = await following(log, 'earliest')
      equal(ids, [again.id])
      if (came.length > 0) equal(ids, came, 'the event that came')
      equal(receiver.ids, ids)
      await stop()
    },
  ),

  async 'and behind it others: each that was refused for certain never comes'(ground) {
    const log = ground.open({ history: 99 })
    await ground.freeze('came')
    const publishing = ['a', 'b', 'c', 'd'].map((key) => settle(log, key))
    await ground.turns(10)
    await ground.down()
    await ground.up()
    const outcomes = await Promise.all(publishing)
    await ground.settled()
    const count = (await following(log, 'earliest')).length
    const confirmed = outcomes.filter((each) => 'id' in each).length
    const uncertain = outcomes.filter((each) => 'isUncertain' in each && each.isUncertain).length
    within(count, confirmed, confirmed + uncertain)
  },
})

export const outages = [...outage, ...onWay]

/** What becomes of a publish. */
async function settle(log: Log, key: string): Promise<{ id: string } | { isUncertain: boolean }> {
  try {
    return { id: await log.publish(key, { key }, accept) }
  } catch (error) {
    includes(error, { code: 'LARIAT_DOWN' })
    return { isUncertain: (error as { isUncertain?: boolean }).isUncertain === true }
  }
}
