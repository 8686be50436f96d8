import { clock } from '../../lib/clock.js'
import { createHub, type Hub } from '../../lib/index.js'
import { redisStreams } from '../../lib/redis.js'
import { type AsyncMemory, asyncMemory } from '../../lib/testing.js'
import { needs } from './installed.js'
import { Observed } from './redis/observed.js'
import { sharedServer } from './redis/shared.js'
import { stage } from './stage.js'

/** Where channels may be kept: a row of the table. */
export interface Kept {
  readonly name: string
  /**
   * Said in a suite: what it needs. `settled` and `turns` of the stage wait until all is delivered, and the stage closes
   * its hubs.
   */
  prepare(): void
  /**
   * A hub on a store of its own.
   *
   * @param backend the backend of `a store`, for a test that holds it or loses it
   */
  hub(backend?: AsyncMemory): Hub
  /**
   * A spec for memory alone: it is about delivery that is synchronous with publishing. Elsewhere an event comes later than
   * what is written beside it, and a subscription begins later than it was made.
   */
  immediately(title: string, spec: Mocha.AsyncFunc | Mocha.Func): void
}

const later = () => {}

export const memory: Kept = {
  name: 'memory',
  prepare() {},
  hub: () => createHub(),
  immediately: (title, spec) => void it(title, spec as Mocha.AsyncFunc),
}

/** A store that answers by promises, at once. */
export const promised: Kept = {
  name: 'a store',
  prepare() {},
  hub: (backend = asyncMemory()) => createHub(backend),
  immediately: later,
}

let url = ''
let prefixes = 0
/** The time of the store, which is that of the stage, is ahead of the clock by so much. */
const ahead = clock.date() - clock.now()

export const redis: Kept = {
  name: 'Redis',
  prepare() {
    needs('redis-server')
    before(async () => {
      url = (await sharedServer()).url
    })
  },
  hub() {
    const observed = new Observed(url, () => ahead + clock.now())
    const { client } = observed
    // the time of a stage may be turned by any amount while something is on its way
    const hub = createHub(redisStreams({ client, prefix: `hub${++prefixes}:`, publishTimeout: 2 ** 30 }))
    stage.now.own(observed, hub)
    return hub
  },
  immediately: later,
}

/** What users see of channels, wherever these are: the same specs for each row of the table. */
const table: readonly Kept[] = [memory, redis]
/** And with a store whose answers a test holds back, for what depends on when they come. */
export const tableWithHeld: readonly Kept[] = [memory, promised, redis]

/** Suites of the same specs, one for each row. */
export function onEach(title: string, specs: (on: Kept) => void, rows = table): void {
  for (const on of rows) {
    describe(title === '' ? on.name : `${title}, ${on.name}`, () => {
      on.prepare()
      specs(on)
    })
  }
}
