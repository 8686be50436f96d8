import { expect } from 'chai'
import { format, jsonArray, sse } from '../../lib/index.js'
import { type FormatName, formatNames, formats } from '../support/formats.js'
import { hold } from '../support/held.js'
import { flood, stage, staged, turns } from '../support/stage.js'

interface Beat {
  readonly what: string
  /** What a stream begins with. */
  readonly open?: string
  readonly beat: string
}

/** The formats that have one. */
const beats: Partial<Record<FormatName, Beat>> = {
  sse: { what: 'a comment', open: ':\n', beat: ':\n' },
  ndjson: { what: 'a space', beat: ' ' },
  jsonSeq: { what: 'RS', beat: '\x1e' },
  jsonArray: { what: 'a space', open: '[', beat: ' ' },
}

const cases = formatNames.map((name) => ({ name: name as string, make: formats[name], beat: beats[name] }))
cases.push(
  {
    name: 'one of the user’s own',
    make: () => format({ mediaType: 'a/b', encode: () => '', heartbeat: 'beat' }),
    beat: { what: 'what it says', beat: 'beat' },
  },
  {
    name: 'one of the user’s own without',
    make: () => format({ mediaType: 'a/b', encode: () => 'x' }),
    beat: undefined,
  },
)

describe('Heartbeats (docs/guide/loop.md)', () => {
  staged()

  for (const { name, make, beat: its } of cases) {
    if (its) {
      const { what, open = '', beat } = its
      it(`${name}: ${what}, by default after 15 s of silence and again after as long`, async () => {
        const { client } = await hold({ format: make() })
        await client.head()
        stage.now.time.advance(14_999)
        await turns()
        expect(client.body).to.equal(open)
        stage.now.time.advance(1)
        expect(await client.until(open + beat)).to.equal(open + beat)
        stage.now.time.advance(30_000)
        expect(await client.until(open + beat.repeat(3))).to.equal(open + beat.repeat(3))
      })
    } else {
      it(`${name}: none`, async () => {
        const { client } = await hold({ format: make() })
        await client.head()
        await turns()
        const { size } = client
        stage.now.time.advance(100_000)
        await turns()
        expect(client.size).to.equal(size)
      })
    }
  }

  it('come at the interval of the option', async () => {
    const { client } = await hold({ stream: { heartbeat: 100 } })
    await client.head()
    stage.now.time.advance(1000)
    expect(await client.until(' '.repeat(10))).to.equal(' '.repeat(10))
  })

  it('false is none', async () => {
    const { client } = await hold({ format: sse(), stream: { heartbeat: false } })
    await client.until(':\n')
    stage.now.time.advance(10 ** 9)
    await turns()
    expect(client.body).to.equal(':\n')
  })

  it('are sent only when nothing else was', async () => {
    const { client, context } = await hold({ stream: { heartbeat: 1000 } })
    await client.head()
    for (let count = 0; count < 5; count++) {
      stage.now.time.advance(900)
      context.write(count)
      await client.until(`${count}\n`)
    }
    expect(client.body).to.equal('0\n1\n2\n3\n4\n')
    stage.now.time.advance(999)
    await turns()
    expect(client.body).to.equal('0\n1\n2\n3\n4\n')
    stage.now.time.advance(1)
    await client.until('4\n ')
  })

  it('are none while the client is behind, and come again when it has caught up', async () => {
    const { client, context } = await hold(
      { format: sse(), stream: { heartbeat: 1000, maxQueuedBytes: 2 ** 26, writeTimeout: 10 ** 6 } },
      { reads: false },
    )
    expect(context.write(flood.toString())).to.equal('wait')
    const { bytes } = context.stream
    await turns(100)
    stage.now.time.advance(100_000)
    expect(context.stream).to.include({ bytes, queued: 0 })
    client.socket.resume()
    expect(await context.drained()).to.equal('ok')
    // each look at a text is a look at all of it
    await client.taken(bytes)
    stage.now.time.advance(1000)
    await client.until('.\n\n:\n')
  })

  it('beat from the head on, also while `subscribe` is still at work', async () => {
    let resolve = () => {}
    const { client } = await hold({
      stream: { heartbeat: 1000 },
      async subscribe({ write }) {
        write('early')
        await new Promise<void>((done) => {
          resolve = done
        })
      },
    })
    await client.until('"early"\n')
    stage.now.time.advance(2000)
    expect(await client.until('"early"\n  ')).to.equal('"early"\n  ')
    resolve()
    await turns()
    stage.now.time.advance(1000)
    await client.until('"early"\n   ')
  })

  it('are none before the head', async () => {
    let resolve = () => {}
    const { client } = await hold({
      subscribe: () =>
        new Promise<void>((done) => {
          resolve = done
        }),
    })
    stage.now.time.advance(20_000)
    await turns()
    expect(client.size).to.equal(0)
    resolve()
    await client.head()
    expect(client.body).to.equal('')
  })

  it('do not count as events', async () => {
    const { client, context } = await hold({ stream: { heartbeat: 1000 } })
    await client.head()
    stage.now.time.advance(3000)
    await client.until('   ')
    expect(context.stream).to.include({ sent: 0, bytes: 3 })
  })

  it('leave an array that parses', async () => {
    const { client, context } = await hold({ format: jsonArray(), stream: { heartbeat: 1000 } })
    await client.head()
    stage.now.time.advance(2000)
    context.write(1)
    stage.now.time.advance(2000)
    context.write(2)
    stage.now.time.advance(2000)
    context.stream.close()
    const { body } = await client.whole()
    expect(body).to.include(' ')
    expect(JSON.parse(body)).to.deep.equal([1, 2])
  })

  it('stop with the loop', async () => {
    const { client, context } = await hold({ stream: { heartbeat: 1000 } })
    context.write(1)
    context.stream.close()
    await client.whole()
    const { size } = client
    stage.now.time.advance(10_000)
    await turns()
    expect(client.size).to.equal(size)
  })
})

describe('retry tells SSE clients their reconnection time (docs/guide/loop.md)', () => {
  staged()

  for (const milliseconds of [2500, 0]) {
    it(`${milliseconds}: with the head, before any event`, async () => {
      const { client } = await hold({
        format: sse(),
        stream: { retry: milliseconds },
        subscribe: () => ['x'],
      })
      expect((await client.whole()).body).to.equal(`:\nretry: ${milliseconds}\ndata: x\n\n`)
    })
  }

  it('without the option none is told', async () => {
    const { client } = await hold({ format: sse(), subscribe: () => ['x'] })
    expect((await client.whole()).body).not.to.include('retry')
  })

  it('other formats have no word for it', async () => {
    const { client } = await hold({ stream: { retry: 2500 }, subscribe: () => ['x'] })
    expect((await client.whole()).body).to.equal('"x"\n')
  })
})
