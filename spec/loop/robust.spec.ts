import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { expect } from 'chai'
import { format, loop, ndjson } from '../../lib/index.js'
import { type Context, hold } from '../support/held.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

describe('Whatever fails at the end, what comes after it is done all the same (docs/guide/loop.md)', () => {
  staged()

  it('a target that cannot be let go of', async () => {
    const target = {
      onDown: () => () => {
        throw new Error('not to be let go of')
      },
    }
    const { client, log } = await hold({
      subscribe: ({ monitor }: Pick<Context, 'monitor'>) => {
        monitor(target)
        return () => log.add('unsubscribe')
      },
    })
    await client.head()
    client.leave()
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
    expect((await stage.now.warning()).message).to.contain('not to be let go of')
  })

  for (const [what, notice] of [
    [
      'throws',
      () => {
        throw new Error('no notice')
      },
    ],
    ['returns no bytes', () => 7 as never],
  ] as const) {
    it(`a format whose notice ${what}: the stream is whole, without it`, async () => {
      const own = format({ mediaType: 'text/x-own', encode: ({ data }) => String(data), notice })
      const { client, log } = await hold({
        format: own,
        stream: { endEvent: true },
        subscribe: () => ['a', 'b'],
      })
      const message = await client.whole()
      expect(message.isWhole).to.equal(true)
      expect(message.body).to.equal('ab')
      expect(log.count('end')).to.equal(1)
      expect((await stage.now.warning()).message).to.contain('notice')
    })
  }
})

describe('Many streams may watch one target', () => {
  staged()

  it('its listeners are there once, whatever their number, and gone with the last', async () => {
    const target = new EventEmitter()
    const log = new Log()
    const site = await stage.now.serve(
      loop({
        format: ndjson(),
        subscribe: ({ monitor }) => {
          monitor(target)
          log.add('subscribe')
        },
        terminate: ({ kind }) => log.add(kind),
      }),
    )
    const clients = Array.from({ length: 12 }, () => site.get())
    await log.until('subscribe', 12)
    expect(target.listenerCount('close')).to.equal(1)
    clients[0]?.leave()
    await log.until('disconnect')
    expect(target.listenerCount('close')).to.equal(1)
    target.emit('close')
    await log.until('down', 11)
    await turns()
    expect(target.listenerCount('close')).to.equal(0)
    expect(target.listenerCount('error')).to.equal(0)
  })
})

describe('Bytes that wait before the head count as well', () => {
  staged()

  it('past maxQueuedBytes the answer is 503, and the reason overflow', async () => {
    const { client, context, reasons } = await hold({
      stream: { maxQueuedBytes: 1000 },
      subscribe: () => new Promise(() => {}),
      decisionTimeout: 5000,
    })
    context.send('x'.repeat(2000))
    await turns()
    expect(reasons, 'one alone passes').to.deep.equal([])
    context.send('y')
    expect((await client.head()).status).to.equal(503)
    stage.now.time.advance(5000)
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['overflow'])
  })
})

describe('A process is dead when it has exited', () => {
  staged()

  it('and not at an error, such as that of a message that it cannot be sent', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const { client, log } = await hold({
      subscribe: ({ monitor }: Pick<Context, 'monitor'>) => monitor(child),
    })
    await client.head()
    child.emit('error', new Error('Channel closed'))
    await turns()
    expect(log.count('down')).to.equal(0)
    child.kill()
    await once(child, 'exit')
    expect((await client.closed()).isWhole).to.equal(false)
    expect(log.count('down')).to.equal(1)
  })
})
