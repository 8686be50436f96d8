import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { createHub, event, loop, ndjson } from '../../lib/index.js'
import { asBytes } from '../../lib/values/bytes.js'
import { Encoded, encode } from '../../lib/wire/chunk.js'
import { bundledCode } from '../support/bundled.js'
import { stage, staged } from '../support/stage.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('Events that are too old go when their time has come (docs/guide/channels.md)', () => {
  staged()

  it('not at the next publish: nothing is left of them, and no alarm', () => {
    const before = clock.size
    const { time } = stage.now
    const channel = createHub().channel<object>('aged', { maxAge: 1000 })
    const retained: WeakRef<object>[] = []
    const publish = () => {
      const data = { some: 'data' }
      retained.push(new WeakRef(data))
      void channel.publish(data)
    }
    publish()
    time.advance(600)
    publish()
    expect(clock.size, 'one alarm for the channel').to.equal(before + 1)
    time.advance(401)
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      collectGarbage()
      expect(retained.map((each) => each.deref() !== undefined)).to.deep.equal([false, true])
      time.advance(600)
      expect(clock.size).to.equal(before)
    })
  })

  it('a channel that retains nothing has no alarm, nor has one whose hub is closed', async () => {
    const before = clock.size
    const hub = createHub()
    hub.channel('plain', { history: 5 })
    hub.channel('idle', { maxAge: 1000 })
    await hub.channel('none', { maxAge: 1000, history: 0 }).publish(1)
    expect(clock.size).to.equal(before)
    await hub.channel('aged', { maxAge: 1000 }).publish(1)
    await hub.close()
    expect(clock.size).to.equal(before)
  })
})

describe('What is retained is what is counted (docs/guide/channels.md)', () => {
  /** Bytes that a history really holds, measured in a process of its own. */
  async function heldBy(data: string, limit: number): Promise<number> {
    const script = `
      import { createHub, ndjson } from './lib/index.js'
      const own = ndjson()
      const memory = async () => {
        for (let time = 0; time < 3; time++) {
          gc()
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        const { heapUsed, external } = process.memoryUsage()
        return heapUsed + external
      }
      const fill = async () => {
        const channel = createHub().channel('a', { historyBytes: ${limit} })
        channel.group(own, 0).add({ take() {} }, { subscribers: 1, event() {}, gap() {}, failed() {}, down() {} })
        for (let count = 0; count < 12_000; count++) await channel.publish(${data})
        return channel
      }
      // what is compiled and cached on the way
      const warm = await fill()
      const before = await memory()
      const channel = await fill()
      console.log((await memory()) - before)
      for (const each of [warm, channel]) await each.publish('')
    `
    const given = ['--expose-gc', await bundledCode(script)]
    return Number((await promisify(execFile)(process.execPath, given)).stdout)
  }

  const limit = 4 * 2 ** 20
  for (const [name, data] of Object.entries({
    'empty texts': "''",
    numbers: 'count',
    'short texts': "'x'.repeat(50) + count",
    'small records': "{ symbol: 'ABC', price: count }",
    'small buffers': 'Buffer.from(String(count).padEnd(60))',
  })) {
    it(`${name}: within a factor of two of historyBytes`, async () => {
      expect(await heldBy(data, limit)).to.be.within(limit / 2.5, 2 * limit)
    })
  }

  const bytesOf: Readonly<Record<string, (memory: ArrayBuffer, at: number, length: number) => unknown>> = {
    'a Buffer': (memory, at, length) => Buffer.from(memory, at, length),
    'a Uint8Array': (memory, at, length) => new Uint8Array(memory, at, length),
    'a Float32Array': (memory, at, length) => new Float32Array(memory, at, length / 4),
    'a DataView': (memory, at, length) => new DataView(memory, at, length),
    'an ArrayBuffer': (memory, at, length) => memory.slice(at, at + length),
  }
  for (const [name, cut] of Object.entries(bytesOf)) {
    it(`${name}: its bytes are counted, and no others are kept`, async () => {
      const channel = createHub().channel<unknown>('a', { historyBytes: 10_000 })
      const memory = new ArrayBuffer(100_000)
      new Uint8Array(memory).fill(7)
      for (let count = 0; count < 20; count++) await channel.publish(cut(memory, 4 * count, 1000))
      const kept: unknown[] = []
      for await (const { data } of channel.replay('earliest')) kept.push(data)
      expect(kept).to.have.length(6)
      const given = cut(memory, 0, 1000) as object
      expect(kept[0]).to.be.instanceOf(given.constructor)
      expect(asBytes(kept[0])).to.deep.equal(asBytes(given))
      const { buffer = kept[0] as ArrayBuffer } = kept[0] as { buffer?: ArrayBuffer }
      expect(buffer.byteLength).to.equal(1000)
    })
  }

  it('small bytes that wait for a client keep no slab of the shared pool alive', () => {
    const encoded = encode(ndjson(), event('small'))
    expect(encoded.framed.buffer.byteLength).to.be.above(1000)
    const before = encoded.framed.toString()
    encoded.keep()
    expect(encoded.framed.buffer.byteLength).to.equal(encoded.framed.length)
    expect(encoded.framed.toString()).to.equal(before)
    const { framed } = encoded
    encoded.keep()
    expect(encoded, 'all share one copy').to.have.property('framed', framed)
    expect(encoded).to.be.instanceOf(Encoded)
  })
})

