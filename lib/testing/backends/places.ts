// States the rules of positions, and of the places where a reading begins.
import type { Retention, Where } from '../../hub/backend.js'
import { contains, equal, holds, includes, isId, ordered } from './expecting.js'
import { following, publish, read } from './logs.js'
import { each, rules } from './rules.js'

const position = rules('position', [], {
  ...each<Partial<Retention>>(
    { 'a history': { history: 5 }, 'nothing retained': {} },
    (name) => `of a log where nothing came: a place, after which all will come (${name})`,
    async (retention, ground) => {
      const log = ground.open(retention)
      const place = await log.position()
      isId(place)
      equal(await log.position(), place, 'asked again')
      equal(await read(log, place), { outcome: 'found', from: place, ids: [] })
      const [one] = await publish(log, 1)
      ordered(log, place, one)
      equal((await read(log, place)).outcome, retention.history ? 'found' : 'trimmed')
      equal((await read(log, place)).ids, retention.history ? [one] : [])
    },
  ),
  ...each<Partial<Retention>>(
    { 'a history': { history: 5 }, 'nothing retained': {} },
    (name) => `the id of the latest event (${name})`,
    async (retention, ground) => {
      const log = ground.open(retention)
      for (const n of [1, 2, 3]) {
        const [id] = await publish(log, n)
        equal(await log.position(), id)
      }
      includes(await read(log, await log.position()), { outcome: 'found' })
    },
  ),

  async 'is the latest delivered, where that is known without asking; an immediate log knows'(ground) {
    const log = ground.open({ history: 5 })
    for (const n of [0, 1, 2]) {
      const { latest } = log
      if (log.isImmediate || latest !== undefined) equal(latest, await log.position())
      await publish(log, n)
      await ground.settled()
    }
  },

  async 'asked while others publish: all that is published after the answer comes after it'(ground) {
    const log = ground.open({ history: 100 })
    const publishing = Promise.all(Array.from({ length: 20 }, (_, n) => publish(log, n)))
    const place = await log.position()
    const later = await publish(log, 'later')
    const all = (await publishing).flat()
    const found = await following(log, place)
    contains(found.slice(-21), later[0])
    for (const id of all) if (log.compare(id, place) > 0) contains(found, id)
  },
})

const readings = rules('a reading', [], {
  async 'begins with the last so many, or with all there are; and is always found'(ground) {
    const log = ground.open({ history: 3 })
    includes(await read(log, { last: 2 }), { outcome: 'found' }, 'nothing came')
    const ids = await publish(log, 1, 2, 3, 4, 5)
    for (const [last, count] of Object.entries([0, 1, 2, 3, 3, 3])) {
      const { outcome, ids: found } = await read(log, { last: Number(last) })
      equal(
        { outcome, found },
        {
          outcome: 'found',
          found: ids.slice(5 - count),
        },
        `last ${last}`,
      )
    }
  },

  async 'begins with a time; long ago is all there is, and the future is none'(ground) {
    const log = ground.open({ history: 3 })
    includes(await read(log, { since: 0 }), { outcome: 'found' }, 'nothing came')
    const ids = await publish(log, 1, 2, 3, 4)
    equal(await following(log, { since: 0 }), ids.slice(1))
    equal(await read(log, { since: ground.now() + 1e9 }), {
      outcome: 'found',
      from: ids[3],
      ids: [],
    })
  },

  'begins with a time: what came at it or later': {
    needs: ['time'],
    async run(ground) {
      const log = ground.open({ history: 9 })
      const ids: string[] = []
      for (const n of [0, 1, 2]) {
        ids.push(...(await publish(log, n)))
        if (n < 2) await ground.advance(1000)
      }
      const now = ground.now()
      // a millisecond may begin between the clock that ticks, and the one that a test turns
      equal(await following(log, { since: now - 1500 }), ids.slice(1))
      equal(await following(log, { since: now - 500 }), ids.slice(2))
      equal(await following(log, { since: now - 2500 }), ids)
    },
  },

  async 'says what is before it: after that, the same events are found, whatever was asked'(ground) {
    const log = ground.open({ history: 3 })
    const ids = await publish(log, 1, 2, 3, 4, 5)
    const asked: Where[] = [...ids, 'earliest', 'no id at all', { last: 2 }, { last: 0 }, { since: 0 }]
    for (const where of asked) {
      const { before, from, events } = await log.read(where)
      const found: string[] = []
      for await (const event of events) found.push('requested' in event ? 'gap' : event.id)
      equal(await following(log, before), found, JSON.stringify(where))
      holds(log.compare(before, from) <= 0, `before ${from}`)
      if (found.length === 0) equal(before, ids[4])
    }
  },

  async 'says what is before it where nothing is retained: the latest there was'(ground) {
    const log = ground.open()
    const place = await log.position()
    equal((await log.read('earliest')).before, place)
    const [, two] = await publish(log, 1, 2)
    for (const where of ['earliest', place, 'no id at all', { last: 3 }]) {
      equal((await log.read(where)).before, two, JSON.stringify(where))
    }
  },
})

export const places = [...position, ...readings]
