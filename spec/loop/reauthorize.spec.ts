import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { createHub, jsonArray, loop, type ResourceSpec, resource, sse, stop } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

const every = 10_000

type Spec = ResourceSpec<undefined, unknown, unknown, undefined>

/** A stream that is asked about again and again. */
async function held(spec: Spec, stream: object = {}) {
  const log = new Log()
  const reasons: { kind: string; error?: unknown }[] = []
  const writes: ((data: unknown) => unknown)[] = []
  const endpoint = resource<undefined, unknown, unknown, undefined>({
    contentTypesProvided: [sse()],
    stream: { reauthorize: every, heartbeat: false, endEvent: true, ...stream },
    subscribe: ({ write }) => {
      writes.push(write)
      return () => log.add('unsubscribe')
    },
    terminate(reason) {
      reasons.push(reason)
      log.add(reason.kind)
    },
    ...spec,
  })
  const site = await stage.now.serve(endpoint)
  const client = site.get('/', { headers: { Authorization: 'Bearer a' } })
  await client.head()
  /** Goes on by one beat. */
  const beat = async () => {
    stage.now.time.advance(every)
    await turns()
  }
  return { log, reasons, client, site, endpoint, beat, write: (data: unknown) => writes[0]?.(data) }
}

describe('reauthorize asks again while the response is held (docs/operate/operating.md)', () => {
  staged()

  for (const [name, answer] of [
    ['at once', (value: unknown) => value],
    ['later', async (value: unknown) => value],
  ] as const) {
    it(`isAuthorized and forbidden, in this order, every so many ms; answered ${name}`, async () => {
      const log = new Log()
      const { beat, client } = await held({
        isAuthorized: ({ req }) => {
          log.add(`authorized ${req.get('authorization')}`)
          return answer(true) as true
        },
        forbidden: () => {
          log.add('forbidden')
          return answer(false) as false
        },
      })
      const once = ['authorized Bearer a', 'forbidden']
      expect(log.entries, 'for the request').to.deep.equal(once)
      stage.now.time.advance(every - 1)
      await turns()
      expect(log.entries).to.deep.equal(once)
      stage.now.time.advance(1)
      await turns()
      expect(log.entries).to.deep.equal([...once, ...once])
      for (let time = 0; time < 3; time++) await beat()
      expect(log.entries).to.have.length(10)
      expect(client.message.isWhole).to.equal(false)
    })
  }

  it('one of them alone is enough, and nothing else of the spec is asked again', async () => {
    const asked: string[] = []
    const tell =
      <T>(name: string, value: T) =>
      () => {
        asked.push(name)
        return value
      }
    const { beat } = await held({
      init: tell('init', undefined),
      serviceAvailable: tell('serviceAvailable', true),
      forbidden: tell('forbidden', false),
      rateLimited: tell('rateLimited', false as const),
      resourceExists: tell('resourceExists', true),
    })
    asked.length = 0
    await beat()
    await beat()
    expect(asked).to.deep.equal(['forbidden', 'forbidden'])
  })

  it('sees the state and the request of this stream, and what changed meanwhile', async () => {
    const valid = new Set(['Bearer a', 'Bearer b'])
    const { beat, site, log, endpoint } = await held({
      isAuthorized: ({ req }) => valid.has(req.get('authorization') ?? '') || 'Bearer',
    })
    const other = site.get('/', { headers: { Authorization: 'Bearer b' } })
    await other.head()
    await beat()
    expect([...endpoint.streams]).to.have.length(2)
    valid.delete('Bearer b')
    await beat()
    expect((await other.whole()).body).to.include('"revoked"')
    expect([...endpoint.streams]).to.have.length(1)
    expect(log.entries).to.deep.equal(['unsubscribe', 'revoked'])
  })

  it('never two at once: one that takes long delays the next', async () => {
    let open = 0
    let most = 0
    let asked = 0
    let resolve = () => {}
    const { beat, log } = await held({
      decisionTimeout: 10 ** 9,
      isAuthorized() {
        if (++asked === 1) return true
        open += 1
        most = Math.max(most, open)
        return new Promise<true>((done) => {
          resolve = () => {
            open -= 1
            done(true)
          }
        })
      },
    })
    for (let time = 0; time < 5; time++) await beat()
    expect({ asked, open, most }).to.deep.equal({ asked: 2, open: 1, most: 1 })
    resolve()
    await turns()
    expect(asked, 'the beat goes on from the answer').to.equal(2)
    await beat()
    expect({ asked, open, most }).to.deep.equal({ asked: 3, open: 1, most: 1 })
    expect(log.entries).to.deep.equal([])
    resolve()
    await turns()
  })

  it('events flow meanwhile', async () => {
    const channel = createHub().channel<number>('meanwhile')
    let isFirst = true
    let resolve = (_answer: boolean) => {}
    const { beat, client, log } = await held({
      subscribe: channel,
      forbidden() {
        if (isFirst) {
          isFirst = false
          return false
        }
        return new Promise<boolean>((done) => {
          resolve = done
        })
      },
    })
    await beat()
    for (const number of [1, 2, 3]) {
      await channel.publish(number)
      await client.until(`data: ${number}\n\n`)
    }
    resolve(false)
    await turns()
    await channel.publish(4)
    await client.until('data: 4\n\n')
    expect(log.entries).to.deep.equal([])
  })

  const noes: Readonly<Record<string, (() => unknown)[]>> = {
    'isAuthorized with a challenge': [() => 'Bearer', async () => 'Bearer'],
    'isAuthorized with several': [() => ['Bearer', 'Basic'], async () => ['Bearer', 'Basic']],
    'isAuthorized with false': [() => false, async () => false],
    'isAuthorized with nothing': [() => undefined, async () => undefined],
    'isAuthorized with 1': [() => 1, async () => 1],
    "isAuthorized with 'true'": [() => 'true', async () => 'true'],
    'isAuthorized with a stop': [() => stop(403), async () => stop(403)],
    'forbidden with true': [() => true, async () => true],
    'forbidden with nothing': [() => undefined, async () => undefined],
    'forbidden with 0': [() => 0, async () => 0],
    'forbidden with null': [() => null, async () => null],
    'forbidden with a stop': [() => stop(), async () => stop()],
  }
  for (const [name, answers] of Object.entries(noes)) {
    it(`${name}: anything but yes revokes the stream, complete`, async () => {
      for (const answer of answers) {
        const [callback = ''] = name.split(' ')
        let isFirst = true
        const { beat, client, log, reasons, write } = await held({
          [callback]: () => {
            if (!isFirst) return answer()
            isFirst = false
            return callback === 'isAuthorized'
          },
        })
        write('before')
        await beat()
        expect((await client.whole()).body).to.equal(
          ':\ndata: before\n\nevent: reconnect\ndata: {"reason":"revoked"}\n\n',
        )
        expect(log.entries).to.deep.equal(['unsubscribe', 'revoked'])
        expect(reasons[0]).to.deep.equal({ kind: 'revoked' })
        expect(write('after')).to.equal('closed')
      }
    })
  }

  for (const [name, fail] of [
    [
      'throws',
      () => {
        throw new Error('the store is away')
      },
    ],
    ['rejects', () => Promise.reject(new Error('the store is away'))],
  ] as const) {
    for (const callback of ['isAuthorized', 'forbidden']) {
      it(`${callback} that ${name} revokes the stream, complete, with its error for \`terminate\` alone`, async () => {
        let isFirst = true
        const { beat, client, reasons } = await held({
          [callback]: () => {
            if (!isFirst) return fail()
            isFirst = false
            return callback === 'isAuthorized'
          },
        })
        await beat()
        const { body } = await client.whole()
        expect(body)
          .to.match(/event: reconnect\ndata: \{"reason":"revoked"\}\n\n$/)
          .and.not.to.include('store')
        expect(reasons).to.have.length(1)
        expect(reasons[0]).to.have.property('kind', 'revoked')
        expect(reasons[0]).to.have.nested.property('error.message', 'the store is away')
        expect(stage.now.errors).to.deep.equal([])
      })
    }
  }

  it('one that does not answer within the decisionTimeout revokes the stream', async () => {
    let isFirst = true
    const { beat, client, log } = await held({
      decisionTimeout: 3000,
      isAuthorized() {
        if (!isFirst) return new Promise<true>(() => {})
        isFirst = false
        return true
      },
    })
    await beat()
    stage.now.time.advance(2999)
    await turns()
    expect(log.entries).to.deep.equal([])
    stage.now.time.advance(1)
    await log.until('revoked')
    expect((await client.whole()).isWhole).to.equal(true)
  })

  it('in another format: the tail', async () => {
    let isFirst = true
    const { beat, client, write } = await held({
      contentTypesProvided: [jsonArray()],
      forbidden() {
        if (!isFirst) return true
        isFirst = false
        return false
      },
    })
    write(1)
    await beat()
    expect((await client.whole()).body).to.equal('[1]')
  })

  for (const [name, end] of [
    ['the client leaves', 'leave'],
    ['the stream is closed', 'close'],
  ] as const) {
    it(`asks no more once ${name}, and leaves nothing on the clock; a late answer is nothing`, async () => {
      let asked = 0
      let resolve = (_answer: unknown) => {}
      const before = clock.size
      const { beat, client, log, endpoint } = await held({
        isAuthorized() {
          if (++asked === 1) return true
          return new Promise<true>((done) => {
            resolve = done as never
          })
        },
      })
      await beat()
      expect(asked).to.equal(2)
      if (end === 'leave') client.leave()
      else for (const stream of endpoint.streams) stream.close()
      await log.until('unsubscribe')
      resolve('Bearer')
      await turns()
      if (end === 'close') await client.whole()
      await turns()
      expect(clock.size).to.equal(before)
      for (let time = 0; time < 3; time++) await beat()
      expect(asked).to.equal(2)
      expect(log.entries).to.have.length(2)
    })
  }

  it('asks not before the head: `subscribe` may take its time', async () => {
    let asked = 0
    const log = new Log()
    let resolve = () => {}
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: [sse()],
        isAuthorized() {
          asked += 1
          return true
        },
        stream: { reauthorize: every },
        subscribe() {
          log.add('subscribe')
          return new Promise<void>((done) => {
            resolve = done
          })
        },
      }),
    )
    const client = site.get()
    await log.until('subscribe')
    stage.now.time.advance(2 * every)
    await turns()
    expect(asked).to.equal(1)
    resolve()
    await client.head()
    stage.now.time.advance(every)
    expect(asked).to.equal(2)
  })

  it('without the option nobody is asked again', async () => {
    let asked = 0
    const { beat } = await held(
      {
        isAuthorized() {
          asked += 1
          return true
        },
      },
      { reauthorize: undefined },
    )
    for (let time = 0; time < 10; time++) await beat()
    expect(asked).to.equal(1)
  })

  it('a format that an accept callback answers with is asked about as well', async () => {
    let asked = 0
    const { site } = await held({
      allowedMethods: ['GET', 'POST'],
      contentTypesAccepted: { '*/*': ({ negotiated }) => negotiated.format },
      isAuthorized: ({ req }) => {
        if (req.method === 'POST') asked += 1
        return asked < 2 || 'Bearer'
      },
    })
    const headers = { 'Content-Type': 'text/plain' }
    const client = site.get('/', { method: 'POST', headers, body: 'prompt' })
    expect((await client.head()).status).to.equal(200)
    stage.now.time.advance(every)
    expect((await client.whole()).body).to.include('"revoked"')
    expect(asked).to.equal(2)
  })

  it('is not for a loop, nor for a resource that has nothing to ask', () => {
    expect(() => loop({ format: sse(), stream: { reauthorize: 1000 }, subscribe: () => {} })).to.throw(
      TypeError,
      'reauthorize',
    )
    for (const own of [{}, { isAuthorized: true as const }, { forbidden: false }]) {
      expect(() =>
        resource({
          contentTypesProvided: [sse()],
          stream: { reauthorize: 1000 },
          subscribe: () => {},
          ...own,
        }),
      ).to.throw(TypeError, 'reauthorize')
    }
  })
})
