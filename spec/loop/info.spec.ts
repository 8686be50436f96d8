import { expect } from 'chai'
import { event, loop, ndjson, resource, sse, stop } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

describe('info is called for each message (docs/guide/loop.md)', () => {
  staged()

  it('with the message and the context of the loop, and writes with `write`', async () => {
    const { client, context } = await hold({
      info(message, { write, negotiated, stream }) {
        write([message, negotiated.mediaType, stream.path])
      },
    })
    context.send('m')
    await client.until('["m","application/x-ndjson","/"]\n')
  })

  it('for what is pulled as for what is sent', async () => {
    const { client } = await hold({
      subscribe: () => [1, 2],
      info: (message, { write }) => write((message as number) * 10),
    })
    expect((await client.whole()).body).to.equal('10\n20\n')
  })

  it('gets an event that a source yields as it is, and `write(message)` keeps its id', async () => {
    const { client } = await hold({
      format: sse(),
      subscribe: () => [event('a', { id: '1', type: 'tick' })],
      info: (message, { write }) => write(message),
    })
    expect((await client.whole()).body).to.equal(':\nevent: tick\nid: 1\ndata: a\n\n')
  })

  it('may change the state, which `init` has made, and terminate sees it', async () => {
    const states: unknown[] = []
    const site = await stage.now.serve(
      loop({
        init: () => ({ count: 0 }),
        format: ndjson(),
        subscribe: () => ['a', 'b', 'c'],
        info(_message, context) {
          context.state = { count: context.state.count + 1 }
          context.write(context.state.count)
        },
        terminate: (_reason, { state }) => void states.push(state),
      }),
    )
    expect((await site.get().whole()).body).to.equal('1\n2\n3\n')
    expect(states).to.deep.equal([{ count: 3 }])
  })

  it('each request has a state of its own', async () => {
    let made = 0
    const site = await stage.now.serve(
      resource({
        init: () => ++made,
        contentTypesProvided: [ndjson()],
        subscribe: ({ state }) => [state],
      }),
    )
    expect((await site.get().whole()).body).to.equal('1\n')
    expect((await site.get().whole()).body).to.equal('2\n')
  })

  for (const [name, info] of Object.entries({
    'stop()': () => stop(),
    'a promise of stop()': async () => {
      await turns(2)
      return stop(404, { body: 'not for a stream' })
    },
  })) {
    it(`ends the loop by returning ${name}: reason \`stop\`, a complete end, what waits is dropped`, async () => {
      const { client, context, reasons, log } = await hold({
        info: (message, { write }) => (message === 'last' ? info() : void write(message)),
      })
      context.send('first')
      context.send('last')
      context.send('dropped')
      const message = await client.whole()
      expect(message).to.include({ status: 200, body: '"first"\n' })
      await log.until('stop')
      expect(reasons).to.deep.equal([{ kind: 'stop' }])
    })
  }

  for (const answer of [undefined, 'ok', 'wait', 'closed'] as const) {
    it(`that returns ${answer === undefined ? 'nothing' : `what write says, '${answer}',`} goes on`, async () => {
      const { client, context } = await hold({
        info(message, { write }) {
          write(message)
          return answer
        },
      })
      context.send(1)
      context.send(2)
      expect(await client.until('2\n')).to.equal('1\n2\n')
    })
  }

  for (const [name, answer] of Object.entries({
    false: false,
    true: true,
    null: null,
    "'done'": 'done',
    '{}': {},
  })) {
    it(`that returns ${name} is an error that names \`info\`, never a silent yes or no (docs/guide/callbacks.md)`, async () => {
      const { client, context, reasons } = await hold({ info: () => answer as never })
      context.send(1)
      expect((await client.closed()).isWhole).to.equal(false)
      expect(reasons).to.have.length(1)
      expect(reasons[0]?.error)
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.matches(/^info answered/)
    })
  }

  for (const [name, fail] of Object.entries({
    throws: () => {
      throw new Error('no')
    },
    rejects: async () => {
      await turns(2)
      throw new Error('no')
    },
  })) {
    it(`that ${name} after the head ends the loop with \`error\`, cut; what it wrote before arrives`, async () => {
      const { client, context, reasons, log } = await hold({
        info(message, { write }) {
          write(message)
          return message === 2 ? fail() : undefined
        },
      })
      for (const message of [1, 2, 3]) context.send(message)
      expect(await client.closed()).to.include({ body: '1\n2\n', isWhole: false })
      expect(reasons[0]?.error).to.have.property('message', 'no')
      expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'error'])
      expect(stage.now.errors, 'the head is out: nothing for the app to answer').to.deep.equal([])
    })
  }

  it('what it writes that cannot be serialised is such an error too', async () => {
    const { client, context, reasons } = await hold({ info: (message, { write }) => void write(message) })
    context.send(1n)
    expect((await client.closed()).isWhole).to.equal(false)
    expect(reasons[0]?.error).to.be.instanceOf(TypeError)
  })

  it('what a source yields that cannot be serialised is such an error too, and half of it is never on the wire', async () => {
    const { client, reasons } = await hold({ subscribe: () => [1, 1n, 2] })
    expect(await client.closed()).to.include({ body: '1\n', isWhole: false })
    expect(reasons[0]?.error).to.be.instanceOf(TypeError)
  })

  it('that answers after the client has left harms nobody, whatever it answers', async () => {
    for (const late of [stop(), false, new Error('late')]) {
      let settle = (_: unknown) => {}
      const { client, context, log } = await hold({
        info: () =>
          new Promise<never>((resolve, reject) => {
            settle = (value) => (value instanceof Error ? reject(value) : resolve(value as never))
          }),
      })
      await client.head()
      context.send(1)
      context.send(2)
      client.leave()
      await log.until('disconnect')
      settle(late)
      await turns()
      expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
    }
  })

  it('is not called any more once the loop has ended', async () => {
    const got: unknown[] = []
    const { client, context, log } = await hold({
      info(message) {
        got.push(message)
        if (message === 2) context.stream.close()
      },
    })
    for (const message of [1, 2, 3]) context.send(message)
    await log.until('revoked')
    context.send(4)
    await client.whole()
    expect(got).to.deep.equal([1, 2])
  })

  it('is not called before the head', async () => {
    const heads: boolean[] = []
    let resolve = () => {}
    const { client, context } = await hold({
      subscribe: () =>
        new Promise<void>((done) => {
          resolve = done
        }),
      info: (_message, { res, write }) => {
        heads.push(res.headersSent)
        write('told')
      },
    })
    context.send(1)
    await turns()
    expect(heads).to.deep.equal([])
    resolve()
    await client.until('told')
    expect(heads).to.deep.equal([true])
  })
})
