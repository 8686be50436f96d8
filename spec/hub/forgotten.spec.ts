import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import {
  backend,
  type Channel,
  type ChannelOptions,
  createHub,
  type Hub,
  type Log,
  loop,
  ndjson,
} from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { bundledCode } from '../support/bundled.js'
import { runs } from '../support/runs.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Collects what nobody holds. */
async function collect(): Promise<void> {
  for (let time = 0; time < 3; time++) {
    // what was looked up is held until the turn is over
    await turns()
    collectGarbage()
  }
}

describe('Very many names, each published to once, leave no more behind than before (docs/guide/channels.md)', () => {
  interface Use {
    names?: number
    options?: string
    /** What is done with each channel. */
    each?: string
    afterwards?: string
  }
  const publish = 'await channel.publish({ hello: at })'
  const visited = `channel.attach(sink); ${publish}; channel.detach(sink)`
  const uses: Readonly<Record<string, Use>> = {
    'a history whose maxAge has passed': {
      names: runs(100_000, 40),
      options: '{ maxAge: 1000 }',
      afterwards: 'time.advance(1001)',
    },
    'a history, idle': { options: '{ history: 10, idle: 1000 }', afterwards: 'time.advance(1000)' },
    'no retention': { names: runs(100_000) },
    'keys that have passed': {
      each: "await channel.publish({ hello: at }, { key: 'once' })",
      afterwards: 'time.advance(120_000)',
    },
    'streams that came and went': {
      options: '{ history: 10, idle: 1000 }',
      each: visited,
      afterwards: 'time.advance(1000)',
    },
    'a source that has run': {
      options: '{ source: () => () => {}, linger: 50 }',
      each: visited,
      afterwards: 'time.advance(50)',
    },
    'an end, and idle': {
      options: '{ history: 10, idle: 1000 }',
      each: `${publish}; await channel.end()`,
      afterwards: 'time.advance(1000)',
    },
    'a hub.delete': { options: '{ history: 10 }', each: `${publish}; await hub.delete(name)` },
  }

  /** Bytes that are left, by use, measured in a process of its own. */
  let left: Promise<Readonly<Record<string, number>>> | undefined
  const measured = () => {
    left ??= measure()
    return left
  }

  async function measure(): Promise<Record<string, number>> {
    const rounds = Object.entries(uses).map(
      ([title, { names = runs(20_000), options = 'undefined', each = publish, afterwards = '' }]) => `
        ${JSON.stringify(title)}: async (names = ${names}) => {
          for (let at = 0; at < names; at++) {
            const name = ${JSON.stringify(title)} + at
            const channel = hub.channel(name, ${options})
            ${each}
            if (at % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
          }
          ${afterwards}
        }`,
    )
    const script = `
      import { clock } from './lib/clock.js'
      import { createHub } from './lib/index.js'
      import { ManualTime } from './spec/support/clock.js'
      const time = new ManualTime()
      clock.use(time)
      const memory = async () => {
        for (let round = 0; round < 4; round++) {
          await new Promise((resolve) => setTimeout(resolve, 5))
          gc()
        }
        return process.memoryUsage().heapUsed
      }
      const hub = createHub()
      const sink = { subscribers: 1, event() {}, gap() {}, failed() {}, down() {}, ended() {} }
      const rounds = { ${rounds.join(',')} }
      // what is compiled and cached on the way; a table that was large once shrinks late
      for (const round of Object.values(rounds)) await round(2000)
      await Object.values(rounds)[0]()
      const left = {}
      for (const [title, round] of Object.entries(rounds)) {
        const before = await memory()
        await round()
        left[title] = (await memory()) - before
      }
      console.log(JSON.stringify(left))
      await hub.close()
    `
    const given = ['--expose-gc', await bundledCode(script)]
    const { stdout } = await promisify(execFile)(process.execPath, given)
    return JSON.parse(stdout) as Record<string, number>
  }

  for (const title of Object.keys(uses)) {
    it(`${uses[title]?.names ?? runs(20_000)} names, after ${title}`, async () => {
      // each channel that is left is 2 kB
      expect((await measured())[title]).to.be.below(1.5 * 2 ** 20)
    }).timeout(180_000)
  }
})

