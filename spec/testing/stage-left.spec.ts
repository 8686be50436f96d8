import { expect } from 'chai'
import express from 'express'
import { clock } from '../../lib/clock.js'
import { createHub, loop, ndjson, resource } from '../../lib/index.js'
import type { LeftoversError } from '../../lib/testing/leftovers.js'
import type { Stage } from '../../lib/testing/stage.js'
import { type Staged, type StageOptions, stage } from '../../lib/testing.js'

/** What is left of an app when its stage is closed: kinds, paths and messages. */
async function leftOf(app: Staged, play: (at: Stage) => unknown, options: StageOptions = {}) {
  const before = clock.now()
  const at = await stage(app, { within: 100, ...options })
  let error: LeftoversError | undefined
  try {
    await play(at)
  } finally {
    error = await at.close().then(
      () => undefined,
      (reason) => reason,
    )
  }
  // whatever is left, everything is let go of
  expect(at.server.listening).to.equal(false)
  expect(clock.now() - before).to.be.below(60_000)
  return (error?.leftovers ?? []).map(({ kind, path, message }) => `${kind} ${path}: ${message}`)
}

const never = new Promise<never>(() => {})
const silent = () => loop({ format: ndjson(), subscribe: () => () => {} })

describe('What is left when a stage is closed (docs/guide/testing.md)', () => {
  it('Nothing, where the clients of the stage are open: they leave', async () => {
    let count = 0
    const app = loop({
      format: ndjson(),
      subscribe() {
        count += 1
        return () => {
          count -= 1
        }
      },
    })
    const left = await leftOf(app, (at) => Promise.all(Array.from({ length: 9 }, () => at.open('/'))))
    expect(left).to.deep.equal([])
    expect(count).to.equal(0)
  })

  it('A stream whose client has not left, with its route, its format and its age', async () => {
    const app = express().use('/prices/:of', silent())
    const abort = new AbortController()
    // one that is collected aborts its request
    let response: Response | undefined
    const left = await leftOf(app, async (at) => {
      response = await fetch(`${at.url}/prices/gold`, { signal: abort.signal })
      await at.clock.advance(1500)
    })
    abort.abort()
    expect(response?.ok).to.equal(true)
    expect(left).to.have.length(1)
    expect(left[0]).to.match(
      /^stream GET \/prices\/gold: open for 1500 ms .*route \/prices\/:of, application\/x-ndjson/,
    )
  })

  it('A connection that the app holds, by its request', async () => {
    const app = express().get('/slow', (_req, res) => void res.write('.'))
    const abort = new AbortController()
    let response: Response | undefined
    const left = await leftOf(app, async (at) => {
      response = await fetch(`${at.url}/slow?a=b`, { signal: abort.signal })
    })
    abort.abort()
    expect(response?.ok).to.equal(true)
    expect(left).to.have.length(1)
    expect(left[0]).to.match(/^connection GET \/slow\?a=b: /)
  })

  it('A connection that waits for its next request is none', async () => {
    const app = express().get('/', (_req, res) => void res.send('.'))
    expect(await leftOf(app, async (at) => (await fetch(at.url)).text())).to.deep.equal([])
  })

  it('A subscription that could not be taken back: subscribe has not answered', async () => {
    const app = loop({
      format: ndjson(),
      subscribe({ write }) {
        write(1)
        return never
      },
    })
    const left = await leftOf(app, async (at) => (await at.open('/')).next())
    expect(left).to.have.length(1)
    expect(left[0]).to.match(/^subscription GET \/: .*signal/)
  })

  it('An iteration of a channel', async () => {
    const channel = createHub().channel<number>('news')
    const left = await leftOf(silent(), () => void channel[Symbol.asyncIterator]().next())
    expect(left).to.have.length(1)
    expect(left[0]).to.match(/^iteration news: /)
  })

  it('A source that lingers; none once its time is over, or the hub is closed', async () => {
    const hub = createHub()
    const subscribe = hub.channel<number>('ticks', { linger: 5000, source: () => () => {} })
    const app = loop({ format: ndjson(), subscribe })
    const play = async (at: Stage) => (await at.open('/')).leave()
    const left = await leftOf(app, play)
    expect(left).to.have.length(1)
    expect(left[0]).to.match(/^source ticks: .*linger 5000 ms/)
    const later = async (at: Stage) => {
      await play(at)
      await at.clock.advance(5000)
    }
    expect(await leftOf(app, later)).to.deep.equal([])
    expect(await leftOf(app, play, { onClose: () => hub.close() })).to.deep.equal([])
  })

  it('A deadline: a callback that has not settled', async () => {
    const app = resource({
      resourceExists: () => never,
      decisionTimeout: 30_000,
      contentTypesProvided: { 'text/plain': () => '' },
    })
    const left = await leftOf(app, async (at) => {
      at.connect().ask('/')
      await at.clock.advance(10_000)
    })
    expect(left).to.have.length(1)
    expect(left[0]).to.match(/^deadline in 20000 ms: /)
  })

  it('What a channel keeps for a time is none', async () => {
    const channel = createHub().channel<number>('kept', { maxAge: 60_000 })
    expect(await leftOf(silent(), () => channel.publish(1))).to.deep.equal([])
  })

  it('Stages at once share the clock; the last to close gives it back', async () => {
    const one = await stage(silent())
    const other = await stage(silent())
    const before = clock.now()
    await one.clock.advance(1000)
    expect(clock.now()).to.equal(before + 1000)
    await one.close()
    await other.clock.advance(1000)
    expect(clock.now()).to.equal(before + 2000)
    await other.close()
    expect(clock.now()).to.be.below(before + 1000)
  })
})
