import { expect } from 'chai'
import {
  csv,
  event,
  jsonArray,
  jsonSeq,
  multipart,
  ndjson,
  raw,
  sse,
  text,
  type Wrote,
} from '../../lib/index.js'
import { hold } from '../support/held.js'
import { flood, stage, staged, turns } from '../support/stage.js'

const roomy = { maxQueuedBytes: 2 ** 28 }

describe('write encodes data and puts it on the wire (docs/guide/loop.md)', () => {
  staged()

  it('says `ok` when the client keeps up, and data, events and falsy values arrive in order', async () => {
    const { client, context } = await hold({ format: sse() })
    expect(context.write({ a: 1 })).to.equal('ok')
    expect(context.write(event('b', { id: '7', type: 'tick' }))).to.equal('ok')
    for (const falsy of [0, false, '', null]) expect(context.write(falsy)).to.equal('ok')
    expect(await client.until('data: null\n\n')).to.equal(
      ':\ndata: {"a":1}\n\nevent: tick\nid: 7\ndata: b\n\ndata: 0\n\ndata: false\n\ndata: \n\ndata: null\n\n',
    )
  })

  it('says `wait` when it is accepted but the client is behind, and all of it arrives', async () => {
    const { client, context } = await hold({ stream: roomy }, { reads: false })
    await turns()
    expect(context.write('first')).to.equal('ok')
    expect(context.write(flood.toString())).to.equal('wait')
    expect(context.write('then')).to.equal('wait')
    expect(context.write('last')).to.equal('wait')
    client.socket.resume()
    await client.until('"last"\n')
    expect(client.body).to.match(/^"first"\n"\.+"\n"then"\n"last"\n$/)
    expect(client.body.length).to.equal(flood.length + '"first"\n""\n"then"\n"last"\n'.length)
    expect(await context.drained()).to.equal('ok')
    expect(context.write('caught up')).to.equal('ok')
  })

  it('refuses a promise in every format, and one that rejects is handled by then', async () => {
    const formats = [sse(), ndjson(), jsonSeq(), jsonArray(), csv({ columns: ['a'] }), text(), raw('a/b')]
    for (const format of [...formats, multipart('text/plain'), multipart('application/json')]) {
      const { context } = await hold({ format })
      expect(() => context.write(Promise.reject(new Error('forgotten'))), String(format.mediaType)).to.throw(
        TypeError,
      )
    }
    await turns()
  })

  it('says `closed` and never throws for a client that left', async () => {
    const { client, context, log } = await hold()
    client.leave()
    await log.until('disconnect')
    expect(context.write(1)).to.equal('closed')
    expect(
      context.write(() => {}),
      'not even for what cannot be serialised',
    ).to.equal('closed')
    await turns()
  })

  it('never throws for a client that left unnoticed, however often, and says `closed` in the end', async () => {
    const { client, context, log } = await hold({ stream: roomy })
    const wrote = new Set<Wrote>()
    client.reset()
    do {
      wrote.add(context.write('x'.repeat(1000)))
      await turns(1)
    } while (!wrote.has('closed'))
    await log.until('disconnect')
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })

  it('after the loop has ended says `closed`, and nothing is sent (docs/guide/loop.md)', async () => {
    const { client, context } = await hold()
    context.stream.close()
    expect(context.write('late')).to.equal('closed')
    await client.whole()
    await client.ask('/', { method: 'HEAD' }).whole()
    expect(client.raw.toString()).not.to.include('late')
  })

  it('after somebody else has ended the response harms nobody', async () => {
    const { client, context, log } = await hold()
    context.write('before')
    context.res.end()
    context.write('after')
    await log.until('disconnect')
    expect((await client.whole()).body).to.equal('"before"\n')
    expect(context.write('then')).to.equal('closed')
  })

  it('in unsubscribe and in terminate says `closed`', async () => {
    const wrote: Wrote[] = []
    const { client, log } = await hold({
      subscribe:
        ({ write }) =>
        () =>
          void wrote.push(write(1)),
      terminate: (_, { write }) => void wrote.push(write(2)),
    })
    client.leave()
    await log.until('disconnect')
    expect(wrote).to.deep.equal(['closed', 'closed'])
  })

  it('throws a TypeError for what cannot be serialised, and nothing of it reaches the wire', async () => {
    const { client, context } = await hold({ format: sse() })
    context.write('a')
    expect(() => context.write(1n)).to.throw(TypeError)
    expect(() => context.write(event(1, { type: 'a\nb' }))).to.throw(TypeError)
    expect(() => context.write(undefined)).to.throw(TypeError)
    context.write('b')
    expect(await client.until('data: b')).to.equal(':\ndata: a\n\ndata: b\n\n')
  })

  it('of data without an event on the wire says how the client is', async () => {
    const { client, context } = await hold({ format: ndjson() })
    expect(context.write(event(undefined, { id: 'x' }))).to.equal('ok')
    context.write('then')
    expect(await client.until('then')).to.equal('"then"\n')
    expect(context.stream.sent).to.equal(1)
  })

  it('within `subscribe` sends the head, and the events in order', async () => {
    let sent: boolean | undefined
    const { client } = await hold({
      subscribe({ write, res }) {
        write(1)
        sent = res.headersSent
        write(2)
        return [3]
      },
    })
    expect((await client.whole()).body).to.equal('1\n2\n3\n')
    expect(sent).to.equal(true)
  })

  it('within an async `subscribe` sends the head there and then; what was sent before still comes after it', async () => {
    let resolve = () => {}
    const pending = new Promise<void>((done) => {
      resolve = done
    })
    const { client } = await hold({
      async subscribe({ send, write }) {
        send('sent')
        write('written')
        await pending
      },
    })
    expect(await client.until('"written"\n')).to.equal('"written"\n')
    resolve()
    expect(await client.until('"sent"\n')).to.equal('"written"\n"sent"\n')
  })

  it('before a failing `subscribe` makes the failure a cut, since the head is out', async () => {
    const { client, reasons } = await hold({
      subscribe({ write }) {
        write('written')
        throw new Error('then')
      },
    })
    expect(await client.closed()).to.include({ status: 200, body: '"written"\n', isWhole: false })
    expect(reasons).to.have.length(1)
    expect(reasons[0]).to.have.property('kind', 'error')
    expect(stage.now.errors).to.deep.equal([])
  })

  it('of what cannot be serialised in `subscribe` leaves the head unsent: an ordinary error', async () => {
    const { client } = await hold({ subscribe: ({ write }) => void write(1n) })
    expect((await client.whole()).status).to.equal(500)
    expect(stage.now.errors[0]).to.be.instanceOf(TypeError)
  })

  it('taken out of the context it still works', async () => {
    const { client, context } = await hold()
    const { write } = context
    write('alone')
    await client.until('alone')
  })

  it('from outside of any callback, and past `info`, writes at once', async () => {
    const { client, context } = await hold({ info: () => new Promise(() => {}) })
    context.send('kept busy')
    context.write('direct')
    await client.until('"direct"\n')
  })
})
