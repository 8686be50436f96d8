import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Overflow } from '../../lib/declare/options.js'
import { type Limits, type Measure, Queue } from '../../lib/wire/queue.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What waits; undefined is an item like any other. */
interface Item {
  readonly id: number
  readonly key: string
  readonly size: number
  /** How many events it is: several may wait as one, where none of them alone can be dropped. */
  readonly count: number
  readonly isKept: boolean
}
type Entry = Item | undefined

const measure: Measure<Entry> = {
  count: (item) => item?.count ?? 1,
  size: (item) => item?.size ?? 1,
  data: (item) => item?.key,
  isKept: (item) => item?.isKept ?? false,
}

const overflows: Readonly<Record<string, Overflow>> = {
  close: 'close',
  dropOldest: 'dropOldest',
  dropNewest: 'dropNewest',
  conflate: { conflate: (key) => String(key) },
}

/** The same in the simplest words: a list, filtered. */
class Model {
  items: Entry[] = []
  readonly #limits: Limits
  /** Only the newest of each key, from the first time that there is no room until nothing waits. */
  #conflates = false

  constructor(limits: Limits) {
    this.#limits = limits
  }

  get size(): number {
    return this.items.reduce((sum, item) => sum + measure.count(item), 0)
  }

  get bytes(): number {
    return this.items.reduce((sum, item) => sum + measure.size(item), 0)
  }

  offer(item: Entry, { count, bytes }: { count: number; bytes: number }): number | undefined {
    const { overflow, maxQueued, maxQueuedBytes } = this.#limits
    const hasRoom = (others = { count, bytes }) => {
      const waiting = this.bytes + others.bytes
      const fits = waiting === 0 || waiting + measure.size(item) <= maxQueuedBytes
      return this.size + others.count + measure.count(item) <= maxQueued && fits
    }
    const before = this.items.length
    if (!this.#conflates && hasRoom()) {
      this.items.push(item)
      return 0
    }
    if (overflow === 'close') return undefined
    if (overflow === 'dropNewest') return 1
    if (overflow === 'dropOldest') {
      for (;;) {
        const oldest = this.items.findIndex((each) => !measure.isKept(each))
        if (hasRoom() || oldest < 0) break
        this.items.splice(oldest, 1)
      }
    } else {
      this.#conflates = true
      const all = [...this.items, item]
      const isNewest = (each: Entry, at: number) =>
        measure.isKept(each) ||
        !all.some((other, later) => later > at && !measure.isKept(other) && other?.key === each?.key)
      this.items = all.filter(isNewest).slice(0, -1)
      // what waits elsewhere is conflated there, but for bytes that nothing can supersede any more
      if (this.items.length > 0 && !hasRoom({ count: 0, bytes })) return undefined
    }
    const dropped = before - this.items.length
    this.items.push(item)
    return dropped
  }

  put(item: Entry): void {
    this.items.push(item)
  }

  /** As if all that waits came now, one by one; it is the same wait, so that conflation goes on. */
  settle(others: { count: number; bytes: number }): number | undefined {
    const all = this.items
    this.items = []
    let dropped = 0
    for (const item of all) {
      const more = measure.isKept(item) ? this.put(item) : this.offer(item, others)
      if (more === undefined && !measure.isKept(item)) return undefined
      dropped += more ?? 0
    }
    return dropped
  }

  take(): Entry {
    const item = this.items.shift()
    if (this.items.length === 0) this.#conflates = false
    return item
  }

  clear(): void {
    this.items = []
    this.#conflates = false
  }
}

type Step =
  | {
      readonly do: 'offer'
      readonly key: string
      readonly size: number
      readonly several: number
      /** What waits elsewhere. */
      readonly count: number
      readonly bytes: number
    }
  | { readonly do: 'offer undefined' | 'take' | 'clear' }
  | { readonly do: 'put'; readonly size: number }
  /** Some come regardless of the limits, which apply then. */
  | {
      readonly do: 'settle'
      readonly keys: readonly string[]
      readonly size: number
      readonly count: number
      readonly bytes: number
    }

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 9 }) },
  fc.integer({ min: 10, max: 60 }),
)
const elsewhere = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 12 }))
const offer = fc.record({
  do: fc.constant('offer' as const),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  size,
  several: fc.integer({ min: 1, max: 3 }),
  count: elsewhere,
  bytes: elsewhere,
})
const settle = fc.record({
  do: fc.constant('settle' as const),
  keys: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }),
  size,
  count: elsewhere,
  bytes: elsewhere,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: offer },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('offer undefined' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('put' as const), size }) },
  { weight: 2, arbitrary: settle },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
)

const nothing = { count: 0, bytes: 0 }

