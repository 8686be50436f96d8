// States the rules of a log that is read while much is published to it, and of one that is closed.
import { inspect } from 'node:util'
import type { Log, Reading } from '../../hub/backend.js'
import { Gap } from '../../hub/gap.js'
import { isPromise } from '../../promise.js'
import { contains, equal, holds, includes, ordered } from './expecting.js'
import { accept, following, idOf, Kept, listening } from './logs.js'
import { rules } from './rules.js'

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
      includes(item, { requested: ids[at], reason: 'trimmed' })
      at = ids.indexOf(item.from) - 1
      equal(item.id, ids[at], 'the place before')
      gaps.push(item)
    } else equal(item.id, ids[++at])
  }
  return { at, gaps }
}

const inBurst = rules('in the middle of a burst', [], {
  'of 10,000, one that listens and then reads misses nothing': {
    timeout: 60_000,
    async run(ground) {
      const log = ground.open({ history: 20_000 })
      const [first] = await burst(log, 100)
      const receiver = new Kept()
      const items: string[] = []
      let stop: () => unknown = () => {}
      const ids = await burst(log, 10_000, async () => {
        stop = await log.listen(receiver)
        const { outcome, events } = await log.read(first as string)
        equal(outcome, 'found')
        for await (const item of events) items.push(idOf(item))
      })
      await ground.settled()
      const last = items.at(-1) as string
      const live = receiver.ids.filter((id) => log.compare(id, last) > 0)
      equal([...items, ...live].slice(99), ids)
      await stop()
    },
  },

  'that trims what is read, each event is the next, or a gap is told in its place': {
    timeout: 60_000,
    async run(ground) {
      const log = ground.open({ history: 2500 })
      const ids = await burst(log, 2500)
      const { events } = await log.read(ids[9] as string)
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
      holds(at >= 2499, `It ends with number ${at}: expected at least 2499, the latest there was`)
      for (const { id } of gaps) ordered(log, ids[9] as string, id)
      equal(await following(log, ids[at] as string), ids.slice(at + 1))
    },
  },
})

const closing = rules('close', [], {
  async 'with publishes in flight: each is answered, and what was confirmed is there'(ground) {
    const isShared = ground.can('another')
    const own = isShared ? await ground.another() : await ground.foreign()
    const log = ground.named('closing', { history: 99 }, own)
    const publishing = Array.from({ length: 20 }, async (_, n) => log.publish(n, {}, accept))
    const closing = ground.close(own)
    const answers = await Promise.allSettled(publishing)
    await closing
    const confirmed = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    for (const each of answers) {
      if (each.status === 'rejected') includes(each.reason, { code: 'LARIAT_DOWN' })
    }
    if (!isShared) return
    const there = ground.named('closing', { history: 99 })
    const found = await following(there, 'earliest')
    for (const id of confirmed) contains(found, id)
    const isUncertain = answers.some((each) => each.status === 'rejected' && each.reason.isUncertain)
    if (!isUncertain) equal(found, confirmed)
  },

  async 'nothing is delivered from then on'(ground) {
    const { receiver, stop } = await listening(ground.open({ history: 5 }))
    await stop()
    const closing = ground.close()
    holds(
      closing === undefined || isPromise(closing),
      `close returned ${inspect(closing)}: expected undefined or a promise`,
    )
    await closing
    await ground.settled()
    equal(receiver.items, [])
  },
})

export const bursts = [...inBurst, ...closing]
