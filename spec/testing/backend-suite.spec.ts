import { AssertionError } from 'node:assert'
import { expect } from 'chai'
import { stored } from '../../lib/hub/authoring.js'
import type { Backend, Log, Reading, Where } from '../../lib/hub/backend.js'
import { memory } from '../../lib/hub/memory.js'
import type { Published } from '../../lib/hub/published.js'
import { LariatError } from '../../lib/index.js'
import { type Abilities, type AsyncMemory, asyncMemory, conformsAsBackend } from '../../lib/testing.js'

/** A backend whose logs do something else than those of another. */
function faulty<Kind extends Backend>(backend: Kind, fault: (log: Log) => Partial<Log>): Kind {
  const open = backend.open.bind(backend)
  backend.open = (...given) => {
    const log = open(...given)
    const { isImmediate } = log
    return {
      isImmediate,
      get isEmpty() {
        return log.isEmpty
      },
      get latest() {
        return log.latest
      },
      publish: (...asked) => log.publish(...asked),
      listen: (...asked) => log.listen(...asked),
      read: (...asked) => log.read(...asked),
      position: () => log.position(),
      end: () => log.end(),
      drop: () => log.drop(),
      compare: (...asked) => log.compare(...asked),
      ...fault(log),
    }
  }
  return backend
}

/** Backends of `asyncMemory`, with a fault, or without. */
function ofStore(fault: (log: Log) => Partial<Log> = () => ({})) {
  const made: AsyncMemory[] = []
  const keep = (backend: AsyncMemory) => {
    made.push(backend)
    const another = backend.another.bind(backend)
    backend.another = (options) => keep(another(options))
    return faulty(backend, fault)
  }
  const abilities: Abilities<AsyncMemory> = {
    settled: async () => {
      for (const backend of made) await backend.delivered()
    },
    another: (backend) => backend.another(),
    loss: { down: (backend) => backend.lose(), up: (backend) => backend.restore() },
    freeze: (backend, fate) => backend.freeze(fate),
    async rollBack(backend, meanwhile) {
      const restore = backend.copy()
      await meanwhile()
      restore()
    },
    empty: (backend) => backend.empty(),
  }
  return conformsAsBackend(() => keep(asyncMemory()), abilities)
}

const ofMemory = (fault: (log: Log) => Partial<Log>) => conformsAsBackend(() => faulty(memory(), fault))

const reads = (log: Log, change: (reading: Reading, where: Where) => Partial<Reading>) => ({
  async read(where: Where): Promise<Reading> {
    const reading = await log.read(where)
    return { ...reading, ...change(reading, where) }
  },
})

