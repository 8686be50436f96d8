import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { createHub, type Endpoint, loop, ndjson, sse } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

describe('gather: events may wait to go out in one write (docs/guide/slow-clients.md)', () => {
  staged()

  /** Two clients of a channel, one of which gathers. */
  async function both() {
    const channel = createHub().channel<unknown>('gathered')
    const clients = []
    const endpoints: Endpoint[] = []
    for (const gather of [50, 0]) {
      const endpoint = loop({ format: ndjson(), stream: { gather, heartbeat: false }, subscribe: channel })
      endpoints.push(endpoint)
      const site = await stage.now.serve(endpoint)
      const client = site.get()
      await client.head()
      clients.push(client)
    }
    await turns()
    return { channel, endpoints, gathering: clients[0]!, other: clients[1]! }
  }

  it('of a channel: one write for each client and time, while others get each at once', async () => {
    const { channel, gathering, other } = await both()
    for (const number of [1, 2, 3]) {
      await channel.publish(number)
      await turns()
      stage.now.time.advance(10)
    }
    expect(await other.until('3')).to.equal('1\n2\n3\n')
    await turns()
    expect(gathering.body).to.equal('')
    stage.now.time.advance(20)
    expect(await gathering.until('3')).to.equal('1\n2\n3\n')
    expect(gathering.message.chunks).to.deep.equal([6])
    expect(other.message.chunks).to.deep.equal([2, 2, 2])
  })

  it('of a channel: 64 KiB go out at once, and what ends the stream comes after them', async () => {
    const { channel, gathering, endpoints } = await both()
    const text = 'x'.repeat(2 ** 14)
    for (let count = 0; count < 5; count++) await channel.publish(text)
    await gathering.taken(3 * text.length)
    await channel.publish('last')
    for (const stream of endpoints[0]!.streams) stream.close()
    const { body } = await gathering.whole()
    expect(body).to.equal(`${`"${text}"\n`.repeat(5)}"last"\n`)
  })

  it('of `write` and `send`: in order, in one write, `queued` until then', async () => {
    const { client, context } = await hold({ format: ndjson(), stream: { gather: 50 } })
    await client.head()
    expect(context.write(1)).to.equal('ok')
    context.send(2)
    await turns()
    expect(context.write(3)).to.equal('ok')
    expect(context.stream).to.include({ queued: 3, sent: 0 })
    stage.now.time.advance(50)
    expect(await client.until('3')).to.equal('1\n2\n3\n')
    expect(client.message.chunks).to.deep.equal([6])
    expect(context.stream).to.include({ queued: 0, sent: 3 })
  })

  it('of a pulled source: 64 KiB at a time, whole, and with nothing left on the clock', async () => {
    const deadlines = clock.size
    const items = Array.from({ length: 20_000 }, (_, at) => at)
    const { client } = await hold({ subscribe: (() => items) as never, stream: { gather: 1000 } })
    const { body, chunks } = await client.whole()
    expect(body).to.equal(items.map((each) => `${each}\n`).join(''))
    expect(chunks.length).to.be.below(5)
    await turns()
    expect(clock.size).to.equal(deadlines)
  })

  it('what is written first comes first, whichever way', async () => {
    const channel = createHub().channel<string>('ways')
    const { client, context } = await hold({
      format: sse(),
      stream: { gather: 50 },
      subscribe: (() => channel) as never,
    })
    await client.head()
    await turns()
    await channel.publish('a')
    context.write('b')
    await channel.publish('c')
    context.write('d')
    context.stream.close()
    const { body } = await client.whole()
    expect([...body.matchAll(/^data: (.)$/gm)].map((match) => match[1])).to.deep.equal(['a', 'b', 'c', 'd'])
  })
})
