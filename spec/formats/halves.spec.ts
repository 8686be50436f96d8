import { expect } from 'chai'
import fc from 'fast-check'
import { createHub, type LoopContext, loop, raw, resource, text } from '../../lib/index.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

const high = '😀'[0]!
const low = '😀'[1]!

describe('A surrogate pair that is split over two strings', () => {
  staged()

  /** Text thick with halves, and the same cut between any two code units. */
  const pieces = fc
    .array(fc.constantFrom('😀', '🐎', 'a', 'é', high, low), { maxLength: 12 })
    .map((units) => units.join(''))
    .chain((whole) =>
      fc.record({
        whole: fc.constant(whole),
        pieces: fc
          .uniqueArray(fc.nat(whole.length), { maxLength: 6 })
          .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), whole.length])
          .map((cuts) => cuts.slice(1).map((end, index) => whole.slice(cuts[index], end))),
      }),
    )
  /** As UTF-8 has it: halves that stay alone are U+FFFD. */
  const asUtf8 = (string: string) => Buffer.from(string).toString()

  for (const [name, format] of [
    ['text', text()],
    ['raw', raw('text/plain')],
  ] as const) {
    it(`stays whole in ${name}(), wherever the strings are cut, pulled or written`, async () => {
      let list: readonly string[] = []
      const pulled = await stage.now.serve(loop({ format, subscribe: () => [...list] }))
      const written = await stage.now.serve(
        resource({
          contentTypesProvided: [format],
          subscribe: ({ write, send }) => {
            for (const piece of list) write(piece)
            send('end')
          },
          info: (_message, { stream }) => void stream.close(),
        }),
      )
      await fc.assert(
        fc.asyncProperty(pieces, async (cut) => {
          list = cut.pieces
          for (const site of [pulled, written])
            expect((await site.get().whole()).body).to.equal(asUtf8(cut.whole))
        }),
        { numRuns: 40 },
      )
    })

    it(`stays whole in ${name}(), for all streams of a channel, in one turn or several; over HTTP/1.0 and in a replay too`, async () => {
      await fc.assert(
        fc.asyncProperty(
          pieces,
          fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
          async (cut, waits) => {
            const hub = createHub()
            const channel = hub.channel<string>('text', { history: 100 })
            const site = await stage.now.serve(loop({ format, subscribe: channel }))
            const clients = [
              site.get(),
              site.get('/', { version: '1.0' }),
              site.get('/?lastEventId=earliest'),
            ]
            await Promise.all(clients.map((client) => client.head()))
            for (const [index, piece] of cut.pieces.entries()) {
              await channel.publish(piece)
              if (waits[index]) await turns(2)
            }
            await hub.close()
            for (const client of clients) expect((await client.whole()).body).to.equal(asUtf8(cut.whole))
          },
        ),
        { numRuns: 25 },
      )
    })
  }

  it('is not waited for by other data: bytes, and an end, come after U+FFFD', async () => {
    const site = await stage.now.serve(
      loop({ format: text(), subscribe: () => [high, Buffer.from('b'), low, high] }),
    )
    expect((await site.get().whole()).body).to.equal('\uFFFDb\uFFFD\uFFFD')
  })

  it('is two times U+FFFD for clients of which one left and one came between the halves', async () => {
    const channel = createHub().channel<string>('text')
    const site = await stage.now.serve(loop({ format: text(), subscribe: channel }))
    const first = site.get()
    await first.head()
    await channel.publish(`a${high}`)
    await first.until('a')
    const second = site.get()
    await second.head()
    await channel.publish(`${low}b`)
    expect(await first.until('b')).to.equal('a😀b')
    expect(await second.until('b')).to.equal('\uFFFDb')
  })

  it('writes nothing at all for a lone first half: an empty chunk would end the body', async () => {
    let context!: LoopContext<undefined>
    const site = await stage.now.serve(
      loop({
        format: text(),
        subscribe: (given) => {
          context = given
        },
      }),
    )
    const client = site.get()
    await client.head()
    expect(context.write(high)).to.equal('ok')
    await turns()
    expect(client.message).to.include({ body: '', isWhole: false })
    expect(context.write(low)).to.equal('ok')
    expect(await client.until('😀')).to.equal('😀')
    expect(context.stream).to.include({ sent: 2, bytes: 4 })
    await turnsUntil(() => client.message.chunks.length === 1)
  })
})