/** A fault, the case that is to find it, and the backend that has it. */
const faults: readonly [string, string, () => ReturnType<typeof ofStore>][] = [
  [
    'loses what comes between listen and read',
    'in the middle of a burst: of 10,000, one that listens and then reads misses nothing',
    () =>
      ofStore((log) => {
        let begin = async () => {}
        return {
          listen(receiver) {
            let stop: () => unknown = () => {}
            begin = async () => {
              stop = await log.listen(receiver)
            }
            return () => stop()
          },
          async read(where) {
            const last = await log.position()
            const { events, ...reading } = await log.read(where)
            const found: Published[] = []
            for await (const each of events) {
              found.push(each as Published)
              if ('data' in each && each.id === last) break
            }
            setImmediate(() => begin().catch(() => {}))
            return { ...reading, events: found }
          },
        }
      }),
  ],
  [
    'doubles an event',
    'listen: gets what comes from then on: each once, in order, with its id, data and type',
    () =>
      ofMemory((log) => ({
        listen: (receiver) =>
          log.listen({
            event(event) {
              receiver.event(event)
              if ((event.data as { n: number }).n === 7) receiver.event(event)
            },
            gap: (gap) => receiver.gap(gap),
            end: () => receiver.end(),
          }),
      })),
  ],
  [
    'delivers two events in the other order',
    'listen: gets what comes from then on: each once, in order, with its id, data and type',
    () =>
      ofMemory((log) => ({
        listen(receiver) {
          const waiting: Parameters<typeof receiver.event>[0][] = []
          return log.listen({
            event(event) {
              waiting.unshift(event)
              if (waiting.length === 2) for (const each of waiting.splice(0)) receiver.event(each)
            },
            gap: (gap) => receiver.gap(gap),
            end: () => receiver.end(),
          })
        },
      })),
  ],
  [
    'forgets that it has ended',
    'end: one that comes later is told too, and can go',
    () =>
      ofMemory((log) => ({
        listen: (receiver) => log.listen({ ...bound(receiver), end: () => {} }),
      })),
  ],
  [
    'tells the end before what is on its way',
    'end: a listener is told once, after the last event',
    () =>
      ofStore((log) => ({
        listen: (receiver) => {
          let hasEnded = false
          return log.listen({
            ...bound(receiver),
            event: (event) => {
              if (!hasEnded) receiver.end()
              hasEnded = true
              receiver.event(event)
            },
            end: () => {},
          })
        },
      })),
  ],
  [
    'gives the ids of lost events again',
    'back without its latest events: their ids are unknown, also once others have come in their place',
    () =>
      ofStore((log) => {
        const short = (id: string) => id.replace(/:\d+:/, ':0:')
        return {
          publish: async (...asked) => short(await log.publish(...asked)),
          position: async () => short(await log.position()),
          async read(where) {
            const lives =
              typeof where === 'string' ? [2, 1, 0].map((life) => where.replace(':0:', `:${life}:`)) : []
            for (const life of lives) {
              const reading = await log.read(life)
              if (reading.outcome !== 'unknown') return shortened(reading)
            }
            return shortened(await log.read(where))
          },
        }
        async function shortened({ events, from, before, ...reading }: Reading): Promise<Reading> {
          const found: Reading['events'] = (async function* () {
            for await (const each of events)
              yield 'data' in each ? stored(short(each.id), each.data, each.type) : each
          })()
          return { ...reading, from: short(from), before: short(before), events: found }
        }
      }),
  ],
  [
    'forgets the type of what is retained',
    'read: each event with its id, data and type',
    () =>
      ofMemory((log) =>
        reads(log, ({ events }) => ({
          events: [...(events as Iterable<Published>)].map(({ id, data }) => stored(id, data, undefined)),
        })),
      ),
  ],
  [
    'may be forgotten with all that it retains',
    'isEmpty: a log that says so may be forgotten: opened again, it has what is retained',
    () => ofMemory(() => ({ isEmpty: true })),
  ],
  [
    'is never forgotten',
    'isEmpty: a log that retains nothing says so, and costs nothing',
    () => ofStore(() => ({ isEmpty: false })),
  ],
  [
    'appends what check refuses',
    'publish: shows the event once before it is appended; what that throws is the answer, and nothing is appended',
    () =>
      ofMemory((log) => ({
        publish(data, meta, check) {
          let refusal: unknown
          const id = log.publish(data, meta, (event) => {
            try {
              check(event)
            } catch (error) {
              refusal = error
            }
          })
          if (refusal) throw refusal
          return id
        },
      })),
  ],
  [
    'confirms what it refuses',
    'lost, and back: publish rejects while it is away, and what was rejected does not come later',
    () =>
      ofStore((log) => ({
        publish: async (...asked) => {
          try {
            return await log.publish(...asked)
          } catch {
            return 'an id'
          }
        },
      })),
  ],
  [
    'refuses for certain what has come',
    'lost while a publish is on its way: came: what was refused never comes, and what is uncertain comes once with its key',
    () =>
      ofStore((log) => ({
        publish: async (...asked) => {
          try {
            return await log.publish(...asked)
          } catch (error) {
            throw new LariatError('LARIAT_DOWN', 'away', { cause: error })
          }
        },
      })),
  ],
  [
    'says found where something is trimmed',
    'read: trimmed: from the oldest that is retained; the id before that is found',
    () =>
      ofMemory((log) =>
        reads(log, ({ outcome }) => ({ outcome: outcome === 'trimmed' ? 'found' : outcome })),
      ),
  ],
  [
    'begins one too late',
    'read: found: what came after an id, all of it, in order',
    () =>
      ofMemory((log) =>
        reads(log, ({ events }, where) => ({
          events: where === 'earliest' ? events : [...(events as Iterable<never>)].slice(1),
        })),
      ),
  ],
  [
    'throws for what is no id',
    'read: unknown: whatever is no id, and no error',
    () =>
      ofMemory((log) => ({
        read(where) {
          if (where === '__proto__') throw new RangeError('No such id')
          return log.read(where)
        },
      })),
  ],
  [
    'names a place before a reading that is not there',
    'a reading: says what is before it: after that, the same events are found, whatever was asked',
    () => ofMemory((log) => reads(log, ({ from }) => ({ before: from }))),
  ],
  [
    'ignores keys',
    'key: the same is the same event: its id, and nothing is appended (a history)',
    () => ofMemory((log) => ({ publish: (data, { type }, check) => log.publish(data, { type }, check) })),
  ],
  [
    'takes events after its end',
    'end: nothing can be published: LARIAT_ENDED, and for certain',
    () => ofMemory(() => ({ end: () => {} })),
  ],
  [
    'is silent of a gap',
    'emptied: and nothing comes: the listener is told all the same',
    () => ofStore((log) => ({ listen: (receiver) => log.listen({ ...bound(receiver), gap: () => {} }) })),
  ],
  [
    'delivers nothing of what came while it was away',
    'lost, and back: what was published elsewhere meanwhile is delivered, once and in order',
    () =>
      ofStore((log) => ({
        listen: (receiver) =>
          log.listen({
            ...bound(receiver),
            event: (event) => typeof event.data === 'number' || receiver.event(event),
          }),
      })),
  ],
]

