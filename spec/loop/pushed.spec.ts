import { expect } from 'chai'
import { createHub, event } from '../../lib/index.js'
import { type Context, hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

interface Observer {
  next(value: unknown): void
  error(error: unknown): void
  complete(): void
}

/** An Observable: what it does when it is subscribed to, and what it has been given. */
function observable(run: (observer: Observer) => unknown = () => {}, key: PropertyKey = '@@observable') {
  const observers: Observer[] = []
  const unsubscribed: string[] = []
  const value = {
    pipe(): unknown {
      return this
    },
    subscribe(observer: Observer) {
      observers.push(observer)
      run(observer)
      return { unsubscribe: () => void unsubscribed.push('unsubscribed') }
    },
    [key]() {
      return this
    },
  }
  return { value: value as never, observers, unsubscribed }
}

/** An `info` that takes some turns for each message. */
const slowly = async (message: unknown, { write }: Context) => {
  await turns(2)
  write(message)
}

describe('fail() says that the pushed source has failed (docs/guide/loop.md)', () => {
  staged()

  it('what was sent before comes first, then a cut, with its error for `terminate` alone', async () => {
    const error = new Error('secret')
    for (const info of [undefined, slowly]) {
      const { client, context, reasons } = await hold({ ...(info && { info }) })
      await client.head()
      context.send(1)
      context.send(2)
      context.fail(error)
      context.send('late')
      context.fail(new Error('again'))
      expect(await client.closed()).to.include({ body: '1\n2\n', isWhole: false })
      expect(reasons).to.deep.equal([{ kind: 'error', error }])
    }
  })

  it('before anything was sent, it is an ordinary error with its own status, also while `subscribe` is pending', async () => {
    for (const pending of [false, true]) {
      const error = Object.assign(new Error('no upstream'), { status: 502 })
      const { client, log } = await hold({
        subscribe({ fail }) {
          fail(error)
          return pending ? new Promise<void>(() => {}) : undefined
        },
      })
      expect((await client.whole()).status).to.equal(502)
      expect(stage.now.errors.splice(0)).to.deep.equal([error])
      if (pending) stage.now.time.advance(30_000)
      await log.until('error')
    }
  })

  it('after the end it is nothing', async () => {
    const { client, context, log } = await hold()
    await client.head()
    client.leave()
    await log.until('disconnect')
    context.fail(new Error('late'))
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
  })
})

describe('An Observable that `subscribe` returns (docs/guide/loop.md)', () => {
  staged()

  it('pushes: next is sent, complete is the end; unsubscribed once', async () => {
    const { value, observers, unsubscribed } = observable()
    const { client, log } = await hold({ subscribe: () => value })
    await client.head()
    const [observer] = observers as [Observer]
    observer.next(1)
    await client.until('1\n')
    observer.next(event(2, { id: 'a' }))
    observer.complete()
    observer.next(3)
    observer.complete()
    observer.error(new Error('late'))
    expect((await client.whole()).body).to.equal('1\n2\n')
    expect(log.entries).to.deep.equal(['subscribe', 'end'])
    expect(unsubscribed).to.have.length(1)
  })

  it('is recognised by Symbol.observable too, and one that a promise brings', async () => {
    const key = Symbol('observable')
    const symbols = Symbol as { observable?: symbol }
    symbols.observable = key
    try {
      const { value } = observable((observer) => observer.complete(), key)
      const { client } = await hold({ subscribe: async () => value })
      expect(await client.whole()).to.include({ status: 200, body: '' })
    } finally {
      delete symbols.observable
    }
  })

  it('an error is the failure of the source, after what it has sent', async () => {
    const error = new Error('broken')
    const { value, observers, unsubscribed } = observable()
    const { client, reasons } = await hold({ subscribe: () => value })
    await client.head()
    observers[0]?.next(1)
    observers[0]?.error(error)
    observers[0]?.complete()
    expect(await client.closed()).to.include({ body: '1\n', isWhole: false })
    expect(reasons).to.deep.equal([{ kind: 'error', error }])
    expect(unsubscribed).to.have.length(1)
  })

  it('one that says all within its `subscribe` is unsubscribed before `terminate`', async () => {
    const { value, unsubscribed } = observable((observer) => {
      observer.next(1)
      observer.next(2)
      observer.complete()
    })
    const seen: number[] = []
    const { client } = await hold({
      subscribe: () => value,
      terminate: () => void seen.push(unsubscribed.length),
    })
    expect((await client.whole()).body).to.equal('1\n2\n')
    expect(seen).to.deep.equal([1])
  })

  it('one that fails at once, or throws, is an ordinary error', async () => {
    const error = Object.assign(new Error('broken'), { status: 502 })
    for (const run of [
      (observer: Observer) => observer.error(error),
      () => {
        throw error
      },
    ]) {
      const { client, log } = await hold({ subscribe: () => observable(run).value })
      expect((await client.whole()).status).to.equal(502)
      await log.until('error')
    }
    expect(stage.now.errors.splice(0)).to.deep.equal([error, error])
  })

  it('what cannot be written is an error of the stream, and not thrown into the Observable', async () => {
    const { value, observers } = observable()
    const { client, reasons } = await hold({ subscribe: () => value })
    await client.head()
    observers[0]?.next(1)
    observers[0]?.next(1n)
    observers[0]?.next(2)
    expect(await client.closed()).to.include({ body: '1\n', isWhole: false })
    expect(reasons[0]?.error).to.be.instanceOf(TypeError)
  })

  it('is unsubscribed when the client leaves, and within the limits', async () => {
    for (const leaves of [true, false]) {
      const { value, observers, unsubscribed } = observable()
      const { client, log } = await hold({
        subscribe: () => value,
        stream: { maxQueued: 3 },
        info: () => new Promise(() => {}),
      })
      await client.head()
      if (leaves) client.leave()
      else for (let count = 0; count < 10; count++) observers[0]?.next(count)
      await log.until(leaves ? 'disconnect' : 'overflow')
      expect(unsubscribed).to.have.length(1)
    }
  })

  it('that comes after the client has left is never subscribed to', async () => {
    const { value, observers } = observable()
    let answer = (_: never) => {}
    const { client, log } = await hold({
      subscribe: () =>
        new Promise<never>((resolve) => {
          answer = resolve
        }),
    })
    client.leave()
    await turns()
    answer(value)
    await log.until('disconnect')
    expect(observers).to.deep.equal([])
  })

  it('one whose `subscribe` is async, or whose Observable is a promise, and rejects: nobody else hears of it', async () => {
    const rejecting = async () => {
      throw new Error('broken')
    }
    for (const value of [
      { '@@observable': () => ({ subscribe: rejecting }) },
      { '@@observable': rejecting },
    ]) {
      const { log, client } = await hold({ subscribe: () => value as never })
      await log.until('error')
      await client.ended
    }
  })

  it('one without a `subscribe` is an error', async () => {
    const { client } = await hold({ subscribe: () => ({ '@@observable': () => ({}) }) as never })
    expect((await client.whole()).status).to.equal(500)
    expect(stage.now.errors.splice(0)[0]).to.be.instanceOf(TypeError)
  })
})

describe('Answers of `subscribe` that say what to write instead (docs/guide/loop.md)', () => {
  staged()

  it('a list of feeds names merge', async () => {
    const hub = createHub()
    for (const list of [[hub.channel('a'), hub.channel('b')], [hub.channel('a').filter(() => true)]]) {
      const { client } = await hold({ subscribe: () => list as never })
      expect((await client.whole()).status).to.equal(500)
      expect(stage.now.errors.splice(0)[0])
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.matches(/list of \d feeds: expected one feed.*merge\(a, b\)/)
    }
  })

  it('messages that wait for a pending `subscribe` for 2 s are warned of, once for a spec', async () => {
    const { client, context, site } = await hold({ subscribe: () => new Promise(() => {}) })
    stage.now.time.advance(1500)
    context.send(1)
    stage.now.time.advance(1999)
    await turns()
    expect(stage.now.warnings).to.deep.equal([])
    stage.now.time.advance(1)
    expect((await stage.now.warning()).message).to.match(/^Messages have waited on \/ for 2 s: .*write\(\)/)
    client.leave()
    const again = site.get()
    await turns()
    stage.now.time.advance(10_000)
    again.leave()
    await turns()
    stage.now.time.advance(30_000)
  })

  it('messages that were sent before `subscribe` returned its promise are warned of too; those of one that answers are not', async () => {
    let answer = () => {}
    const asked: (() => void)[] = []
    const { client } = await hold({
      subscribe({ send }) {
        send(1)
        return new Promise<void>((resolve) => {
          answer = resolve
          asked.push(answer)
        })
      },
    })
    stage.now.time.advance(1000)
    answer()
    await client.until('1\n')
    stage.now.time.advance(5000)
    const late = await hold({
      subscribe({ send }) {
        send(1)
        return new Promise<void>(() => {})
      },
    })
    stage.now.time.advance(2000)
    await stage.now.warning()
    late.client.leave()
    await turns()
    stage.now.time.advance(30_000)
  })
})
