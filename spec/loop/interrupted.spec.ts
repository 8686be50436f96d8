import { expect } from 'chai'
import { createHub, jsonArray, type LoopContext, loop, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

type Interrupted = 'auto' | 'complete' | 'cut'

/** What a stream may be fed by, and whether it has an end to reach. */
const feeds: Record<string, { subscribe: (context: LoopContext<undefined>) => unknown; isPulled?: true }> = {
  'a pulled source': {
    async *subscribe() {
      yield 1
      await new Promise(() => {})
    },
    isPulled: true,
  },
  'a pushed source': { subscribe: ({ send }) => send(1) },
  'a channel': { subscribe: () => createHub().channel('events') },
  'an Observable': { subscribe: () => ({ '@@observable': () => ({ subscribe: () => () => {} }) }) },
}

const interrupts: Record<string, (endpoint: ReturnType<typeof loop>) => unknown> = {
  expired: () => stage.now.time.advance(10_000),
  revoked: (endpoint) => {
    for (const stream of endpoint.streams) stream.close()
  },
  shutdown: (endpoint) => void endpoint.close(),
}

describe('Interrupted ends (docs/guide/loop.md)', () => {
  staged()

  for (const [name, { subscribe, isPulled }] of Object.entries(feeds)) {
    for (const [reason, interrupt] of Object.entries(interrupts)) {
      it(`${reason}: ${name} is ${isPulled ? 'cut' : 'complete'}, unless \`interrupted\` chooses`, async () => {
        for (const interrupted of ['auto', 'complete', 'cut', undefined] as const) {
          const log = new Log()
          const endpoint = loop({
            format: jsonArray(),
            stream: { maxDuration: 10_000, ...(interrupted && { interrupted }) },
            subscribe: subscribe as () => undefined,
            terminate: ({ kind }) => log.add(kind),
          })
          const client = (await stage.now.serve(endpoint)).get()
          await client.head()
          await turns()
          interrupt(endpoint)
          const chosen: Interrupted = interrupted ?? 'auto'
          const isCut = chosen === 'auto' ? isPulled === true : chosen === 'cut'
          const message = await (isCut ? client.closed() : client.whole())
          expect([message.isWhole, message.body.endsWith(']')]).to.deep.equal([!isCut, !isCut])
          await log.until(reason)
        }
      })
    }
  }

  it('a list whose last items wait for `info` has not reached its end', async () => {
    const endpoint = loop({
      format: jsonArray(),
      subscribe: () => [1, 2],
      info: (message, { write }) => (message === 1 ? void write(message) : new Promise<void>(() => {})),
    })
    const client = (await stage.now.serve(endpoint)).get()
    await client.until('1')
    await endpoint.close()
    expect((await client.closed()).isWhole).to.equal(false)
  })

  it('a cut is no failure, and no end: neither notice is written', async () => {
    const endpoint = loop({
      format: sse(),
      stream: { endEvent: true, errorEvent: true },
      async *subscribe() {
        yield 1
        await new Promise(() => {})
      },
    })
    const client = (await stage.now.serve(endpoint)).get()
    await client.until('data: 1')
    await endpoint.close()
    expect((await client.closed()).body).not.to.include('event:')
  })
})
