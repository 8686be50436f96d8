// States the rules of `publish`: ids, their order, and what is refused.
import { isBackend } from '../../hub/backend.js'
import type { Published } from '../../hub/published.js'
import { equal, failure, holds, isId, sameData } from './expecting.js'
import { accept, listening, publish, read, upTo } from './logs.js'
import { rules } from './rules.js'

const marked = rules('a backend', [], {
  async 'has the mark of a backend'(ground) {
    holds(isBackend(ground.backend), 'It was not made by `backend()`')
  },
})

const publishes = rules('publish', [], {
  async 'gives ids that are ordered, and each its own'(ground) {
    const log = ground.open()
    const ids = await publish(log, ...upTo(12))
    equal(new Set(ids).size, 12)
    for (const [at, id] of ids.entries()) {
      for (const [where, other] of ids.entries()) {
        equal(Math.sign(log.compare(id, other)) + 0, Math.sign(at - where) + 0, `${id} to ${other}`)
      }
    }
  },

  async 'gives ids that a header can carry, and none that is a word of the protocol'(ground) {
    for (const id of await publish(ground.open(), 1, 2, 3)) {
      isId(id)
    }
  },

  async 'at once, several: each has an id, and the order is that of the calls'(ground) {
    const log = ground.open({ history: 10 })
    const ids = await Promise.all([1, 2, 3].map((data) => log.publish(data, {}, accept)))
    equal((await read(log, 'earliest')).ids, ids)
  },

  async 'shows the event once before it is appended; what that throws is the answer, and nothing is appended'(
    ground,
  ) {
    const log = ground.open({ history: 10 })
    const { receiver, stop } = await listening(log)
    const seen: unknown[] = []
    const refusal = new TypeError('refused')
    const refuse = ({ data, type }: Published) => {
      seen.push([data, type])
      throw refusal
    }
    const error = await failure(() => log.publish({ a: 1 }, { type: 'tick' }, refuse))
    holds(error === refusal, `It rejected with ${error}, and not with what check had thrown`)
    await ground.settled()
    sameData(seen, [[{ a: 1 }, 'tick']])
    equal(receiver.items, [])
    equal((await read(log, 'earliest')).ids, [])
    const [id] = await publish(log, 'next')
    await ground.settled()
    equal(receiver.ids, [id])
    await stop()
  },
})

export const publishing = [...marked, ...publishes]
