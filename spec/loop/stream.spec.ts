import { expect } from 'chai'
import express from 'express'
import { event, jsonArray, loop, ndjson, resource, sse } from '../../lib/index.js'
import { type Context, hold } from '../support/held.js'
import { flood, stage, staged, turns } from '../support/stage.js'

describe('stream: this stream, as those see it who look after it (docs/guide/loop.md)', () => {
  staged()

  it('id is a string, another for each stream', async () => {
    const { context, contexts, site, log } = await hold()
    site.get()
    await log.until('subscribe', 2)
    expect(context.stream.id).to.be.a('string').and.not.to.equal('')
    expect(contexts[1]?.stream.id).not.to.equal(context.stream.id)
  })

  it('is the same object each time it is asked for', async () => {
    const { context } = await hold()
    expect(context.stream).to.equal(context.stream)
  })

  it('path is that of the request, without its query, below a mount point as well', async () => {
    const paths: string[] = []
    const subscribe = ({ stream }: Pick<Context, 'stream'>) => void paths.push(stream.path)
    const site = await stage.now.serve(express.Router().use('/api', loop({ format: sse(), subscribe })))
    await site.get('/api/deep/path?token=secret').head()
    expect(paths).to.deep.equal(['/api/deep/path'])
  })

  it('format is the media type that is streamed', async () => {
    const { context } = await hold({ format: sse() })
    expect(context.stream.format).to.equal('text/event-stream')
    const formats: string[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [sse(), ndjson()],
        subscribe: ({ stream }) => void formats.push(stream.format),
      }),
    )
    await site.get('/', { headers: { Accept: 'application/jsonl' } }).head()
    expect(formats).to.deep.equal(['application/jsonl'])
  })

  it('client is who reads, as Express knows it', async () => {
    const { context } = await hold()
    expect(context.stream.client).to.equal('127.0.0.1')
    const trusted = await hold(
      {},
      { headers: { 'X-Forwarded-For': '192.0.2.1' } },
      {
        before: [
          (req, _res, next) => {
            req.app.set('trust proxy', true)
            next()
          },
        ],
      },
    )
    expect(trusted.context.stream.client).to.equal('192.0.2.1')
  })

  it('openedAt is when it was opened', async () => {
    const before = Date.now()
    const { context } = await hold()
    expect(context.stream.openedAt).to.be.instanceOf(Date)
    expect(context.stream.openedAt.getTime()).to.be.within(before, Date.now())
  })

  it('sent counts the events written, bytes what they and the opening are on the wire', async () => {
    const { client, context } = await hold({ format: jsonArray() })
    await client.head()
    expect(context.stream).to.include({ sent: 0, bytes: 1 })
    context.write('é')
    context.send(2)
    context.send(event(undefined, { id: 'nothing on the wire' }))
    await client.until('2')
    expect(context.stream.sent).to.equal(2)
    expect(context.stream.bytes).to.equal(Buffer.byteLength('["é",2'))
  })

  it('queued counts the messages that wait for `info` and the events that wait for the client', async () => {
    const { client, context } = await hold({ info: () => new Promise(() => {}) }, { reads: false })
    await turns()
    for (const message of [1, 2, 3]) context.send(message)
    expect(context.stream.queued).to.equal(2)
    context.write(flood.toString().slice(0, -100))
    expect(context.stream.queued).to.equal(2)
    client.leave()
  })

  it('queued falls again when the client has caught up', async () => {
    const { client, context } = await hold({ stream: { maxQueuedBytes: 2 ** 26 } }, { reads: false })
    context.write(flood.toString())
    for (const message of [1, 2, 3]) context.write(message)
    expect(context.stream.queued).to.equal(3)
    client.socket.resume()
    await client.until('3\n')
    expect(await context.drained()).to.equal('ok')
    expect(context.stream.queued).to.equal(0)
  })

  it('queued is 0 after the end: what waited is let go', async () => {
    const { context } = await hold({ info: () => new Promise(() => {}) })
    for (const message of [1, 2, 3]) context.send(message)
    context.stream.close()
    expect(context.stream.queued).to.equal(0)
  })

  it('dropped is 0: nothing is dropped as yet', async () => {
    const { context } = await hold()
    expect(context.stream.dropped).to.equal(0)
  })

  it('close() ends it with reason `revoked`, completely; again is nothing', async () => {
    const { client, context, reasons } = await hold({ format: jsonArray() })
    context.write(1)
    context.stream.close()
    context.stream.close()
    expect((await client.whole()).body).to.equal('[1]')
    expect(reasons).to.deep.equal([{ kind: 'revoked' }])
  })

  it('close() after the end is nothing', async () => {
    const { client, context, log } = await hold()
    await client.head()
    client.leave()
    await log.until('disconnect')
    context.stream.close()
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })
})