/**
 * One step on both; what they say of it has to be the same.
 *
 * @param isSeveral items may be several events
 * @returns whether the client is past its limits: then nothing comes after it
 */
function both(step: Step, id: number, mailbox: Queue<Entry>, model: Model, isSeveral: boolean): boolean {
  let dropped: number | undefined = 0
  if (step.do === 'offer') {
    const item: Item = {
      id,
      key: step.key,
      size: step.size,
      count: isSeveral ? step.several : 1,
      isKept: false,
    }
    dropped = model.offer(item, step)
    expect(mailbox.offer(item, step), 'dropped').to.equal(dropped)
  } else if (step.do === 'offer undefined') {
    dropped = model.offer(undefined, nothing)
    expect(mailbox.offer(undefined), 'dropped').to.equal(dropped)
  } else if (step.do === 'put') {
    const item: Item = { id, key: 'kept', size: step.size, count: 1, isKept: true }
    mailbox.put(item)
    model.put(item)
  } else if (step.do === 'settle') {
    for (const key of step.keys) {
      const item: Item = { id, key, size: step.size, count: 1, isKept: false }
      mailbox.put(item)
      model.put(item)
    }
    dropped = model.settle(step)
    expect(mailbox.settle(step), 'dropped').to.equal(dropped)
    if (dropped === undefined) return true
  } else if (step.do === 'clear') {
    mailbox.clear()
    model.clear()
  } else if (model.items.length > 0) {
    expect(mailbox.take(), 'taken').to.equal(model.take())
  }
  expect({ size: mailbox.size, bytes: mailbox.bytes }).to.deep.equal({
    size: model.size,
    bytes: model.bytes,
  })
  return dropped === undefined
}

function drain(mailbox: Queue<Entry>): Entry[] {
  const items: Entry[] = []
  while (mailbox.size > 0) items.push(mailbox.take())
  return items
}

const item = (id: number, key = 'a', size = 1): Item => ({ id, key, size, count: 1, isKept: false })
const kept = (id: number): Item => ({ id, key: 'kept', size: 1, count: 1, isKept: true })
const ids = (items: readonly Entry[]) => items.map((each) => each?.id)

