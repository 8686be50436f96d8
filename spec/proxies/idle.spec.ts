import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect } from 'chai'
import { staysClean } from '../support/clean.js'
import { needs } from '../support/installed.js'
import {
  type Front,
  haproxyPlain,
  haproxyRecommended,
  nginxPlain,
  nginxRecommended,
  patience,
  visitorOf,
} from './fronts.js'
import { Held, Origin } from './origin.js'
import type { Ending, Version } from './visitor.js'

/** The proxies, with a time for silence of two seconds in place of a minute. */
const fronts: readonly [Front, changes: Readonly<Record<string, string>>][] = [
  [nginxRecommended, { 'proxy_read_timeout 60s': 'proxy_read_timeout 2s' }],
  [nginxPlain, { 'proxy_pass ': 'proxy_read_timeout 2s;\n proxy_pass ' }],
  [
    haproxyRecommended,
    { 'timeout client 60s': 'timeout client 2s', 'timeout server 60s': 'timeout server 2s' },
  ],
  [
    haproxyPlain,
    { 'timeout client 50000': 'timeout client 2s', 'timeout server 50000': 'timeout server 2s' },
  ],
]

interface Watched {
  readonly silent: Partial<Record<Version, Ending>>
  /** What became of the streams with a heartbeat, in the time in which the others had ended twice. */
  readonly beating: readonly string[]
}

/** Milliseconds of a stall of this process that a proxy may take for silence: its heartbeats wait, too. */
const stalled = 1000

/** What became of the streams; of those that a stall has silenced nothing is to be learned, and they are watched again. */
async function watch(front: Front, changes: Readonly<Record<string, string>>): Promise<Watched> {
  for (;;) {
    const stalls = monitorEventLoopDelay({ resolution: 50 })
    stalls.enable()
    const watched = await watchOnce(front, changes)
    stalls.disable()
    if (stalls.max < stalled * 1e6) return watched
  }
}

async function watchOnce(front: Front, changes: Readonly<Record<string, string>>): Promise<Watched> {
  const origin = await new Origin().open()
  const proxy = await front.start(origin.port, changes)
  const visitors = front.versions.map((version) => visitorOf(front, proxy, version))
  try {
    const silent = new Held({ stream: { heartbeat: false } })
    const beating = new Held({ stream: { heartbeat: 200 } })
    origin.route((path) => (path === '/silent' ? silent : beating).endpoint)
    const endings: Watched['silent'] = {}
    await Promise.all(
      visitors.map(async (visitor) => {
        const alive = visitor.visit('/beating')
        endings[visitor.version] = await visitor.visit('/silent').ended()
        // more than twice as long, by the heartbeats themselves; one that was ended has no more of them
        await alive.until(':\n'.repeat(23)).catch(() => undefined)
      }),
    )
    await silent.log.until('disconnect', visitors.length)
    return { silent: endings, beating: [...beating.log.entries] }
  } finally {
    for (const each of visitors) each.close()
    await proxy.close()
    await origin.close()
  }
}

describe('A proxy that takes silence for death (docs/operate/proxies.md)', function () {
  this.timeout(patience)
  needs('nginx')
  needs('haproxy')
  needs('openssl')
  staysClean()

  const watched = new Map<Front, Promise<Watched>>()
  before(() => {
    // all at once: the time that has to pass is the same
    for (const [front, changes] of fronts) watched.set(front, watch(front, changes))
  })
  after(() => Promise.allSettled(watched.values()))

  for (const [front] of fronts) {
    it(`${front.name}, ends a silent stream, and keeps one with a heartbeat`, async () => {
      const { silent, beating } = await watched.get(front)!
      expect(beating).to.deep.equal(front.versions.map(() => 'subscribe'))
      for (const version of front.versions)
        expect(silent[version], version).to.be.oneOf([...front.cut[version]!])
    })
  }
})