describe('A channel is forgotten when nobody needs it (docs/guide/channels.md)', () => {
  staged()

  /** Whether a hub still has the channel that a name had, though nobody holds it. */
  async function has(hub: Hub, name: string, known: WeakRef<Channel<unknown>>): Promise<boolean> {
    await collect()
    return known.deref() !== undefined && hub.channel(name) === known.deref()
  }

  /** What a hub is asked to remember. The function that ends the need is called in the end. */
  const needs: Readonly<
    Record<
      string,
      [
        ChannelOptions<unknown> | undefined,
        (channel: Channel<unknown>) => Promise<unknown> | unknown,
        (end: never) => unknown,
      ]
    >
  > = {
    'what it retains, until it is too old': [
      { maxAge: 1000 },
      (channel) => channel.publish(1),
      () => stage.now.time.advance(1001),
    ],
    'what it retains, until it has been idle': [
      { history: 5, idle: 1000 },
      (channel) => channel.publish(1),
      () => stage.now.time.advance(1000),
    ],
    'its keys, for two minutes': [
      undefined,
      (channel) => channel.publish(1, { key: 'a' }),
      () => stage.now.time.advance(120_000),
    ],
    'its end, as long as it would an event': [
      { maxAge: 1000 },
      (channel) => channel.end(),
      () => stage.now.time.advance(1001),
    ],
    'that an iteration waits': [
      undefined,
      (channel) => {
        const iterator = channel[Symbol.asyncIterator]()
        void iterator.next()
        return () => iterator.return?.()
      },
      (end: () => unknown) => end(),
    ],
    'that its source lingers': [
      { source: () => () => {}, linger: 500 },
      async (channel) => {
        const iterator = channel[Symbol.asyncIterator]()
        void iterator.next()
        await iterator.return?.()
      },
      () => stage.now.time.advance(500),
    ],
  }
  for (const [name, [options, use, end]] of Object.entries(needs)) {
    it(`it remembers ${name}`, async () => {
      void stage.now
      const hub = createHub()
      const known = await (async () => {
        const channel = hub.channel<unknown>('a', options)
        return { ref: new WeakRef(channel), ending: (await use(channel)) as never }
      })()
      expect(await has(hub, 'a', known.ref), 'while it is needed').to.equal(true)
      await end(known.ending)
      known.ending = undefined as never
      expect(await has(hub, 'a', known.ref), 'afterwards').to.equal(false)
    })
  }

  it('it remembers who is open, and who listens to join and leave; neither costs an alarm', async () => {
    void stage.now
    const before = clock.size
    const hub = createHub()
    const joins: string[] = []
    hub.channel('heard').on('join', () => joins.push('join'))
    const endpoint = loop({
      format: ndjson(),
      stream: { heartbeat: false },
      subscribe: () => hub.channel('open'),
    })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await client.head()
    await collect()
    await hub.channel<number>('open').publish(7)
    await client.until('7\n')
    const known = new WeakRef(hub.channel<unknown>('open'))
    expect(await has(hub, 'open', known)).to.equal(true)
    client.leave()
    await turnsUntil(() => [...endpoint.streams].length === 0)
    expect(await has(hub, 'open', known)).to.equal(false)
    const other = await stage.now.serve(loop({ format: ndjson(), subscribe: () => hub.channel('heard') }))
    await other.get().head()
    expect(joins).to.deep.equal(['join'])
    await hub.close()
    expect(clock.size).to.be.at.most(before + 1)
  })

  it('an object that somebody holds is the channel of its name, whatever was let go of', async () => {
    const { time } = stage.now
    const hub = createHub()
    const held = hub.channel<number>('a', { history: 5, idle: 1000 })
    const first = await held.publish(1)
    time.advance(1000)
    await collect()
    expect(hub.channel('a', { history: 5, idle: 1000 })).to.equal(held)
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: () => hub.channel('a') }))
    const back = site.get(`/?lastEventId=${first}`)
    expect((await back.head()).headers['event-gap'], 'nothing came since').to.equal(undefined)
    await held.publish(2)
    await back.until('2\n')
    await hub.close()
  })

  it('a name that was forgotten is made anew, with the options given then; an id of before is unknown', async () => {
    const { time } = stage.now
    const hub = createHub()
    const id = await hub.channel<number>('a', { maxAge: 1000 }).publish(1)
    time.advance(1001)
    await collect()
    const again = hub.channel<number>('a', { history: 3 })
    await again.publish(2)
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: again }))
    const back = site.get(`/?lastEventId=${id}`)
    expect((await back.head()).headers['event-gap']).to.equal('unknown')
    await back.until('2\n')
  })

  it('a store remembers for itself: the hub forgets, and the events are there', async () => {
    const hub = createHub(asyncMemory())
    const known = await (async () => {
      const channel = hub.channel<unknown>('a', { history: 5 })
      await channel.publish(1)
      return new WeakRef(channel)
    })()
    expect(await has(hub, 'a', known)).to.equal(false)
    const data: unknown[] = []
    for await (const event of hub.channel('a', { history: 5 }).replay('earliest')) data.push(event.data)
    expect(data).to.deep.equal([1])
  })
})

