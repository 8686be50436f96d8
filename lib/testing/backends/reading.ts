// States the rules of `read` after an id: found, trimmed or unknown, and what is in it.
import { Gap } from '../../hub/gap.js'
import { equal, holds, includes, ordered, sameData } from './expecting.js'
import { accept, idOf, idsOf, publish, read, upTo } from './logs.js'
import { rules } from './rules.js'

export const readings = rules('read', [], {
  async 'found: what came after an id, all of it, in order'(ground) {
    const log = ground.open({ history: 10 })
    const ids = await publish(log, 1, 2, 3, 4)
    for (const [at, id] of ids.entries()) {
      const reading = await read(log, id)
      equal(reading.outcome, 'found')
      equal(reading.ids, ids.slice(at + 1))
      equal(reading.from, ids[at + 1] ?? ids.at(-1))
    }
  },

  async 'each event with its id, data and type'(ground) {
    const log = ground.open({ history: 10 })
    const data = [{ n: 1, of: ['é', null] }, 'text', 0, false]
    const ids: string[] = []
    for (const [at, each] of data.entries())
      ids.push(await log.publish(each, at % 2 === 0 ? { type: `type${at}` } : {}, accept))
    for (const where of ['earliest', { last: 4 }] as const) {
      const found: unknown[] = []
      for await (const item of (await log.read(where)).events)
        if (!(item instanceof Gap)) found.push([item.id, item.data, item.type ?? 'none'])
      const expected = data.map((each, at) => [ids[at], each, at % 2 === 0 ? `type${at}` : 'none'])
      sameData(found, expected)
    }
  },

  async 'earliest: all that is retained, and found'(ground) {
    const log = ground.open({ history: 2 })
    const ids = await publish(log, 1, 2, 3)
    equal(await read(log, 'earliest'), {
      outcome: 'found',
      from: ids[1],
      ids: ids.slice(1),
    })
  },

  async 'earliest of a log where nothing came: found, none, from an id after which all will come'(ground) {
    const log = ground.open({ history: 10 })
    const { outcome, from, ids } = await read(log, 'earliest')
    equal([outcome, ids], ['found', []])
    const published = await publish(log, 1, 2)
    includes(await read(log, from), { outcome: 'found', ids: published })
  },

  async 'trimmed: from the oldest that is retained; the id before that is found'(ground) {
    const log = ground.open({ history: 3 })
    const ids = await publish(log, 1, 2, 3, 4, 5, 6)
    for (const id of ids.slice(0, 2)) {
      equal(await read(log, id), {
        outcome: 'trimmed',
        from: ids[3],
        ids: ids.slice(3),
      })
    }
    equal(await read(log, ids[2]), {
      outcome: 'found',
      from: ids[3],
      ids: ids.slice(3),
    })
  },

  async 'trimmed, and nothing retained: from the latest, after which all will come'(ground) {
    for (const retention of [{}, { history: 0 }]) {
      const log = ground.open(retention)
      const [one, two] = await publish(log, 1, 2)
      equal(await read(log, one), { outcome: 'trimmed', from: two, ids: [] })
      equal(await read(log, two), { outcome: 'found', from: two, ids: [] })
      includes(await read(log, 'earliest'), { outcome: 'found', ids: [] })
    }
  },

  async 'unknown: an id of another log or another store, from the oldest'(ground) {
    const [log, longer] = [ground.open({ history: 2 }), ground.open()]
    const ids = await publish(log, 1, 2, 3)
    const foreign = await ground.foreign()
    const [alien] = await publish(ground.open({}, foreign), 1)
    const [, , , beyond] = await publish(longer, 1, 2, 3, 4)
    for (const id of [alien, beyond]) {
      equal(
        await read(log, id),
        {
          outcome: 'unknown',
          from: ids[1],
          ids: ids.slice(1),
        },
        id,
      )
    }
  },

  async 'unknown: whatever is no id, and no error'(ground) {
    const log = ground.open({ history: 5 })
    const ids = await publish(log, ...upTo(12))
    const id = ids.at(-1) as string
    const number = numberAtEnd(id)
    const stem = id.slice(0, id.length - number.length)
    const hostile = [
      ...['', ' ', '0', '-1', 'NaN', '*', '$', '>', '+', 'Earliest', 'earliest ', 'latest'],
      ...['__proto__', 'constructor', 'toString', 'a\nb', 'a\0b', '✓', '\ud800', 'x'.repeat(100_000)],
      ...[`${id}0`, `${id}\n`, ` ${id}`, `${id} `, `${id}x`, `x${id}`, `${id}.0`, `${id}e0`, `${id}-1`],
      ...[id.slice(1), ...['-1', `0${number}`, '1e0', '9'.repeat(400), ''].map((each) => stem + each)],
    ]
    for (const each of hostile) {
      equal(
        await read(log, each),
        {
          outcome: 'unknown',
          from: ids[7],
          ids: ids.slice(7),
        },
        JSON.stringify(each.slice(0, 50)),
      )
    }
  },

  async 'can be left in the middle, and read by several at once'(ground) {
    const log = ground.open({ history: 10 })
    const ids = await publish(log, 1, 2, 3)
    const [left, whole] = await Promise.all([log.read('earliest'), log.read('earliest')])
    for await (const item of left.events) {
      equal(idOf(item), ids[0])
      break
    }
    equal(await idsOf(whole.events), ids)
  },

  async 'what comes while it is read is not in its way'(ground) {
    const log = ground.open({ history: 10 })
    const ids = await publish(log, 1, 2, 3)
    const { events } = await log.read(ids[0])
    const more = await publish(log, 4, 5)
    const came = await idsOf(events)
    equal(came.slice(0, 2), ids.slice(1))
    // a listener gets these; they may be here too, but not in another order
    equal(more.slice(0, came.length - 2), came.slice(2))
  },

  async 'what is trimmed while it is read is there all the same, or a gap is in its place'(ground) {
    const log = ground.open({ history: 3 })
    const ids = await publish(log, 1, 2, 3)
    const { events } = await log.read('earliest')
    let isFirst = true
    let position = -1
    const gaps: Gap[] = []
    for await (const item of events) {
      if (isFirst) ids.push(...(await publish(log, 4, 5, 6)))
      isFirst = false
      if (item instanceof Gap) {
        includes(item, { requested: ids[position], reason: 'trimmed' })
        ordered(log, item.requested, item.from)
        position = ids.indexOf(item.from) - 1
        gaps.push(item)
      } else {
        equal(item.id, ids[++position])
      }
    }
    holds(gaps.length <= 1, `${gaps.length} gaps: expected one for all that is trimmed`)
    holds(position >= 2, `It ends with number ${position}: expected at least 2, the latest there was`)
  },
})

/** The digits that a text ends with. */
function numberAtEnd(text: string): string {
  let at = text.length
  while (/\d/.test(text[at - 1] ?? '')) at -= 1
  return text.slice(at)
}
