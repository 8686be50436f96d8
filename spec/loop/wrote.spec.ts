import { expect } from 'chai'
import fc from 'fast-check'
import { ndjson, type Overflow, type Wrote } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { flood, staged, turns, turnsUntil } from '../support/stage.js'

const overflows: Readonly<Record<string, Overflow>> = {
  dropOldest: 'dropOldest',
  dropNewest: 'dropNewest',
  conflate: { conflate: (data) => (typeof data === 'number' ? data % 3 : 'flood') },
}

/** A stream whose client does not read, and is known to be behind. */
async function behind(overflow: Overflow, maxQueued: number) {
  const held = await hold(
    { format: ndjson(), stream: { overflow, maxQueued, maxQueuedBytes: 2 ** 28 } },
    { reads: false },
  )
  expect(held.context.write(flood.toString())).to.equal('wait')
  await turns()
  return held
}

const lines = (body: string) => body.split('\n').slice(0, -1)

describe('write, drained and the counters tell the truth, whatever the policy (docs/guide/slow-clients.md)', () => {
  staged()

  it('dropNewest: `dropped` for what is not accepted, `wait` for what is, and `ok` once there is room', async () => {
    const { client, context } = await behind('dropNewest', 2)
    const said = [1, 2, 3, 4].map((number) => context.write(number))
    expect(said).to.deep.equal(['wait', 'wait', 'dropped', 'dropped'])
    expect(context.stream).to.include({ queued: 2, dropped: 2, sent: 1 })
    client.socket.resume()
    expect(await context.drained()).to.equal('ok')
    expect(context.write(5)).to.equal('ok')
    await client.until('\n5\n')
    expect(lines(client.body).slice(1)).to.deep.equal(['1', '2', '5'])
  })

  it('dropOldest and conflate take what comes, and drop what was there: `wait`', async () => {
    for (const overflow of [overflows.dropOldest!, overflows.conflate!]) {
      const { context } = await behind(overflow, 3)
      for (let number = 0; number < 10; number++) expect(context.write(number)).to.equal('wait')
      expect(context.stream).to.include({ queued: 3, dropped: 7, sent: 1 })
    }
  })

  it('an `info` may return whatever write said', async () => {
    const { context, log } = await hold(
      {
        format: ndjson(),
        stream: { overflow: 'dropNewest', maxQueued: 1, maxQueuedBytes: 2 ** 28 },
        info: ((message: unknown, { write }: { write(data: unknown): Wrote }) => write(message)) as never,
      },
      { reads: false },
    )
    context.send(flood.toString())
    await turns()
    for (const number of [1, 2, 3]) context.send(number)
    await turns()
    expect(context.stream).to.include({ queued: 1, dropped: 2 })
    expect(log.entries).to.deep.equal(['subscribe'])
  })

  it('what a client whose connection is closing is not sent is not counted as sent', async () => {
    const { client, context } = await hold()
    await client.head()
    context.write(1)
    await client.until('1')
    context.res.socket?.end()
    expect(context.write(2)).to.equal('closed')
    expect(context.stream.sent).to.equal(1)
  })

  for (const [name, overflow] of Object.entries(overflows)) {
    it(`${name}: what is delivered, dropped and queued is what was written, at any moment`, async () => {
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
        { weight: 2, arbitrary: fc.constantFrom('turn', 'flood', 'read') },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
          const { client, context } = await behind(overflow, 5)
          const { stream } = context
          let written = 1
          let refused = 0
          let number = 0
          const write = (data: unknown) => {
            const before = stream.dropped
            const said = context.write(data)
            written += 1
            expect(said).to.be.oneOf(['ok', 'wait', 'dropped'])
            if (said === 'dropped') refused += 1
            if (said === 'dropped') expect(stream.dropped).to.equal(before + 1)
            if (said === 'ok') expect(stream.queued).to.equal(0)
          }
          for (const each of steps) {
            if (each === 'turn') await turns(3)
            else if (each === 'flood') write('.'.repeat(2 ** 20))
            else if (each === 'read') {
              client.socket.resume()
              await turns(30)
              client.socket.pause()
            } else for (let count = 0; count < each; count++) write(number++)
            expect(stream.sent + stream.queued + stream.dropped).to.equal(written)
            if (name !== 'dropNewest') expect(refused).to.equal(0)
          }
          client.socket.resume()
          expect(await context.drained()).to.equal('ok')
          expect(stream.queued).to.equal(0)
          context.write('fin')
          await client.until('"fin"\n')
          expect(lines(client.body)).to.have.length(stream.sent)
          expect(stream.sent + stream.dropped).to.equal(written + 1)
          expect(refused).to.be.at.most(stream.dropped)
          client.leave()
          await turnsUntil(() => context.signal.aborted)
        }),
        { numRuns: 6 },
      )
    })
  }
})
