import { expect } from 'chai'
import { Agent, fetch } from 'undici'
import { type FollowOptions, follow, type StateDetails } from '../../lib/client.js'
import { type Channel, createHub, resource, sse } from '../../lib/index.js'
import { staysClean } from '../support/clean.js'
import { needs } from '../support/installed.js'
import { Log } from '../support/log.js'
import {
  type Front,
  haproxyPlain,
  haproxyRecommended,
  nginxPlain,
  nginxRecommended,
  patience,
} from './fronts.js'
import { Origin } from './origin.js'

/** The proxies, with a second for silence in place of a minute; HAProxy tries for three seconds to reach a server, not here. */
const fronts: readonly [Front, changes: Readonly<Record<string, string>>][] = [
  [nginxRecommended, { 'proxy_read_timeout 60s': 'proxy_read_timeout 1s' }],
  [nginxPlain, { 'proxy_pass ': 'proxy_read_timeout 1s;\n proxy_pass ' }],
  [
    haproxyRecommended,
    {
      'timeout connect 5s': 'timeout connect 5s\n retries 0',
      'timeout client 60s': 'timeout client 1s',
      'timeout server 60s': 'timeout server 1s',
    },
  ],
  [
    haproxyPlain,
    {
      'timeout connect 5000': 'timeout connect 5000\n retries 0',
      'timeout client 50000': 'timeout client 1s',
      'timeout server 50000': 'timeout server 1s',
    },
  ],
]

interface Came {
  readonly numbers: readonly number[]
  /** What the attempts were answered while the app was away: a status, or nothing. */
  readonly away: ReadonlySet<number | 'nothing'>
}

/** A stream that its proxy ends for silence, and whose app is then closed and opened again; at each loss something happens. */
async function lose(
  front: Front,
  changes: Readonly<Record<string, string>>,
  allowH2: boolean,
): Promise<Came> {
  const origin = await new Origin().open()
  const { port } = origin
  const channel: Channel<number> = createHub().channel('numbers', { history: 10 })
  const stream = { heartbeat: false as const, retry: 10 }
  origin.serve(resource({ contentTypesProvided: [sse()], subscribe: () => channel, stream }))
  const proxy = await front.start(port, changes)
  // the certificate is signed by nobody
  const dispatcher = new Agent({ allowH2, connect: { rejectUnauthorized: false } })
  const log = new Log()
  let answered: StateDetails = {}
  const numbers: number[] = []
  const away = new Set<number | 'nothing'>()
  const followed = follow<number>(`${front.isSecure ? 'https' : 'http'}://127.0.0.1:${proxy.port}/`, {
    accept: 'text/event-stream',
    retry: { first: 50, most: 50 },
    fetch: ((url, init) => fetch(url, { ...(init as object), dispatcher })) as NonNullable<
      FollowOptions['fetch']
    >,
    onState(state, details) {
      answered = details
      log.add(state)
    },
  })
  const reading = (async () => {
    for await (const { data } of followed) {
      numbers.push(data)
      log.add(`number ${data}`)
    }
  })()
  try {
    await log.until('open')
    await channel.publish(1)
    await log.until('number 1')
    // by the proxy, since nothing comes
    await log.until('waiting')
    await channel.publish(2)
    await log.until('number 2')
    const losses = log.count('waiting')
    await origin.close()
    for (let loss = losses + 1; loss <= losses + 4; loss++) {
      await log.until('waiting', loss)
      if (loss > losses + 1) away.add(answered.status ?? 'nothing')
    }
    await channel.publish(3)
    const opened = log.count('open')
    await origin.open(port)
    await log.until('open', opened + 1)
    await log.until('number 3')
    await channel.publish(4)
    await log.until('number 4')
  } finally {
    followed.close()
    await reading
    await dispatcher.destroy()
    await proxy.close()
    await origin.close()
  }
  return { numbers, away }
}

describe('The client behind the proxies of docs/operate/proxies.md', function () {
  this.timeout(patience)
  needs('nginx')
  needs('haproxy')
  needs('openssl')
  staysClean()

  const cases = fronts.flatMap(([front, changes]) =>
    front.versions.map((version) => ({ front, changes, version })),
  )
  const came = new Map<object, Promise<Came>>()
  before(() => {
    // all at once: the time that has to pass is the same
    for (const each of cases) came.set(each, lose(each.front, each.changes, each.version === 'HTTP/2'))
  })
  after(() => Promise.allSettled(came.values()))

  for (const each of cases) {
    const { front, version } = each
    it(`${front.name}, ${version}: comes back after a timeout and a restart, nothing missed, nothing twice`, async () => {
      const { numbers, away } = await came.get(each)!
      expect(numbers).to.deep.equal([1, 2, 3, 4])
      // what the page recommends is to answer nothing, which an EventSource needs
      for (const answer of away) expect(answer).to.be.oneOf(front.isSecure ? ['nothing'] : [502, 503])
    })
  }
})
