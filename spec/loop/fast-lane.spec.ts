import { connect } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import { tellsEnds } from '../../lib/http/node.js'
import { createHub, type LoopContext, loop, ndjson } from '../../lib/index.js'
import { Client } from '../support/raw.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

/** Without it nobody is written past. */
const itIsTold = tellsEnds ? it : () => {}

interface Reader {
  readonly client: Client
  readonly context: LoopContext<undefined>
  /** What is due to it, as lines. */
  readonly due: string[]
  gone?: 'ended' | 'dropped'
}

/** Readers of one channel. The `write` of every fourth is wrapped. */
async function readers(count: number) {
  const channel = createHub().channel<unknown>('lane')
  const contexts: LoopContext<undefined>[] = []
  const failed: unknown[] = []
  let ends = (_context: LoopContext<undefined>) => {}
  const endpoint = loop<undefined>({
    format: ndjson(),
    stream: { heartbeat: false, maxQueuedBytes: 2 ** 30 },
    subscribe: (context) => {
      contexts.push(context)
      return channel
    },
    terminate: ({ kind }, context) => {
      if (kind === 'error') failed.push(context)
      ends(context)
    },
  })
  const site = await stage.now.serve(endpoint, {
    before: [
      (req, res, next) => {
        if (req.url.startsWith('/wrapped')) {
          const { write } = res
          res.write = ((...given: Parameters<typeof write>) => write.apply(res, given)) as typeof write
        }
        next()
      },
    ],
  })
  const all: Reader[] = []
  const join = async (client: Client) => {
    await client.head()
    const one: Reader = { client, context: contexts.at(-1)!, due: [] }
    all.push(one)
    return one
  }
  for (let number = 0; number < count; number++) await join(site.get(number % 4 === 3 ? '/wrapped' : '/'))
  const publish = (data: unknown) => {
    for (const each of all) if (!each.gone) each.due.push(JSON.stringify(data))
    void channel.publish(data)
  }
  const whenTerminated = (run: (context: LoopContext<undefined>) => void) => {
    ends = run
  }
  return { site, join, all, publish, failed, whenTerminated }
}

function linesOf({ client }: Reader): string[] {
  return client.body.split('\n').slice(0, -1)
}

describe('A group writes to the sockets of those that keep up, and counts for them (docs/design/performance.md)', () => {
  staged()

  it('whoever writes besides, falls behind, catches up, leaves or is ended by others: all is in order, once, and counted', async function () {
    this.timeout(60_000)
    const which = fc.integer({ min: 0, max: 5 })
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('publish' as const), which }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('turn' as const), which }) },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constantFrom('write', 'pause', 'read', 'large'), which }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end', 'shut', 'reset'), which }) },
    )
    const run = async (steps: readonly { do: string; which: number }[]) => {
      const { all, publish } = await readers(6)
      let number = 0
      for (const { do: what, which: at } of steps) {
        const one = all[at]!
        if (what === 'publish') for (let count = 0; count <= at; count++) publish(number++)
        else if (what === 'turn') await turns(at + 1)
        else if (what === 'large') publish('.'.repeat(2 ** 22))
        else if (what === 'pause') one.client.socket.pause()
        else if (what === 'read') one.client.socket.resume()
        else if (one.gone) continue
        else if (what === 'write') {
          const said = one.context.write({ own: number })
          if (said !== 'closed') one.due.push(JSON.stringify({ own: number++ }))
        } else {
          one.gone = what === 'reset' ? 'dropped' : 'ended'
          if (what === 'end') one.context.res.end()
          else if (what === 'shut') one.context.res.socket?.end()
          else one.client.reset()
        }
      }
      publish('last')
      for (const { client } of all) client.socket.resume()
      for (const each of all) {
        const { client, due, gone, context } = each
        if (gone === 'dropped') continue
        await turnsUntil(() =>
          gone
            ? client.socket.destroyed || client.message.isWhole
            : client.raw.subarray(-20).includes('"last"'),
        )
        const lines = linesOf(each)
        expect(lines, `${gone}`).to.deep.equal(gone ? due.slice(0, lines.length) : due)
        expect(context.stream.sent).to.equal(lines.length)
        expect(context.stream.bytes).to.equal(Buffer.byteLength(client.body))
        client.leave()
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), run), { numRuns: 5 })
  })

  it('nothing is written behind the end of a response by somebody else, not even in the same turn', async () => {
    const { all, publish } = await readers(3)
    const [one, two, three] = all as [Reader, Reader, Reader]
    publish(1)
    await turns()
    publish(2)
    two.context.res.end()
    // what it writes comes after what was published before
    one.context.write('own')
    await two.client.whole()
    await two.client.ask('/', { method: 'HEAD' }).head()
    expect(two.client.raw.toString()).not.to.include('2\n\r\n')
    expect(two.context.stream.sent).to.equal(1)
    expect(await one.client.until('own')).to.equal('1\n2\n"own"\n')
    expect(await three.client.until('2')).to.equal('1\n2\n')
  })

  it('a connection that is closing gets nothing more, and is dropped after the writeTimeout', async () => {
    const { site, join, all, publish } = await readers(3)
    const socket = connect({ port: site.port, host: '127.0.0.1', allowHalfOpen: true })
    const closing = await join(new Client(socket).ask('/'))
    publish(1)
    await turns()
    closing.context.res.socket?.end()
    publish(2)
    await turns()
    expect([closing.context.stream.sent, closing.context.stream.bytes]).to.deep.equal([1, 2])
    for (let quarter = 0; quarter < 4; quarter++) {
      await turns()
      stage.now.time.advance(7500)
    }
    await turnsUntil(() => closing.context.signal.aborted)
    for (const { client } of all) if (client !== closing.client) await client.until('2')
    socket.destroy()
  })

  itIsTold(
    'a socket that throws ends its stream; what that ends is not written to, and all others get it once',
    async () => {
      const { all, publish, failed, whenTerminated } = await readers(6)
      publish(1)
      await turns()
      const [first, , broken] = all as Reader[]
      const { socket } = broken!.context.res
      const write = socket!.write
      socket!.write = () => {
        socket!.write = write
        throw new Error('broken')
      }
      whenTerminated((context) => {
        if (context === broken!.context) first!.context.res.end()
      })
      publish(2)
      await turns()
      expect(failed).to.deep.equal([broken!.context])
      expect(broken!.context.stream.sent).to.equal(1)
      expect(first!.client.message.isWhole).to.equal(true)
      expect(first!.context.stream.sent).to.equal(linesOf(first!).length)
      for (const each of [all[1]!, ...all.slice(3)]) {
        expect(await each.client.until('2')).to.equal('1\n2\n')
        expect(each.context.stream.sent).to.equal(2)
      }
    },
  )

  it('a heartbeat waits as long after what the group wrote, and what comes after it is the group’s again', async () => {
    const channel = createHub().channel<unknown>('beats')
    const endpoint = loop({ format: ndjson(), stream: { heartbeat: 1000 }, subscribe: channel })
    const site = await stage.now.serve(endpoint)
    const client = site.get()
    await client.head()
    for (const number of [1, 2, 3]) {
      await channel.publish(number)
      await turns()
      stage.now.time.advance(999)
      await turns()
    }
    expect(client.body).to.equal('1\n2\n3\n')
    stage.now.time.advance(1)
    await channel.publish(4)
    expect(await client.until('4')).to.equal('1\n2\n3\n 4\n')
    const [stream] = endpoint.streams
    expect([stream!.sent, stream!.bytes]).to.deep.equal([4, 9])
  })
})