const bound = (receiver: Parameters<Log['listen']>[0]): Parameters<Log['listen']>[0] => ({
  event: (event) => receiver.event(event),
  gap: (gap) => receiver.gap(gap),
  end: () => receiver.end(),
})

describe('conformsAsBackend (docs/guide/backends.md)', () => {
  for (const [fault, name, cases] of faults) {
    it(`a backend that ${fault} fails “${name}”`, async () => {
      const found = [...cases()].find((each) => each.name === name)
      const error = await found!.run().catch((reason: unknown) => reason)
      if (fault === 'throws for what is no id') expect(error).to.be.instanceOf(RangeError)
      else expect(error).to.be.instanceOf(AssertionError)
    })
  }

  it('names each case once, and those that an ability unlocks say so', () => {
    const [few, many] = [[...conformsAsBackend(memory)], [...ofStore()]]
    expect(new Set(many.map(({ name }) => name)).size).to.equal(many.length)
    expect(few.filter(({ needs }) => needs.length > 0)).to.deep.equal([])
    const unlocked = many.filter(({ name }) => !few.some((each) => each.name === name))
    expect(unlocked.every(({ needs }) => needs.length > 0)).to.equal(true)
    expect(new Set(unlocked.flatMap(({ needs }) => needs))).to.deep.equal(
      new Set(['another', 'loss', 'freeze', 'rollBack', 'empty']),
    )
  })

  for (const [what, fault] of Object.entries<(log: Log) => Partial<Log>>({
    passes: () => ({}),
    fails: () => ({ compare: () => 0, position: () => 'one place' }),
  })) {
    it(`closes each backend that a case made once, also where it ${what}`, async () => {
      let [made, closed, failed] = [0, 0, 0]
      const make = () => {
        const backend = faulty(memory(), fault)
        made += 1
        const close = backend.close.bind(backend)
        backend.close = () => {
          closed += 1
          return close()
        }
        return backend
      }
      const cases = [...conformsAsBackend(make)].filter(({ timeout }) => timeout <= 30_000)
      for (const { run } of cases) await run().catch(() => failed++)
      expect(closed).to.equal(made)
      expect(failed > 0).to.equal(what === 'fails')
    })
  }
})
