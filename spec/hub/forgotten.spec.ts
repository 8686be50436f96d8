import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { type Channel, type ChannelOptions, createHub, loop, ndjson } from '../../lib/index.js'
import { AsyncBackend } from '../support/async-backend.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Collects what nobody holds, and lets the hub hear of it. */
async function collect(): Promise<void> {
  for (let time = 0; time < 3; time++) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    collectGarbage()
  }
  await turns()
}

describe('100,000 names, each published to once, leave no more behind than before (docs/guide/channels.md)', () => {
  /** Bytes that are left for each name, measured in a process of its own. */
  async function leftOf(options: string, use: string, afterwards = ''): Promise<number> {
    const script = `
      import { clock } from './lib/clock.js'
      import { createHub, ndjson } from './lib/index.js'
      import { ManualTime } from './spec/support/clock.js'
      import { AsyncBackend } from './spec/support/async-backend.js'
      const time = new ManualTime()
      clock.use(time)
      const memory = async () => {
        for (let round = 0; round < 8; round++) {
          await new Promise((resolve) => setTimeout(resolve, 5))
          gc()
        }
        return process.memoryUsage().heapUsed
      }
      const hub = createHub()
      const round = async (names, from) => {
        for (let at = from; at < from + names; at++) {
          const channel = hub.channel('user ' + at, ${options})
          ${use}
          // a turn of the event loop: what was looked up is held until then
          if (at % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        ${afterwards}
      }
      const sink = { subscribers: 1, event() {}, gap() {}, failed() {}, down() {}, ended() {} }
      // what is compiled and cached on the way
      await round(20_000, 1_000_000)
      const before = await memory()
      await round(100_000, 0)
      console.log(((await memory()) - before) / 100_000)
      await hub.close()
    `
    const given = ['--expose-gc', '--import', 'tsx', '--input-type', 'module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, given)
    return Number(stdout)
  }

  const publish = 'await channel.publish({ hello: at })'
  for (const [name, [options, use, afterwards]] of Object.entries<[string, string, string?]>({
    'without retention': ['undefined', publish],
    'with a history whose maxAge has passed': ['{ maxAge: 1000 }', publish, 'time.advance(1001)'],
    'with a history, idle': ['{ history: 10, idle: 1000 }', publish, 'time.advance(1000)'],
    'with keys that have passed': [
      'undefined',
      "await channel.publish(at, { key: 'once' })",
      'time.advance(120_000)',
    ],
    'with streams that came and went': [
      '{ history: 10, idle: 1000 }',
      `channel.attach(sink); ${publish}; channel.detach(sink)`,
      'time.advance(1000)',
    ],
    'with a source that has run': [
      '{ source: () => () => {}, linger: 50 }',
      `channel.attach(sink); ${publish}; channel.detach(sink)`,
      'time.advance(50)',
    ],
    'that were deleted': ['{ history: 10 }', `${publish}; await hub.delete('user ' + at)`],
  })) {
    it(name, async () => {
      expect(await leftOf(options, use, afterwards)).to.be.below(5)
    }).timeout(60_000)
  }
})
