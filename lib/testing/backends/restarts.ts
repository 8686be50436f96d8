// States the rules of a store that outlives a process.
import { equal, failure, includes, ordered, sameData } from './expecting.js'
import { accept, following, Kept, publish, read } from './logs.js'
import { rules } from './rules.js'

export const restarts = rules('after a restart', ['reopen'], {
  async 'the events, their ids, their types, the keys and the place are there'(ground) {
    const log = ground.named('again', { history: 3 })
    const empty = await ground.named('nothing').position()
    const ids = await publish(log, 'zoë ✓\n', { a: [null] }, 3, 4)
    const keyed = await log.publish(null, { key: 'a', type: 'tick' }, accept)
    const after = await ground.reopen()
    const again = ground.named('again', { history: 3 }, after)
    equal(await following(again, 'earliest'), [...ids.slice(2), keyed])
    equal(await following(again, ids[2]), [ids[3], keyed])
    equal((await read(again, ids[0])).outcome, 'trimmed')
    equal(await again.position(), keyed)
    equal(await again.publish(null, { key: 'a' }, accept), keyed)
    equal((await read(ground.named('nothing', {}, after), empty)).outcome, 'found')
    const found: unknown[] = []
    for await (const item of (await again.read(ids[3])).events) {
      if ('data' in item) found.push([item.data, item.type])
    }
    sameData(found, [[null, 'tick']])
  },

  async 'what is published then comes after what was, and is none of it'(ground) {
    const log = ground.named('again', { history: 9 })
    const ids = await publish(log, 1, 2)
    const after = await ground.reopen()
    const again = ground.named('again', { history: 9 }, after)
    const more = await publish(again, 3, 4)
    equal(await following(again, ids[0]), [ids[1], ...more])
    ordered(again, ids[1], more[0])
  },

  async 'what had ended has ended, and what was dropped is as new'(ground) {
    const [ended, dropped] = [ground.named('ended', { history: 9 }), ground.named('dropped', { history: 9 })]
    const ids = await publish(ended, 1)
    const [gone] = await publish(dropped, 1)
    await ended.end()
    await dropped.end()
    await dropped.drop()
    const after = await ground.reopen()
    const again = ground.named('ended', { history: 9 }, after)
    const receiver = new Kept()
    const stop = await again.listen(receiver)
    await ground.settled()
    equal(receiver.ids, ['end'])
    equal(await following(again, 'earliest'), ids)
    includes(await failure(() => again.publish(2, {}, accept)), { code: 'LARIAT_ENDED' })
    await stop()
    const anew = ground.named('dropped', { history: 9 }, after)
    includes(await read(anew, gone), { outcome: 'unknown' })
    const more = await publish(anew, 2)
    equal(await following(anew, 'earliest'), more)
  },
})
