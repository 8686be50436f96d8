// States the rules of keys: the same key is the same event.
import type { Retention } from '../../hub/backend.js'
import { differs, equal, failure } from './expecting.js'
import { accept, following, listening, publish } from './logs.js'
import { each, rules } from './rules.js'

export const keys = rules('key', [], {
  ...each<Partial<Retention>>(
    { 'a history': { history: 2000 }, 'nothing retained': {} },
    (name) => `the same is the same event: its id, and nothing is appended (${name})`,
    async (retention, ground) => {
      const log = ground.open(retention)
      const { receiver, stop } = await listening(log)
      const one = await log.publish('once', { key: 'a', type: 'tick' }, accept)
      const [between] = await publish(log, 'between')
      equal(await log.publish('once', { key: 'a', type: 'tick' }, accept), one)
      equal(await log.publish('other data', { key: 'a' }, accept), one)
      const two = await log.publish('twice', { key: 'b' }, accept)
      await ground.settled()
      equal(receiver.ids, [one, between, two])
      equal(await log.position(), two)
      await stop()
    },
  ),

  async 'at once, several with one key: one event, one id'(ground) {
    const log = ground.open({ history: 10 })
    const ids = await Promise.all([1, 2, 3, 4].map((n) => log.publish(n, { key: 'a' }, accept)))
    equal(new Set(ids).size, 1)
    equal(await following(log, 'earliest'), [ids[0]])
  },

  async 'of one log is not that of another'(ground) {
    const [log, other] = [ground.open({ history: 10 }), ground.open({ history: 10 })]
    await log.publish(1, { key: 'a' }, accept)
    await other.publish(1, { key: 'a' }, accept)
    equal((await following(other, 'earliest')).length, 1)
  },

  async 'what was refused leaves no key behind'(ground) {
    const log = ground.open({ history: 10 })
    const refuse = () => {
      throw new TypeError('refused')
    }
    await failure(() => log.publish(1, { key: 'a' }, refuse))
    const id = await log.publish(2, { key: 'a' }, accept)
    equal(await following(log, 'earliest'), [id])
  },

  async 'is one of any text, also of a word that objects have'(ground) {
    const log = ground.open({ history: 10 })
    const given = ['__proto__', 'constructor', ' ', 'é\n\0', 'x'.repeat(5000)]
    const ids: string[] = []
    for (const key of given) ids.push(await log.publish(1, { key }, accept))
    equal(new Set(ids).size, given.length)
    for (const [at, key] of given.entries()) {
      equal(await log.publish(1, { key }, accept), ids[at], JSON.stringify(key.slice(0, 20)))
    }
  },

  async 'the last 1,000 are known, and none before'(ground) {
    const log = ground.open({ history: 5000 })
    const once = (n: number) => log.publish(n, { key: `key ${n}` }, accept)
    const ids = await Promise.all(Array.from({ length: 1001 }, (_, n) => once(n)))
    equal(await once(1), ids[1])
    equal(await once(1000), ids[1000])
    differs(await once(0), ids[0])
    equal((await following(log, ids[1000] as string)).length, 1)
  },

  'is known for two minutes': {
    needs: ['time'],
    async run(ground) {
      const log = ground.open({ history: 10 })
      const once = () => log.publish(1, { key: 'a' }, accept)
      const one = await once()
      await ground.advance(119_000)
      equal(await once(), one, 'known, and that does not make it younger')
      // a clock that ticks beside it may be a millisecond off
      await ground.advance(1002)
      differs(await once(), one)
    },
  },

  'is known to all processes': {
    needs: ['another'],
    async run(ground) {
      const other = await ground.another()
      const here = ground.named('shared', { history: 10 })
      const there = ground.named('shared', { history: 10 }, other)
      const ids = await Promise.all(
        [here, there, here, there].map((log) => log.publish(1, { key: 'a' }, accept)),
      )
      equal(new Set(ids).size, 1)
      equal(await following(there, 'earliest'), [ids[0]])
    },
  },
})
