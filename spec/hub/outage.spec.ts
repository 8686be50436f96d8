import { expect } from 'chai'
import { createHub, loop, ndjson, type Overflow, sse } from '../../lib/index.js'
import { type AsyncMemory, asyncMemory, type Lag } from '../../lib/testing.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

interface Numbered {
  n: number
}

/** A channel of two processes on one store; one of them can be lost. */
function shared(lag?: Lag) {
  const backend = asyncMemory(lag && { lag })
  const open = (on: AsyncMemory) => createHub(on).channel<Numbered>('c', { history: 3 })
  return { backend, channel: open(backend), other: open(backend.another()) }
}

describe('A backend that is lost and comes back (docs/guide/resume.md)', () => {
  staged()

  for (const [name, overflow] of Object.entries<Overflow>({
    dropOldest: 'dropOldest',
    'conflate, which gets events alone': { conflate: (data) => typeof (data as Numbered).n.valueOf() },
  })) {
    it(`a gap that waits for a slow info is never dropped: ${name}`, async () => {
      const { backend, channel, other } = shared()
      const told: unknown[] = []
      const contexts: { send(message: string): void }[] = []
      let goOn = () => {}
      const site = await stage.now.serve(
        loop<undefined, string, { data: Numbered }>({
          format: sse(),
          subscribe(context) {
            contexts.push(context)
            return channel as never
          },
          info(message, { write }) {
            if (message === 'busy') {
              return new Promise<void>((resolve) => {
                goOn = resolve
              })
            }
            told.push((message as { data: Numbered }).data.n)
            write(message)
          },
          onGap: ({ reason }) => told.push(reason),
          stream: { overflow, maxQueued: 4 },
        }),
      )
      const id = await other.publish({ n: 0 })
      backend.hold('event')
      site.get('/', { headers: { 'Last-Event-ID': id } })
      await backend.held('event')
      await turnsUntil(() => contexts.length > 0)
      contexts[0]?.send('busy')
      await turns()
      // the reading has ended: nothing was missed
      backend.release('event')
      await turns()
      backend.lose()
      for (let n = 1; n < 20; n++) await other.publish({ n })
      backend.restore()
      await backend.delivered()
      for (let n = 20; n < (overflow === 'dropOldest' ? 30 : 21); n++) {
        await other.publish({ n })
        await backend.delivered()
      }
      goOn()
      await turns()
      expect(told[0]).to.equal('trimmed')
      expect(told.filter((each) => each === 'trimmed')).to.have.length(1)
      expect(told.at(-1)).to.equal(overflow === 'dropOldest' ? 29 : 20)
    })
  }

  it('a gap that is delivered late, to a client that has read past it, is not told again', async () => {
    const { backend, channel, other } = shared()
    const gaps: string[] = []
    const site = await stage.now.serve(
      loop({ format: sse(), subscribe: channel, onGap: ({ from }) => void gaps.push(from) }),
    )
    const id = await other.publish({ n: 0 })
    await site.get().head()
    backend.lose()
    for (let n = 1; n < 20; n++) await other.publish({ n })
    backend.hold('delivery')
    backend.restore()
    const back = site.get('/', { headers: { 'Last-Event-ID': id } })
    await back.until('"n":19}\n\n')
    expect(gaps).to.have.length(1)
    backend.release('delivery')
    await backend.delivered()
    await other.publish({ n: 20 })
    const body = await back.until('"n":20}\n\n')
    expect([...body.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))).to.deep.equal([17, 18, 19, 20])
    // one for each of the two: the client that was there, and the one that came back
    expect(gaps).to.have.length(2)
  })

  it('a listener that is still being set up when its stream leaves delivers nothing to the next one', async () => {
    let listening = 0
    let goOn = () => {}
    const { channel } = shared((moment) => {
      if (moment !== 'listen' || ++listening !== 2) return undefined
      return new Promise<void>((resolve) => {
        goOn = resolve
      })
    })
    const endpoint = loop({ format: sse(), subscribe: channel })
    const site = await stage.now.serve(endpoint)
    const leaving = site.get()
    await turnsUntil(() => listening === 2)
    leaving.leave()
    await turnsUntil(() => [...endpoint.streams].length === 0)
    const next = site.get()
    await turnsUntil(() => listening === 4)
    await next.head()
    await channel.publish({ n: 1 })
    await next.until('"n":1}\n\n')
    goOn()
    await channel.publish({ n: 2 })
    const body = await next.until('"n":2}\n\n')
    expect([...body.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))).to.deep.equal([1, 2])
  })

  it('a `subscribe` that writes before it returns its channel: the head waits for the backend, and tells the gap', async () => {
    const { channel, other } = shared()
    await other.publish({ n: 1 })
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe({ write }) {
          write('first')
          return channel
        },
      }),
    )
    const client = site.get('/', { headers: { 'Last-Event-ID': 'of-yesterday' } })
    expect((await client.head()).headers['event-gap']).to.equal('unknown')
    await client.until('{"n":1}\n')
    await other.publish({ n: 2 })
    expect(await client.until('{"n":2}\n')).to.equal('"first"\n{"n":1}\n{"n":2}\n')
  })
})
