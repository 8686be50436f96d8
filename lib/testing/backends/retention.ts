// States the rules of retention: by count, bytes and age.
import type { Log } from '../../hub/backend.js'
import { eventBytes } from '../../hub/published.js'
import { equal, includes } from './expecting.js'
import { publish, read, upTo } from './logs.js'
import { rules } from './rules.js'

const retained = async (log: Log) => (await read(log, 'earliest')).ids

export const retention = rules('retention', [], {
  async 'by count'(ground) {
    const log = ground.open({ history: 2 })
    const ids = await publish(log, 1, 2, 3, 4)
    equal(await retained(log), ids.slice(2))
  },

  async 'by bytes, those of the JSON text, or of the text, and what each event costs'(ground) {
    const log = ground.open({ historyBytes: 10 + 2 * eventBytes })
    const ids = await publish(log, 'ëëëë', '12')
    equal(await retained(log), ids)
    ids.push(...(await publish(log, '3')))
    equal(await retained(log), ids.slice(1))
    // {"a":1}: seven bytes
    const more = await publish(log, { a: 1 }, 'abc')
    equal(await retained(log), more)
    await publish(log, 'too long for all of it'.padEnd(2 * eventBytes))
    equal(await retained(log), [])
  },

  async 'by bytes, of what has none of its own as well'(ground) {
    const log = ground.open({ historyBytes: 3 * eventBytes })
    const ids = await publish(log, '', '', '', '', '')
    equal(await retained(log), ids.slice(2))
  },

  async 'by all of its limits: whichever is passed first'(ground) {
    const log = ground.open({ history: 2, historyBytes: 10 + 2 * eventBytes })
    const ids = await publish(log, '1', '2', '3')
    equal(await retained(log), ids.slice(1))
    const [long] = await publish(log, '1234567890')
    equal(await retained(log), [long])
  },

  async 'of very many: only the latest, and the rest is trimmed'(ground) {
    const log = ground.open({ history: 10 })
    const ids = await publish(log, ...upTo(3000))
    equal(await retained(log), ids.slice(-10))
    equal((await read(log, ids[1500] as string)).outcome, 'trimmed')
  },

  'by age, also while nothing comes': {
    needs: ['time'],
    async run(ground) {
      const log = ground.open({ maxAge: 1000 })
      const [one] = await publish(log, 1)
      await ground.advance(600)
      const [two] = await publish(log, 2)
      await ground.advance(400)
      equal(await retained(log), [one, two])
      await ground.advance(1)
      equal(await retained(log), [two])
      includes(await read(log, one), { outcome: 'found', ids: [two] })
      await ground.advance(1000)
      equal(await read(log, one), { outcome: 'trimmed', from: two, ids: [] })
      equal((await read(log, two)).outcome, 'found')
    },
  },
})