describe('{ since }, by the clocks of the system (docs/guide/resume.md)', () => {
  it('what was published right after a time was taken is never missed: clocks leave out fractions', async () => {
    for (let time = 0; time < 100; time++) {
      const channel = createHub().channel<number>('a', { history: 5 })
      const since = new Date()
      await channel.publish(time)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2))
      const iterator = channel.from({ since })[Symbol.asyncIterator]()
      const first = iterator.next()
      await channel.publish(-1)
      expect(await first).to.have.nested.property('value.data', time)
      await iterator.return?.()
    }
  })
})

describe('Very many events cost no more each than a few (docs/guide/channels.md)', () => {
  async function cost(use: () => unknown): Promise<number> {
    const since = process.cpuUsage()
    await use()
    const { user, system } = process.cpuUsage(since)
    return user + system
  }

  /** One use costs about what the other does; a collection of all that the process holds may fall into either. */
  async function expectAlike(one: () => unknown, other: () => unknown): Promise<void> {
    const ratios: number[] = []
    while (ratios.length < 4) {
      const before = await cost(other)
      ratios.push((await cost(one)) / before)
      if (ratios.at(-1)! < 6) return
    }
    expect(ratios).to.deep.equal('less than 6 at least once')
  }

  const count = 100_000

  it('published in a delivery', async () => {
    const publishing = async (isWithin: boolean) => {
      const channel = createHub().channel<number>('a')
      const publish = () => {
        for (let n = 0; n < count; n++) void channel.publish(n)
      }
      const kept = channel.filter((data) => {
        if (data < 0 && isWithin) publish()
        return data === count - 1
      })
      const last = kept[Symbol.asyncIterator]().next()
      void channel.publish(-1)
      if (!isWithin) publish()
      expect((await last).value.data).to.equal(count - 1)
    }
    await expectAlike(
      () => publishing(true),
      () => publishing(false),
    )
  })

  it('the last so many of a part of a channel', async () => {
    const channel = createHub().channel<number>('a', { history: Infinity })
    for (let n = 0; n < count; n++) void channel.publish(n)
    const reading = async (last: number) => {
      for await (const { data } of channel.filter(() => true).from({ last })) {
        expect(data).to.equal(count - last)
        return
      }
    }
    await expectAlike(
      () => reading(count / 2),
      () => reading(5),
    )
  })
})

describe('historyBytes, of data that only a format of your own can write (docs/guide/channels.md)', () => {
  staged()

  it('is published as without that limit', async () => {
    const channel = createHub().channel<bigint>('a', { historyBytes: 10_000 })
    const format = ndjson({ serialize: (data) => String(data) })
    const site = await stage.now.serve(loop({ format, subscribe: channel }))
    const client = site.get()
    await client.head()
    await channel.publish(10n)
    await client.until('10\n')
  })
})
