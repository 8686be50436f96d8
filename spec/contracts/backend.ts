import { expect } from 'chai'
import { type Backend, isBackend, type Log, type Receiver, type Retention } from '../../lib/hub/backend.js'
import { Gap } from '../../lib/hub/gap.js'
import { eventBytes, type Published } from '../../lib/hub/published.js'
import { type Awaitable, isPromise } from '../../lib/promise.js'
import { bursts } from './bursts.js'
import { ends } from './ends.js'
import { keys } from './keys.js'
import {
  accept,
  type BackendCase,
  failure,
  type Ground,
  idOf,
  idsOf,
  Kept,
  none,
  publish,
  read,
} from './logs.js'
import { losses } from './losses.js'
import { places } from './places.js'

export type { BackendCase } from './logs.js'

/** The rules that every backend keeps. */
export function backendContract(name: string, of: BackendCase): void {
  describe(`${name}, as any backend (docs/guide/backends.md)`, () => {
    let backend: Backend
    let names = 0
    beforeEach(async () => {
      backend = await of.make()
    })
    afterEach(() => backend.close() as Promise<void>)

    const open = (retention: Partial<Retention> = {}, from = backend) =>
      from.open(`log${++names}`, { ...none, ...retention }, () => {})
    const ground: Ground = {
      of,
      get backend() {
        return backend
      },
      open,
      named: (name, retention = {}, from = backend) => from.open(name, { ...none, ...retention }, () => {}),
    }

    it('has the mark of a backend', () => {
      expect(isBackend(backend)).to.equal(true)
    })

    describe('publish', () => {
      it('gives ids that are ordered, and each its own', async () => {
        const log = open()
        const ids = await publish(log, ...Array.from({ length: 12 }, (_, index) => index))
        expect(new Set(ids).size).to.equal(12)
        for (const [at, id] of ids.entries()) {
          for (const [where, other] of ids.entries()) {
            expect(Math.sign(log.compare(id, other)), `${id} to ${other}`).to.equal(Math.sign(at - where))
          }
        }
      })

      it('gives ids that a header can carry, and none that is a word of the protocol', async () => {
        for (const id of await publish(open(), 1, 2, 3)) {
          expect(id).to.match(/^[\x21-\x7e]{1,200}$/)
          expect(id).not.to.equal('earliest')
        }
      })

      it('at once, several: each has an id, and the order is that of the calls', async () => {
        const log = open({ history: 10 })
        const ids = await Promise.all([1, 2, 3].map((data) => log.publish(data, {}, accept)))
        expect((await read(log, 'earliest')).ids).to.deep.equal(ids)
      })

      it('shows the event once before it is appended; what that throws is the answer, and nothing is appended', async () => {
        const log = open({ history: 10 })
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const seen: unknown[] = []
        const refusal = new TypeError('refused')
        const refuse = ({ data, type }: Published) => {
          seen.push([data, type])
          throw refusal
        }
        expect(await failure(() => log.publish({ a: 1 }, { type: 'tick' }, refuse))).to.equal(refusal)
        await of.settled()
        expect(seen).to.deep.equal([[{ a: 1 }, 'tick']])
        expect(receiver.items).to.deep.equal([])
        expect((await read(log, 'earliest')).ids).to.deep.equal([])
        const [id] = await publish(log, 'next')
        await of.settled()
        expect(receiver.ids).to.deep.equal([id])
        await stop()
      })
    })

    describe('listen', () => {
      it('one that goes in a delivery, and another that comes: that one gets what comes from then on', async () => {
        const log = open({ history: 9 })
        const later = new Kept()
        let listening: Awaitable<() => unknown> | undefined
        const receiver: Receiver = {
          event: () => {
            if (listening) return
            void stopFirst()
            listening = log.listen(later)
          },
          gap: () => {},
          end: () => {},
        }
        const stopFirst = await log.listen(receiver)
        await publish(log, 1)
        await of.settled()
        const stop = await listening!
        const [id] = await publish(log, 2)
        await of.settled()
        expect(later.ids).to.deep.equal([id])
        await stop()
      })

      it('gets what comes from then on: each once, in order, with its id, data and type', async () => {
        const log = open({ history: 2 })
        await publish(log, 'before')
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const ids: string[] = []
        for (let n = 0; n < 20; n++) ids.push(await log.publish({ n }, n % 2 ? { type: 'odd' } : {}, accept))
        await of.settled()
        expect(receiver.ids).to.deep.equal(ids)
        expect(receiver.data).to.deep.equal(ids.map((_, n) => ({ n })))
        const types = receiver.items.map((item) => (item as Published).type)
        expect(types).to.deep.equal(ids.map((_, n) => (n % 2 ? 'odd' : undefined)))
        await stop()
      })

      it('gets data as it was published, whatever it is in JSON', async () => {
        const log = open()
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        const values = ['', 0, false, null, [], {}, 'zoë ✓\n', { a: [1, { b: null }] }]
        await publish(log, ...values)
        await of.settled()
        expect(receiver.data).to.deep.equal(values)
        await stop()
      })

      it('ends: nothing comes after that, and it can begin again', async () => {
        const log = open({ history: 10 })
        const first = new Kept()
        const stop = await log.listen(first)
        const [one] = await publish(log, 1)
        await of.settled()
        await stop()
        await publish(log, 2)
        await of.settled()
        expect(first.ids).to.deep.equal([one])
        const second = new Kept()
        const stopSecond = await log.listen(second)
        const [three] = await publish(log, 3)
        await of.settled()
        expect(second.ids).to.deep.equal([three])
        expect(first.ids).to.deep.equal([one])
        await stopSecond()
      })

      it('of one log gets nothing of another', async () => {
        const [log, other] = [open(), open()]
        const receiver = new Kept()
        const stop = await log.listen(receiver)
        await publish(other, 'other')
        const [id] = await publish(log, 'own')
        await of.settled()
        expect(receiver.ids).to.deep.equal([id])
        await stop()
      })
    })

    describe('read', () => {
      it('found: what came after an id, all of it, in order', async () => {
        const log = open({ history: 10 })
        const ids = await publish(log, 1, 2, 3, 4)
        for (const [at, id] of ids.entries()) {
          const reading = await read(log, id)
          expect(reading.outcome).to.equal('found')
          expect(reading.ids).to.deep.equal(ids.slice(at + 1))
          expect(reading.from).to.equal(ids[at + 1] ?? ids.at(-1))
        }
      })

      it('earliest: all that is retained, and found', async () => {
        const log = open({ history: 2 })
        const ids = await publish(log, 1, 2, 3)
        expect(await read(log, 'earliest')).to.deep.equal({
          outcome: 'found',
          from: ids[1],
          ids: ids.slice(1),
        })
      })

      it('earliest of a log where nothing came: found, none, from an id after which all will come', async () => {
        const log = open({ history: 10 })
        const { outcome, from, ids } = await read(log, 'earliest')
        expect([outcome, ids]).to.deep.equal(['found', []])
        const published = await publish(log, 1, 2)
        expect(await read(log, from)).to.deep.include({ outcome: 'found', ids: published })
      })

      it('trimmed: from the oldest that is retained; the id before that is found', async () => {
        const log = open({ history: 3 })
        const ids = await publish(log, 1, 2, 3, 4, 5, 6)
        for (const id of ids.slice(0, 2)) {
          expect(await read(log, id)).to.deep.equal({
            outcome: 'trimmed',
            from: ids[3],
            ids: ids.slice(3),
          })
        }
        expect(await read(log, ids[2]!)).to.deep.equal({
          outcome: 'found',
          from: ids[3],
          ids: ids.slice(3),
        })
      })

      it('trimmed, and nothing retained: from the latest, after which all will come', async () => {
        for (const retention of [{}, { history: 0 }]) {
          const log = open(retention)
          const [one, two] = (await publish(log, 1, 2)) as [string, string]
          expect(await read(log, one)).to.deep.equal({ outcome: 'trimmed', from: two, ids: [] })
          expect(await read(log, two)).to.deep.equal({ outcome: 'found', from: two, ids: [] })
          expect(await read(log, 'earliest')).to.deep.include({ outcome: 'found', ids: [] })
        }
      })

      it('unknown: an id of another log or another store, from the oldest', async () => {
        const [log, longer] = [open({ history: 2 }), open()]
        const ids = await publish(log, 1, 2, 3)
        const foreign = await of.make()
        const [alien] = await publish(open({}, foreign), 1)
        const [, , , beyond] = await publish(longer, 1, 2, 3, 4)
        for (const id of [alien!, beyond!]) {
          expect(await read(log, id), id).to.deep.equal({
            outcome: 'unknown',
            from: ids[1],
            ids: ids.slice(1),
          })
        }
        await foreign.close()
      })

      it('unknown: whatever is no id, and no error', async () => {
        const log = open({ history: 5 })
        const ids = await publish(log, ...Array.from({ length: 12 }, (_, index) => index))
        const [id] = ids.slice(-1) as [string]
        const hostile = [
          ...['', ' ', '0', '-1', 'NaN', '*', '$', '>', '+', 'Earliest', 'earliest ', 'latest'],
          ...['__proto__', 'constructor', 'toString', 'a\nb', 'a\0b', '✓', '\ud800', 'x'.repeat(100_000)],
          ...[`${id}0`, `${id}\n`, ` ${id}`, `${id} `, `${id}x`, `x${id}`, `${id}.0`, `${id}e0`, `${id}-1`],
          ...[id.slice(1), id.replace(/\d+$/, '-1'), id.replace(/\d+$/, '0$&'), id.replace(/\d+$/, '1e0')],
          ...[id.replace(/\d+$/, '9'.repeat(400)), id.replace(/\d+$/, '')],
        ]
        for (const each of hostile) {
          expect(await read(log, each), JSON.stringify(each.slice(0, 50))).to.deep.equal({
            outcome: 'unknown',
            from: ids[7],
            ids: ids.slice(7),
          })
        }
      })

      it('can be left in the middle, and read by several at once', async () => {
        const log = open({ history: 10 })
        const ids = await publish(log, 1, 2, 3)
        const [left, whole] = await Promise.all([log.read('earliest'), log.read('earliest')])
        for await (const item of left.events) {
          expect(idOf(item)).to.equal(ids[0])
          break
        }
        expect(await idsOf(whole.events)).to.deep.equal(ids)
      })

      it('what comes while it is read is not in its way', async () => {
        const log = open({ history: 10 })
        const ids = await publish(log, 1, 2, 3)
        const { events } = await log.read(ids[0]!)
        const more = await publish(log, 4, 5)
        const came = await idsOf(events)
        expect(came.slice(0, 2)).to.deep.equal(ids.slice(1))
        // a listener gets these; they may be here too, but not in another order
        expect(more.slice(0, came.length - 2)).to.deep.equal(came.slice(2))
      })

      it('what is trimmed while it is read is there all the same, or a gap is in its place', async () => {
        const log = open({ history: 3 })
        const ids = await publish(log, 1, 2, 3)
        const { events } = await log.read('earliest')
        let isFirst = true
        let position = -1
        const gaps: Gap[] = []
        for await (const item of events) {
          if (isFirst) ids.push(...(await publish(log, 4, 5, 6)))
          isFirst = false
          if (item instanceof Gap) {
            expect(item).to.include({ requested: ids[position], reason: 'trimmed' })
            expect(log.compare(item.requested, item.from)).to.be.below(0)
            position = ids.indexOf(item.from) - 1
            gaps.push(item)
          } else {
            expect(item.id).to.equal(ids[++position])
          }
        }
        expect(gaps.length).to.be.at.most(1)
        expect(position, 'all that there was').to.be.at.least(2)
      })
    })

    describe('retention', () => {
      const retained = async (log: Log) => (await read(log, 'earliest')).ids

      it('by count', async () => {
        const log = open({ history: 2 })
        const ids = await publish(log, 1, 2, 3, 4)
        expect(await retained(log)).to.deep.equal(ids.slice(2))
      })

      it('by bytes, those of the JSON text, or of the text, and what each event costs', async () => {
        const log = open({ historyBytes: 10 + 2 * eventBytes })
        const ids = await publish(log, 'ëëëë', '12')
        expect(await retained(log)).to.deep.equal(ids)
        ids.push(...(await publish(log, '3')))
        expect(await retained(log)).to.deep.equal(ids.slice(1))
        // {"a":1}: seven bytes
        const more = await publish(log, { a: 1 }, 'abc')
        expect(await retained(log)).to.deep.equal(more)
        await publish(log, 'too long for all of it'.padEnd(2 * eventBytes))
        expect(await retained(log)).to.deep.equal([])
      })

      it('by bytes, of what has none of its own as well', async () => {
        const log = open({ historyBytes: 3 * eventBytes })
        const ids = await publish(log, '', '', '', '', '')
        expect(await retained(log)).to.deep.equal(ids.slice(2))
      })

      it('by all of its limits: whichever is passed first', async () => {
        const log = open({ history: 2, historyBytes: 10 + 2 * eventBytes })
        const ids = await publish(log, '1', '2', '3')
        expect(await retained(log)).to.deep.equal(ids.slice(1))
        const [long] = await publish(log, '1234567890')
        expect(await retained(log)).to.deep.equal([long])
      })

      it('of very many: only the latest, and the rest is trimmed', async () => {
        const log = open({ history: 10 })
        const ids = await publish(log, ...Array.from({ length: 3000 }, (_, index) => index))
        expect(await retained(log)).to.deep.equal(ids.slice(-10))
        expect((await read(log, ids[1500]!)).outcome).to.equal('trimmed')
      })

      const { advance } = of
      if (advance) {
        it('by age, also while nothing comes', async () => {
          const log = open({ maxAge: 1000 })
          const [one] = (await publish(log, 1)) as [string]
          await advance(600)
          const [two] = (await publish(log, 2)) as [string]
          await advance(400)
          expect(await retained(log)).to.deep.equal([one, two])
          await advance(1)
          expect(await retained(log)).to.deep.equal([two])
          expect(await read(log, one)).to.deep.include({ outcome: 'found', ids: [two] })
          await advance(1000)
          expect(await read(log, one)).to.deep.equal({ outcome: 'trimmed', from: two, ids: [] })
          expect((await read(log, two)).outcome).to.equal('found')
        })
      }
    })

    places(ground)
    keys(ground)
    ends(ground)
    bursts(ground)
    losses(ground)

    it('closes, and nothing is delivered from then on', async () => {
      const log = open({ history: 5 })
      const receiver = new Kept()
      const stop = await log.listen(receiver)
      await stop()
      const closing = backend.close()
      expect(closing === undefined || isPromise(closing)).to.equal(true)
      await closing
      await of.settled()
      expect(receiver.items).to.deep.equal([])
    })
  })
}
