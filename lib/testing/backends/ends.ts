// States the rules of an end, and of a log that is dropped.
import type { Log } from '../../hub/backend.js'
import { contains, equal, failure, includes, lacks } from './expecting.js'
import { accept, following, listening, publish, read } from './logs.js'
import { rules } from './rules.js'

const hasEnded = async (log: Log) => (await log.read('earliest')).hasEnded

const end = rules('end', [], {
  async 'a listener is told once, after the last event'(ground) {
    const log = ground.open({ history: 9 })
    const { receiver, stop } = await listening(log)
    const publishing = [1, 2, 3].map((n) => log.publish(n, {}, accept))
    await log.end()
    const ids = await Promise.all(publishing)
    await log.end()
    await ground.settled()
    equal(receiver.ids, [...ids, 'end'])
    await stop()
  },

  async 'one that comes later is told too, and can go'(ground) {
    const log = ground.open()
    await publish(log, 1)
    await log.end()
    const { receiver, stop } = await listening(log)
    await ground.settled()
    equal(receiver.ids, ['end'])
    await stop()
  },

  async 'one that comes later is told before its listening has begun'(ground) {
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
    equal(told, ['end'])
    await stop()
  },

  async 'nothing can be published: LARIAT_ENDED, and for certain'(ground) {
    const log = ground.open({ history: 9 })
    const ids = await publish(log, 1)
    equal(await hasEnded(log), false)
    await log.end()
    const error = await failure(() => log.publish(2, {}, accept))
    includes(error, { code: 'LARIAT_ENDED' })
    includes(error, { isUncertain: undefined })
    equal(await following(log, 'earliest'), ids)
    equal(await log.position(), ids[0])
  },

  async 'what is retained can be read, and the reading says that nothing follows'(ground) {
    const log = ground.open({ history: 2 })
    const ids = await publish(log, 1, 2, 3)
    await log.end()
    equal(await hasEnded(log), true)
    equal(await following(log, 'earliest'), ids.slice(1))
    equal((await log.read(ids[2])).hasEnded, true)
    includes(await read(log, 'no id at all'), { outcome: 'unknown', ids: ids.slice(1) })
  },

  async 'a key of before is still its event'(ground) {
    const log = ground.open({ history: 2 })
    const id = await log.publish(1, { key: 'a' }, accept)
    await log.end()
    equal(await log.publish(1, { key: 'a' }, accept), id)
  },

  'is the end for every process, and for one that comes later': {
    needs: ['another'],
    async run(ground) {
      const [here, other] = [ground.named('shared', { history: 9 }), await ground.another()]
      const there = ground.named('shared', { history: 9 }, other)
      const { receiver, stop } = await listening(there)
      const ids = await publish(here, 1)
      await here.end()
      await ground.settled()
      equal(receiver.ids, [...ids, 'end'])
      includes(await failure(() => there.publish(2, {}, accept)), { code: 'LARIAT_ENDED' })
      await stop()
      const late = await ground.another()
      const later = ground.named('shared', { history: 9 }, late)
      equal(await hasEnded(later), true)
      equal(await following(later, 'earliest'), ids)
    },
  },
})

const drop = rules('drop', [], {
  async 'the name is as new: no events, no keys, no end, and none of its ids is known'(ground) {
    const log = ground.named('dropped', { history: 9 })
    const ids = await publish(log, 1, 2)
    const once = await log.publish(3, { key: 'a' }, accept)
    const place = await log.position()
    await log.end()
    await log.drop()
    const again = ground.named('dropped', { history: 9 })
    equal(await following(again, 'earliest'), [])
    equal(await hasEnded(again), false)
    const { receiver, stop } = await listening(again)
    const more = await publish(again, 4, 5, 6, 7)
    const twice = await again.publish(8, { key: 'a' }, accept)
    await ground.settled()
    equal(receiver.ids, [...more, twice])
    for (const id of [...ids, once, place]) {
      equal(
        await read(again, id),
        {
          outcome: 'unknown',
          from: more[0],
          ids: [...more, twice],
        },
        id,
      )
      lacks([...more, twice], id)
    }
    await stop()
  },

  async 'of a log that nobody has used: nothing happens'(ground) {
    const log = ground.named('never')
    await log.drop()
    const again = ground.named('never', { history: 1 })
    const ids = await publish(again, 1)
    equal(await following(again, 'earliest'), ids)
  },

  'a listener elsewhere hears of it: of the end that came before, or of a gap': {
    needs: ['another'],
    async run(ground) {
      const [here, other] = [ground.named('shared', { history: 9 }), await ground.another()]
      const there = ground.named('shared', { history: 9 }, other)
      const { receiver, stop } = await listening(there)
      await publish(here, 1)
      await here.end()
      await here.drop()
      await ground.settled()
      contains(['end', 'gap unknown'], receiver.ids.at(-1))
      await stop()
    },
  },
})

const empty = rules('isEmpty', [], {
  async 'a log that says so may be forgotten: opened again, it has what is retained'(ground) {
    for (const retention of [{ history: 9 }, {}]) {
      const name = `kept ${Object.keys(retention)}`
      const log = ground.named(name, retention)
      const ids = await publish(log, 1, 2)
      await ground.settled()
      if (log.isEmpty)
        equal(await following(ground.named(name, retention), 'earliest'), 'history' in retention ? ids : [])
    }
  },

  async 'a log that retains nothing says so, and costs nothing'(ground) {
    const log = ground.open()
    await publish(log, 1, 2)
    await ground.settled()
    equal(log.isEmpty, true)
  },
})

export const ends = [...end, ...drop, ...empty]
