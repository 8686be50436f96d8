import { Readable } from 'node:stream'
import { expect } from 'chai'
import { createHub, format, ndjson, type Reason, resource, stop } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

/** A list that tells when it is closed. */
function list(log: Log) {
  return {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: 1 }),
      return: () => {
        log.add('closed')
        return { done: true, value: undefined }
      },
    }),
  } as Iterable<number>
}

describe('What was made for an answer that is not sent is let go (docs/guide/loop.md)', () => {
  staged()

  for (const [where, spec] of Object.entries({
    info: { info: (body: Readable) => stop(200, { body }) },
    'onGap, as its gap is told after the head': {
      subscribe: () => createHub().channel<Readable>('a', { history: 1 }),
    },
  })) {
    it(`the body of a stop() that ${where} returns once the head is out`, async () => {
      const body = new Readable({ read: () => {} })
      const site = await stage.now.serve(
        resource<undefined, Readable, Readable>({
          contentTypesProvided: [ndjson()],
          subscribe: ({ send }) => send(body),
          onGap: () => stop(200, { body }),
          ...(spec as object),
        }),
      )
      await site.get('/', { headers: { 'Last-Event-ID': 'of-yesterday' } }).whole()
      await turns()
      expect(body.destroyed).to.equal(true)
    })
  }

  it('the body of a stop() whose status has none', async () => {
    const body = new Readable({ read: () => {} })
    const site = await stage.now.serve(
      resource({ contentTypesProvided: { 'text/plain': () => stop(204, { body }) } }),
    )
    expect((await site.get().whole()).status).to.equal(204)
    expect(body.destroyed).to.equal(true)
  })

  it('a list, where clientKey throws', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: { 'application/x-ndjson': () => ndjson().once(list(log)) },
        subscribe: () => {},
        stream: {
          clientKey: () => {
            throw new Error('nobody')
          },
        },
      }),
    )
    expect((await site.get().whole()).status).to.equal(500)
    expect(log.entries).to.deep.equal(['closed'])
  })

  it('a list that cannot be opened is no failure of HEAD', async () => {
    const closed = {
      [Symbol.iterator]() {
        throw new Error('not now')
      },
    } as unknown as Iterable<number>
    const site = await stage.now.serve(
      resource({ contentTypesProvided: { 'application/x-ndjson': () => ndjson().once(closed) } }),
    )
    expect((await site.get('/', { method: 'HEAD' }).whole()).status).to.equal(200)
  })
})

describe('Code of others may do what it likes (docs/guide/loop.md)', () => {
  staged()

  it('a target that ends the stream while it is attached keeps no listener', async () => {
    const log = new Log()
    const reasons: Reason[] = []
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe({ monitor, stream }) {
          monitor({
            onDown() {
              stream.close()
              return () => log.add('undone')
            },
          })
        },
        terminate: (reason) => reasons.push(reason),
      }),
    )
    expect((await site.get().whole()).status).to.equal(503)
    expect(log.entries).to.deep.equal(['undone'])
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['revoked'])
  })

  it('a target whose watch cannot be taken back is dead all the same', async () => {
    const reasons: Reason[] = []
    let die = () => {}
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [ndjson()],
        subscribe({ monitor }) {
          monitor({
            onDown(down) {
              die = down
              return () => {
                throw new Error('no way back')
              }
            },
          })
        },
        terminate: (reason) => reasons.push(reason),
      }),
    )
    const client = site.get()
    await client.head()
    expect(() => die()).not.to.throw()
    expect((await client.whole()).isWhole).to.equal(true)
    expect(reasons.map(({ kind }) => kind)).to.deep.equal(['down'])
  })

  it('a client that leaves before the first byte of a body is no failure of the app', async () => {
    const log = new Log()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: {
          'text/plain': () => {
            log.add('provided')
            return new Readable({
              read: () => {},
              destroy(_, done) {
                log.add('destroyed')
                done(null)
              },
            })
          },
        },
      }),
    )
    const client = site.get()
    await log.until('provided')
    client.leave()
    await log.until('destroyed')
    await turns()
    expect(stage.now.errors).to.deep.equal([])
  })

  it('a format is asked once whether it can tell a gap, however many clients come back', async () => {
    const asked: string[] = []
    const own = format({
      mediaType: 'a/b',
      encode: ({ data }) => `${data}\n`,
      notice(kind) {
        asked.push(kind)
        return ''
      },
    })
    const channel = createHub().channel<string>('a', { history: 10 })
    await channel.publish('x')
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [own],
        subscribe({ write }) {
          write('first')
          write('second')
          return channel
        },
      }),
    )
    for (const _ of [1, 2, 3]) await site.get('/?lastEventId=earliest').until('x\n')
    expect(asked).to.deep.equal(['gap'])
  })
})