describe('Messages that wait for one client (docs/slow-clients.md)', () => {
  for (const [name, overflow] of Object.entries(overflows)) {
    // what may have to be dropped one by one waits one by one
    const isSeveral = overflow === 'close'

    it(`${name}: whatever happens, it is what a plain list would be`, () => {
      const limits = fc.record({
        maxQueued: fc.integer({ min: 1, max: 12 }),
        maxQueuedBytes: fc.integer({ min: 1, max: 50 }),
        overflow: fc.constant(overflow),
      })
      fc.assert(
        fc.property(limits, fc.array(step, { maxLength: 80 }), (limit, steps) => {
          const mailbox = new Queue(measure, limit)
          const model = new Model(limit)
          for (const [id, each] of steps.entries()) if (both(each, id, mailbox, model, isSeveral)) break
          expect(drain(mailbox)).to.deep.equal(model.items)
          expect(mailbox).to.include({ size: 0, bytes: 0 })
        }),
        { numRuns: 500 },
      )
    })

    it(`${name}: the same for thousands, over which taken and dropped items are let go`, () => {
      const limit = { maxQueued: 1500, maxQueuedBytes: 6000, overflow }
      fc.assert(
        fc.property(fc.array(fc.tuple(step, fc.integer({ min: 1, max: 400 })), { maxLength: 30 }), (runs) => {
          const mailbox = new Queue(measure, limit)
          const model = new Model(limit)
          let id = 0
          for (const [each, times] of runs) {
            if (each.do === 'clear' || each.do === 'settle') continue
            for (let time = 0; time < times; time++) if (both(each, id++, mailbox, model, isSeveral)) return
          }
          expect(ids(drain(mailbox))).to.deep.equal(ids(model.items))
        }),
        { numRuns: 20 },
      )
    })

    it(`${name}: what is kept is never dropped, and stays where it was`, () => {
      const mailbox = new Queue(measure, {
        maxQueued: name === 'conflate' ? 70 : 3,
        maxQueuedBytes: 10 ** 6,
        overflow,
      })
      mailbox.offer(item(1))
      mailbox.put(kept(2))
      for (let id = 3; id < 100; id += 2) {
        mailbox.offer(item(id))
        mailbox.put(kept(id + 1))
      }
      const all = drain(mailbox)
      const expected = [2, ...Array.from({ length: 49 }, (_, at) => 4 + 2 * at)]
      expect(ids(all.filter((each) => each?.isKept))).to.deep.equal(expected)
      expect(ids(all)).to.deep.equal(ids(all).sort((one, other) => Number(one) - Number(other)))
    })

    it(`${name}: a client that never takes anything is no leak, however much comes`, () => {
      const mailbox = new Queue(measure, { maxQueued: 100, maxQueuedBytes: 2 ** 20, overflow })
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      // as pointers alone these would be 16 MB
      for (let id = 0; id < 2_000_000; id++) mailbox.offer(item(id, String(id % 50)))
      collectGarbage()
      expect(process.memoryUsage().heapUsed - before, 'bytes held').to.be.below(4 * 2 ** 20)
      expect(mailbox.size).to.be.within(50, 100)
    })

    it(`${name}: nor is one that is always just behind`, () => {
      const mailbox = new Queue(measure, { maxQueued: 100, maxQueuedBytes: 2 ** 20, overflow })
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      mailbox.offer(item(0))
      for (let id = 1; id < 2_000_000; id++) {
        mailbox.offer(item(id, String(id % 50)))
        expectSame(mailbox.take()?.id, id - 1)
      }
      collectGarbage()
      expect(process.memoryUsage().heapUsed - before, 'bytes held').to.be.below(4 * 2 ** 20)
    })
  }

  it('an item that is larger than the limit has room where nothing else waits, here or elsewhere', () => {
    for (const overflow of Object.values(overflows)) {
      const mailbox = new Queue(measure, { maxQueued: 10, maxQueuedBytes: 10, overflow })
      expect(mailbox.offer(item(1, 'a', 1000))).to.equal(0)
      expect(mailbox.bytes).to.equal(1000)
      const other = new Queue(measure, { maxQueued: 10, maxQueuedBytes: 10, overflow })
      const dropped = other.offer(item(1, 'a', 1000), { count: 0, bytes: 1 })
      if (overflow === 'dropNewest') expect(dropped).to.equal(1)
      if (overflow === 'close') expect(dropped).to.equal(undefined)
    }
  })

  it('dropOldest drops as many as it takes, and says how many', () => {
    const mailbox = new Queue(measure, { maxQueued: 10, maxQueuedBytes: 10, overflow: 'dropOldest' })
    for (let id = 0; id < 5; id++) mailbox.offer(item(id, 'a', 2))
    expect(mailbox.offer(item(5, 'a', 3))).to.equal(2)
    expect(ids(drain(mailbox))).to.deep.equal([2, 3, 4, 5])
  })

  it('conflate keeps the newest of each key, in the order in which they came', () => {
    const mailbox = new Queue(measure, { maxQueued: 6, maxQueuedBytes: 100, overflow: overflows.conflate! })
    for (const [id, key] of [...'aababc'].entries()) expect(mailbox.offer(item(id, key))).to.equal(0)
    expect(mailbox.offer(item(6, 'd'))).to.equal(3)
    expect(mailbox.size).to.equal(4)
    expect(mailbox.offer(item(7, 'b')), 'while it conflates, there is one of each').to.equal(1)
    expect(ids(drain(mailbox))).to.deep.equal([3, 5, 6, 7])
    for (let id = 0; id < 6; id++) expect(mailbox.offer(item(id)), 'once nothing waits, all wait').to.equal(0)
    expect(mailbox.size).to.equal(6)
  })

  it('conflate with more keys than there is room for is past its limits', () => {
    const mailbox = new Queue(measure, { maxQueued: 3, maxQueuedBytes: 100, overflow: overflows.conflate! })
    for (const [id, key] of [...'abc'].entries()) mailbox.offer(item(id, key))
    expect(mailbox.offer(item(3, 'd'))).to.equal(undefined)
  })

  it('conflate is not asked before there is no room', () => {
    const asked: unknown[] = []
    const overflow = {
      conflate(key: unknown) {
        asked.push(key)
        return String(key)
      },
    }
    const mailbox = new Queue(measure, { maxQueued: 2, maxQueuedBytes: 100, overflow })
    for (const key of 'aa') mailbox.offer(item(0, key))
    expect(asked).to.deep.equal([])
    mailbox.offer(item(0, 'b'))
    expect(asked).to.deep.equal(['a', 'a', 'b'])
  })

  for (const key of ['__proto__', 'constructor', '', Symbol('key')]) {
    it(`conflate takes ${String(key) || "''"} for a key like any other`, () => {
      const overflow = { conflate: () => key }
      const mailbox = new Queue(measure, { maxQueued: 2, maxQueuedBytes: 100, overflow })
      for (let id = 0; id < 5; id++) mailbox.offer(item(id))
      expect(ids(drain(mailbox))).to.deep.equal([4])
    })
  }
})

/** Without chai, which is slow for millions. */
function expectSame(value: unknown, expected: unknown): void {
  if (value !== expected) expect(value).to.equal(expected)
}
