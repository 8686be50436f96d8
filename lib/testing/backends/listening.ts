// States the rules of `listen`: each event once, in order, from then on.
import type { Receiver } from '../../hub/backend.js'
import type { Published } from '../../hub/published.js'
import type { Awaitable } from '../../promise.js'
import { equal, sameData } from './expecting.js'
import { accept, Kept, listening, publish } from './logs.js'
import { rules } from './rules.js'

export const listens = rules('listen', [], {
  async 'one that goes in a delivery, and another that comes: that one gets what comes from then on'(ground) {
    const log = ground.open({ history: 9 })
    const later = new Kept()
    let begun: Awaitable<() => unknown> | undefined
    const receiver: Receiver = {
      event: () => {
        if (begun) return
        void stopFirst()
        begun = log.listen(later)
      },
      gap: () => {},
      end: () => {},
    }
    const stopFirst = await log.listen(receiver)
    await publish(log, 1)
    await ground.settled()
    const stop = await (begun as Awaitable<() => unknown> | undefined)
    const [id] = await publish(log, 2)
    await ground.settled()
    equal(later.ids, [id])
    await stop?.()
  },

  async 'gets what comes from then on: each once, in order, with its id, data and type'(ground) {
    const log = ground.open({ history: 2 })
    await publish(log, 'before')
    const { receiver, stop } = await listening(log)
    const ids: string[] = []
    for (let n = 0; n < 20; n++) ids.push(await log.publish({ n }, n % 2 ? { type: 'odd' } : {}, accept))
    await ground.settled()
    equal(receiver.ids, ids)
    sameData(
      receiver.data,
      ids.map((_, n) => ({ n })),
    )
    const types = receiver.items.map((item) => (item as Published).type)
    equal(
      types,
      ids.map((_, n) => (n % 2 ? 'odd' : undefined)),
    )
    await stop()
  },

  async 'gets data as it was published, whatever it is in JSON'(ground) {
    const log = ground.open()
    const { receiver, stop } = await listening(log)
    const values = ['', 0, false, null, [], {}, 'zoë ✓\n', { a: [1, { b: null }] }]
    await publish(log, ...values)
    await ground.settled()
    sameData(receiver.data, values)
    await stop()
  },

  async 'ends: nothing comes after that, and it can begin again'(ground) {
    const log = ground.open({ history: 10 })
    const first = new Kept()
    const stop = await log.listen(first)
    const [one] = await publish(log, 1)
    await ground.settled()
    await stop()
    await publish(log, 2)
    await ground.settled()
    equal(first.ids, [one])
    const second = new Kept()
    const stopSecond = await log.listen(second)
    const [three] = await publish(log, 3)
    await ground.settled()
    equal(second.ids, [three])
    equal(first.ids, [one])
    await stopSecond()
  },

  async 'of one log gets nothing of another'(ground) {
    const [log, other] = [ground.open(), ground.open()]
    const { receiver, stop } = await listening(log)
    await publish(other, 'other')
    const [id] = await publish(log, 'own')
    await ground.settled()
    equal(receiver.ids, [id])
    await stop()
  },
})