describe('A log that retains something in this process (docs/guide/backends.md)', () => {
  interface Start {
    isEmpty: boolean
    /** What `isEmpty` is once something was published. */
    afterwards?: boolean
    /** The log says that it is empty while it is opened. */
    calls?: boolean
    /** The backend keeps its logs. */
    keeps?: boolean
  }

  /** How often a hub opens the log of a name that nobody holds. */
  async function opened(start: Start): Promise<number> {
    let opened = 0
    let { isEmpty } = start
    const log = (): Log => ({
      async publish() {
        await turns()
        isEmpty = start.afterwards ?? isEmpty
        return 'id-1'
      },
      listen: () => () => {},
      read: () => ({ outcome: 'found', from: 'id-0', before: 'id-0', hasEnded: false, events: [] }),
      position: () => 'id-0',
      end: () => {},
      drop: () => {},
      compare: () => 0,
      isImmediate: false,
      latest: undefined,
      get isEmpty() {
        return isEmpty
      },
    })
    const kept: object[] = []
    const hub = createHub(
      backend({
        open(_name, _retention, emptied) {
          opened += 1
          if (start.calls) emptied()
          const made = log()
          // as an author may: each log has what it was given
          if (start.keeps) kept.push(Object.assign(made, { emptied }))
          return made
        },
        close: () => {},
      }),
    )
    await (async () => hub.channel('a').publish(1))()
    await collect()
    hub.channel('a')
    return opened
  }

  it('is not opened again: also one that had it when it was opened, or has it once it has confirmed', async () => {
    expect(await opened({ isEmpty: false })).to.equal(1)
    expect(await opened({ isEmpty: true, afterwards: false })).to.equal(1)
  })

  it('is opened again once it is empty, also if the backend keeps its logs', async () => {
    expect(await opened({ isEmpty: true, keeps: true })).to.equal(2)
    expect(await opened({ isEmpty: false, afterwards: true, keeps: true })).to.equal(2)
  })

  it('may say that it is empty while it is opened', async () => {
    expect(await opened({ isEmpty: true, calls: true })).to.equal(2)
  })
})

describe('idle (docs/guide/channels.md)', () => {
  staged()

  async function retained(channel: Channel<number>): Promise<number[]> {
    const data: number[] = []
    for await (const event of channel.replay('earliest')) data.push(event.data)
    return data
  }

  it('what is retained goes so long after the last publish', async () => {
    const { time } = stage.now
    const channel = createHub().channel<number>('a', { history: 5, idle: 1000 })
    await channel.publish(1)
    time.advance(900)
    await channel.publish(2)
    time.advance(999)
    expect(await retained(channel)).to.deep.equal([1, 2])
    time.advance(1)
    expect(await retained(channel)).to.deep.equal([])
  })

  it('never while there is a subscriber, and so long after the last', async () => {
    const { time } = stage.now
    const channel = createHub().channel<number>('a', { history: 5, idle: 1000 })
    const endpoint = loop({ format: ndjson(), stream: { heartbeat: false }, subscribe: channel })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await client.head()
    await channel.publish(1)
    time.advance(5000)
    expect(await retained(channel)).to.deep.equal([1])
    client.leave()
    await turnsUntil(() => channel.subscribers === 0)
    time.advance(999)
    expect(await retained(channel)).to.deep.equal([1])
    time.advance(1)
    expect(await retained(channel)).to.deep.equal([])
  })
})
