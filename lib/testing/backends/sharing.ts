// States the rules of a store that processes share.
import { equal, ordered, within } from './expecting.js'
import { accept, following, Kept, publish, read, upTo } from './logs.js'
import { rules } from './rules.js'

export const sharing = rules('shared by processes', ['another'], {
  async 'has one order and the same ids for all'(ground) {
    const other = await ground.another()
    const limits = { history: 99 }
    const [here, there] = [ground.named('shared', limits), ground.named('shared', limits, other)]
    const receivers = [new Kept(), new Kept()] as const
    const stops = [await here.listen(receivers[0]), await there.listen(receivers[1])]
    const ids = await Promise.all(upTo(20).map((n) => (n % 3 ? here : there).publish(n, {}, accept)))
    await ground.settled()
    equal(receivers[0].ids, receivers[1].ids)
    equal(new Set(receivers[0].ids), new Set(ids))
    equal(receivers[0].items.length, 20)
    equal((await read(there, 'earliest')).ids, receivers[0].ids)
    for (const stop of stops) await stop()
  },

  async 'a log that was let go and is opened again: what is published is one more event'(ground) {
    const open = () => ground.named('again', { history: 9 })
    const ids: string[] = []
    for (const each of [1, 2, 3]) ids.push(...(await publish(open(), each)))
    ids.push(...(await publish(open(), 4, 5)))
    equal(new Set(ids).size, 5)
    equal(await following(open(), 'earliest'), ids)
  },

  async 'an id of one is known to the other'(ground) {
    const other = await ground.another()
    const limits = { history: 99 }
    const [here, there] = [ground.named('shared', limits), ground.named('shared', limits, other)]
    const [one, two] = await publish(here, 1, 2)
    equal(await read(there, one), { outcome: 'found', from: two, ids: [two] })
    ordered(there, one, two)
  },

  async 'with other limits: each reading ends with the latest, and has no hole'(ground) {
    const other = await ground.another()
    const [here, there] = [
      ground.named('shared', { history: 5 }),
      ground.named('shared', { history: 2 }, other),
    ]
    const ids: string[] = []
    for (let n = 0; n < 20; n++) ids.push(...(await publish(n % 3 ? here : there, n)))
    for (const log of [here, there]) {
      const found = await following(log, 'earliest')
      within(found.length, 2, 5)
      equal(found, ids.slice(-found.length))
      const before = await read(log, ids[3] as string)
      equal(before, { outcome: 'trimmed', from: found[0], ids: found })
    }
  },
})
