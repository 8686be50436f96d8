import { expect } from 'chai'
import { createHub, event, resource } from '../../lib/index.js'
import { formatNames, formats } from '../support/formats.js'
import { stage, turns, turnsUntil } from '../support/stage.js'
import { clients, loop } from './scene.js'

describe('A client of our own endpoints', () => {
  clients()

  for (const name of formatNames)
    it(`Reads ${name}, whole and over, and comes back where it was cut`, async () => {
      const names = ['a', 'é', '"', 'x,\ny']
      let count = 0
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [formats[name]()],
          async *subscribe() {
            count += 1
            for (const each of names)
              yield name === 'csv' ? { name: each } : name === 'raw' ? Buffer.from(each) : each
            if (count === 1) throw new Error('cut')
          },
        }),
      )
      const loops = loop(site, { over: 'complete' })
      await loops.retried()
      expect((await stage.now.warning()).message).to.contain('was cut')
      expect(await loops.ended).to.equal(undefined)
      expect(count).to.equal(2)
      const texts = loops.data.map((data) =>
        name === 'csv' ? (data as { name: string }).name : String(Buffer.from(data as string)),
      )
      // what came just before a cut fetch may have let go of; text and bytes are not divided as they were written
      if (name === 'text' || name === 'raw') expect(texts.join('').endsWith(names.join(''))).to.equal(true)
      else expect(texts.slice(-names.length)).to.deep.equal(names)
    })

  for (const name of ['sse', 'ndjson', 'jsonSeq', 'jsonArray'] as const)
    it(`Follows a channel in ${name}: its place before the first event, a cut, a gap, what was dropped in between, and its end`, async () => {
      const hub = createHub()
      const channel = hub.channel<{ count: number }>('news', { history: 3 })
      const format = name === 'sse' ? formats.sse() : formats[name]({ envelope: true })
      const endpoint = resource({
        contentTypesProvided: [format],
        subscribe: channel,
        stream: { endEvent: true, heartbeat: 1000 },
      })
      const site = await stage.now.serve(endpoint)
      const gaps: unknown[] = []
      const loops = loop<{ count: number }>(site, { onGap: (gap) => gaps.push(gap) })
      await turnsUntil(() => loops.client.lastEventId !== undefined)
      site.server.closeAllConnections()
      await loops.becomes('waiting')
      for (let count = 1; count <= 2; count++) await channel.publish({ count })
      await loops.retried()
      await loops.count(2)
      await turns()
      const { lastEventId } = loops.client
      site.server.closeAllConnections()
      await turnsUntil(() => loops.client.state === 'waiting')
      for (let count = 3; count <= 7; count++) await channel.publish({ count })
      await loops.retried()
      await loops.count(5)
      expect(loops.data.map(({ count }) => count)).to.deep.equal([1, 2, 5, 6, 7])
      expect(gaps.length).to.equal(1)
      expect(gaps[0]).to.include({ reason: 'trimmed', requested: lastEventId })
      expect(loops.messages.map(({ gap }) => gap?.reason)).to.deep.equal([
        undefined,
        undefined,
        'trimmed',
        undefined,
        undefined,
      ])
      expect(loops.messages.every(({ id }) => id !== undefined)).to.equal(true)
      // a restart: it is not over for that
      await endpoint.close()
      const { delay } = await loops.becomes('waiting')
      expect(delay).to.be.above(0)
      loops.client.close()
      await hub.close()
    })

  it('Is over where the source has ended and says so, and has the types of events', async () => {
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [formats.sse()],
        stream: { endEvent: true },
        *subscribe() {
          yield event({ a: 1 }, { type: 'created', id: '🪢' })
          yield event('text', { id: 'b' })
        },
      }),
    )
    const loops = loop(site)
    expect(await loops.ended).to.equal(undefined)
    expect(loops.messages).to.deep.equal([
      { data: { a: 1 }, id: '🪢', type: 'created' },
      { data: 'text', id: 'b', type: 'message' },
    ])
  })

  it('Comes back with an id of any characters', async () => {
    const asked: unknown[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [formats.sse()],
        async *subscribe({ lastEventId }) {
          asked.push(lastEventId)
          yield event(1, { id: 'é🪢' })
        },
      }),
    )
    const loops = loop(site)
    await loops.retried()
    await turnsUntil(() => asked.length === 2)
    expect(asked).to.deep.equal([undefined, 'é🪢'])
  })
})
