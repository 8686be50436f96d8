import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { PassThrough, Readable, Transform } from 'node:stream'
import { expect } from 'chai'
import { createHub, raw, text } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { Log } from '../support/log.js'
import { flood, stage, staged, turns } from '../support/stage.js'

const lines = (body: string) => body.trimEnd().split('\n')

/** An `info` that takes some turns for each message. */
const slowly = async (message: unknown, { write }: { write(data: unknown): unknown }) => {
  await turns(3)
  write(message)
}

/** A child that writes so much and exits so. */
const child = (length: number, code: number | string) =>
  spawn(process.execPath, [
    '--eval',
    `process.stdout.write('x'.repeat(${length}), () => ${typeof code === 'number' ? `process.exit(${code})` : code})`,
  ])

describe('The death of a target is a message (docs/guide/loop.md)', () => {
  staged()

  it('what was sent before it comes first, to a slow `info` as well', async () => {
    for (const info of [undefined, slowly]) {
      const target = new EventEmitter()
      const { client, context, reasons } = await hold({ ...(info && { info }) })
      await client.head()
      context.monitor(target)
      for (const row of [1, 2, 3]) context.send(row)
      target.emit('close')
      context.send('too late')
      expect((await client.whole()).body).to.equal('1\n2\n3\n')
      expect(reasons).to.deep.equal([{ kind: 'down' }])
    }
  })

  it('what was sent before a failure comes before the cut', async () => {
    const target = new EventEmitter()
    const { client, context, reasons } = await hold({ info: slowly })
    await client.head()
    context.monitor(target)
    for (const row of [1, 2]) context.send(row)
    target.emit('error', new Error('broken'))
    expect(await client.closed()).to.include({ body: '1\n2\n', isWhole: false })
    expect(reasons[0]).to.have.property('kind', 'down')
  })

  it('what was sent before the head went out early, and waits for `subscribe`', async () => {
    const target = new EventEmitter()
    let answer = () => {}
    const { client, context, log } = await hold({
      subscribe({ write, send, monitor }) {
        monitor(target)
        write(1)
        send(2)
        return new Promise<void>((resolve) => {
          answer = resolve
        })
      },
    })
    await client.until('1\n')
    target.emit('close')
    context.send('too late')
    answer()
    expect((await client.whole()).body).to.equal('1\n2\n')
    await log.until('down')
  })

  it('what a Readable has buffered comes first, and no more of one that never ends', async () => {
    const target = new EventEmitter()
    const source = new Readable({ objectMode: true, read() {} })
    const { client, reasons } = await hold({
      subscribe({ monitor }) {
        monitor(target)
        return source
      },
      info: slowly,
    })
    for (const row of [1, 2, 3]) source.push(row)
    await client.head()
    target.emit('close')
    expect((await client.whole()).body).to.equal('1\n2\n3\n')
    expect(reasons).to.deep.equal([{ kind: 'down' }])
    expect(source.destroyed).to.equal(true)
  })

  it('what a Web stream has queued comes first', async () => {
    const target = new EventEmitter()
    const source = new ReadableStream<number>({
      start(controller) {
        for (const row of [1, 2, 3]) controller.enqueue(row)
      },
    })
    const { client } = await hold({
      subscribe({ monitor }) {
        monitor(target)
        return source
      },
      info: slowly,
    })
    await client.head()
    target.emit('close')
    expect((await client.whole()).body).to.equal('1\n2\n3\n')
  })

  it('a source that is always ready ends nevertheless', async () => {
    const endless: Record<string, () => AsyncIterable<unknown> | Iterable<unknown>> = {
      'a generator': function* () {
        for (;;) yield 1
      },
      'an asynchronous generator': async function* () {
        for (;;) yield 1
      },
      'a Readable': () =>
        new Readable({
          objectMode: true,
          read() {
            this.push(1)
          },
        }),
      'a Web stream': () =>
        new ReadableStream({
          pull: (controller) => controller.enqueue(1),
        }) as unknown as AsyncIterable<unknown>,
    }
    for (const make of Object.values(endless)) {
      const target = new EventEmitter()
      const { client, log } = await hold({
        subscribe({ monitor }) {
          monitor(target)
          return make()
        },
      })
      await client.head()
      target.emit('close')
      await log.until('down')
      await client.whole()
    }
  })

  it('a list is ready as a whole: of one that was read to its end, the death in peace takes nothing', async () => {
    const target = new EventEmitter()
    const { client, reasons } = await hold({
      subscribe({ monitor }) {
        monitor(target)
        return Array.from({ length: 50 }, (_, at) => at)
      },
      info: slowly,
    })
    await client.until('0\n')
    target.emit('close')
    expect(lines((await client.whole()).body)).to.have.length(50)
    expect(reasons).to.deep.equal([{ kind: 'end' }])
  })

  it('a client that stalls gets what was ready, when it reads again', async () => {
    const target = new EventEmitter()
    const source = new PassThrough({ highWaterMark: 2 ** 25 })
    const { client, log } = await hold(
      {
        format: raw('a/b'),
        subscribe({ monitor }) {
          monitor(target)
          return source
        },
      },
      { reads: false },
    )
    source.write(flood)
    await turns()
    source.write('the end')
    target.emit('close')
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
    client.socket.resume()
    await client.taken(flood.length)
    expect((await client.whole()).bytes.length).to.equal(flood.length + 'the end'.length)
  })

  it('what a transform still works on comes first, as its input has ended', async () => {
    const target = new EventEmitter()
    let flush = () => {}
    const source = new Transform({
      transform: (chunk, _encoding, done) => done(null, chunk),
      flush(done) {
        flush = () => done(null, 'flushed')
      },
    })
    const { client } = await hold({
      format: text(),
      subscribe({ monitor }) {
        monitor(target)
        return source
      },
      info: (message, { write }) => void write(String(message)),
    })
    source.end('written ')
    await client.until('written')
    target.emit('close')
    await turns(50)
    flush()
    expect((await client.whole()).body).to.equal('written flushed')
  })

  it('with a message: it comes behind what was ready, before what is sent later, and the source goes on', async () => {
    const target = new EventEmitter()
    const source = new Readable({ objectMode: true, read() {} })
    const { client, context } = await hold({
      subscribe({ monitor }) {
        monitor(target, 'died')
        return source
      },
      info: slowly,
    })
    for (const row of [1, 2]) source.push(row)
    await client.head()
    target.emit('close')
    context.send('sent later')
    await client.until('"sent later"\n')
    source.push(3)
    source.push(null)
    expect((await client.whole()).body).to.equal('1\n2\n"died"\n"sent later"\n3\n')
  })

  it('with a message: it comes before the failure of a source that dies with the target', async () => {
    const source = new Readable({ objectMode: true, read() {} })
    const { client, log } = await hold({
      subscribe({ monitor }) {
        monitor(source, 'died')
        return source
      },
      info: slowly,
    })
    await client.head()
    source.destroy(new Error('broken'))
    expect(await client.closed()).to.include({ body: '"died"\n', isWhole: false })
    await log.until('error')
  })

  it('a source that fails with its target dies of that', async () => {
    const error = new Error('broken')
    const source = new Readable({ objectMode: true, read() {} })
    const { client, reasons } = await hold({
      subscribe({ monitor }) {
        monitor(source)
        return source
      },
    })
    await client.head()
    source.destroy(error)
    expect((await client.closed()).isWhole).to.equal(false)
    expect(reasons).to.deep.equal([{ kind: 'down', error }])
  })

  it('a source that is aborted with its target ends in peace', async () => {
    const controller = new AbortController()
    const source = new Readable({ objectMode: true, read() {}, signal: controller.signal })
    const { client, reasons } = await hold({
      subscribe({ monitor }) {
        monitor(controller.signal)
        return source
      },
    })
    await client.head()
    controller.abort()
    await client.whole()
    expect(reasons).to.deep.equal([{ kind: 'down' }])
  })

  it('one who leaves while the rest is awaited is gone', async () => {
    const target = new EventEmitter()
    const source = new Readable({ objectMode: true, read() {} })
    const { client, log } = await hold({
      subscribe({ monitor }) {
        monitor(target)
        return source
      },
      info: () => new Promise(() => {}),
    })
    source.push(1)
    await client.head()
    await turns()
    target.emit('close')
    client.leave()
    await log.until('disconnect')
  })

  describe('a process whose output is streamed', () => {
    const length = 2 ** 20

    for (const [name, info] of [
      ['without info', undefined],
      ['with a slow info', slowly],
    ] as const) {
      it(`${name}: all of its output, then a complete end`, async () => {
        const { client, reasons } = await hold({
          format: raw('a/b'),
          subscribe({ monitor }) {
            const target = child(length, 0)
            monitor(target)
            return target.stdout
          },
          ...(info && { info }),
        })
        await client.taken(length)
        expect((await client.whole()).bytes.length).to.equal(length)
        expect(reasons).to.deep.equal([{ kind: 'end' }])
      })

      it(`${name}: all of its output, then a cut, if it fails`, async () => {
        for (const code of [3, "process.kill(process.pid, 'SIGKILL')"]) {
          const { client, reasons } = await hold({
            format: raw('a/b'),
            subscribe({ monitor }) {
              const target = child(length, code)
              monitor(target)
              return target.stdout
            },
            ...(info && { info }),
          })
          const message = await client.closed()
          expect([message.bytes.length, message.isWhole]).to.deep.equal([length, false])
          expect(reasons[0]).to.have.property('kind', 'down')
        }
      })
    }

    it('a client that stalls gets all of it', async () => {
      const { client, log } = await hold(
        {
          format: raw('a/b'),
          subscribe({ monitor }) {
            const target = child(2 ** 24, 0)
            monitor(target)
            return target.stdout
          },
        },
        { reads: false },
      )
      await turns(100)
      expect(log.entries).to.deep.equal(['subscribe'])
      client.socket.resume()
      await client.taken(2 ** 24)
      expect((await client.whole()).bytes.length).to.equal(2 ** 24)
    })

    it('one that nobody reads is dead when it exits: Node reads what nobody wants', async () => {
      const { client, reasons } = await hold({
        subscribe({ monitor }) {
          monitor(child(10, 0))
        },
      })
      await client.whole()
      expect(reasons).to.deep.equal([{ kind: 'down' }])
    })

    it('one that closes its output and goes on is waited for no longer than a second', async () => {
      const closed = new Log()
      const children: ReturnType<typeof spawn>[] = []
      const { client, log } = await hold({
        format: raw('a/b'),
        subscribe({ monitor }) {
          const target = spawn('sh', ['-c', 'echo out; exec 1>&-; exec sleep 60'], {
            stdio: ['ignore', 'pipe', 'ignore'],
          })
          monitor(target)
          children.push(target)
          target.stdout.once('close', () => closed.add('closed'))
          return target.stdout
        },
      })
      await closed.until('closed')
      await turns()
      expect(log.entries).to.deep.equal(['subscribe'])
      stage.now.time.advance(1000)
      expect((await client.whole()).body).to.equal('out\n')
      await log.until('end')
      for (const each of children) each.kill()
    })
  })
})

describe('The death of a channel’s source is a message (docs/guide/loop.md)', () => {
  staged()

  it('what was published before comes first, to a slow `info` as well', async () => {
    for (const info of [undefined, slowly]) {
      let die = (_: Error) => {}
      const channel = createHub().channel<number>('events', {
        source: () =>
          new Promise<undefined>((_, reject) => {
            die = reject
          }),
      })
      const { client, log } = await hold({
        subscribe: () => channel,
        ...(info && { info: (message, context) => info((message as { data: unknown }).data, context) }),
      })
      await client.head()
      for (const event of [1, 2, 3]) void channel.publish(event)
      die(new Error('broken'))
      expect(await client.closed()).to.include({ body: '1\n2\n3\n', isWhole: false })
      await log.until('down')
    }
  })
})
