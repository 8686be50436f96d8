import { expect } from 'chai'
import { stop, timeout } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

/** Writes `timeout` for the symbol, and other messages as they are. */
const tell = (message: unknown, { write }: { write(data: unknown): unknown }) =>
  void write(message === timeout ? 'timeout' : message)

const quiet = { heartbeat: false } as const

describe('With `timeout` in the spec and no message for that long, `info` gets the symbol (docs/guide/loop.md)', () => {
  staged()

  it('after that long, and again after as long', async () => {
    const { client } = await hold({ timeout: 1000, info: tell, stream: quiet })
    await client.head()
    stage.now.time.advance(999)
    await turns()
    expect(client.body).to.equal('')
    stage.now.time.advance(1)
    await client.until('"timeout"\n')
    stage.now.time.advance(1000)
    await client.until('"timeout"\n"timeout"\n')
    stage.now.time.advance(3000)
    expect(await client.until('"timeout"\n'.repeat(5))).to.equal('"timeout"\n'.repeat(5))
  })

  it('counts from the last message, sent or pulled', async () => {
    let yieldOne = (_: unknown) => {}
    const { client, context } = await hold({
      timeout: 1000,
      stream: quiet,
      info: tell,
      async *subscribe() {
        for (;;) {
          yield await new Promise((resolve) => {
            yieldOne = resolve
          })
        }
      },
    })
    await client.head()
    for (const message of ['a', 'b', 'c']) {
      stage.now.time.advance(900)
      context.send(message)
      await client.until(message)
    }
    stage.now.time.advance(900)
    yieldOne('d')
    expect(await client.until('d')).not.to.include('timeout')
    stage.now.time.advance(999)
    await turns()
    expect(client.body).not.to.include('timeout')
    stage.now.time.advance(1)
    await client.until('timeout')
  })

  it('counts from the head, not from the request', async () => {
    let resolve = () => {}
    const { client } = await hold({
      timeout: 1000,
      stream: quiet,
      info: tell,
      subscribe: () =>
        new Promise<void>((done) => {
          resolve = done
        }),
    })
    stage.now.time.advance(5000)
    resolve()
    await client.head()
    await turns()
    expect(client.body).to.equal('')
    stage.now.time.advance(1000)
    await client.until('timeout')
  })

  it('is not due while `info` is at work', async () => {
    const gates: (() => void)[] = []
    const got: unknown[] = []
    const { client, context } = await hold({
      timeout: 1000,
      stream: quiet,
      async info(message) {
        got.push(message)
        if (message !== timeout) await new Promise<void>((resolve) => gates.push(resolve))
      },
    })
    await client.head()
    context.send('slow')
    stage.now.time.advance(5500)
    await turns()
    expect(got).to.deep.equal(['slow'])
    gates[0]?.()
    await turns()
    stage.now.time.advance(999)
    expect(got).to.deep.equal(['slow'])
    stage.now.time.advance(1)
    await turns()
    expect(got).to.deep.equal(['slow', timeout])
  })

  it('a heartbeat is no message', async () => {
    const { client } = await hold({ timeout: 1000, info: tell, stream: { heartbeat: 300 } })
    await client.head()
    stage.now.time.advance(1000)
    expect(await client.until('timeout')).to.equal('   "timeout"\n')
  })

  it('what `info` writes is no message', async () => {
    const { client, context } = await hold({ timeout: 1000, info: tell, stream: quiet })
    await client.head()
    stage.now.time.advance(900)
    context.write('x')
    stage.now.time.advance(100)
    await client.until('timeout')
  })

  it('may end the loop: stop()', async () => {
    const { client, reasons } = await hold({
      timeout: 1000,
      info: (message) => (message === timeout ? stop() : undefined),
    })
    await client.head()
    stage.now.time.advance(1000)
    expect((await client.whole()).body).to.equal('')
    expect(reasons).to.deep.equal([{ kind: 'stop' }])
  })

  it('without `timeout` never comes', async () => {
    const { client } = await hold({ info: tell, stream: quiet })
    await client.head()
    stage.now.time.advance(10 ** 9)
    await turns()
    expect(client.body).to.equal('')
  })
})
