import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { expect } from 'chai'
import { EventSource } from 'eventsource'
import { expectTypeOf } from 'expect-type'
import express from 'express'
import { live, subscriptions } from '../../demo/trpc/subscriptions.js'
import type { AppRouter } from '../../demo/trpc.js'
import { createHub } from '../../lib/index.js'
import { stage } from '../../lib/testing.js'
import { Knife } from '../clients/knife.js'
import { until } from '../demo/bookshop/demo.js'
import { Demo } from '../support/demo.js'
import { Inbox } from '../support/inbox.js'

type Failure = TRPCClientError<AppRouter>
type Client = ReturnType<typeof clientOf>

/** A client of tRPC, as an app makes it. */
function clientOf(live: string, url = live) {
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({ url: `${live}/live`, EventSource }),
        false: httpLink({ url: `${url}/trpc`, headers: { 'x-user': 'ada' } }),
      }),
    ],
  })
}

/** A subscription to posts: what it is told, one inbox each. */
function subscribed(client: Client, input: { topic: 'tea' | 'coffee'; lastEventId?: string }) {
  const started = new Inbox<'started'>()
  const texts = new Inbox<string>()
  const ids = new Inbox<string>()
  const states = new Inbox<string>()
  const ends = new Inbox<Failure | 'complete'>()
  const { unsubscribe } = client.onPost.subscribe(input, {
    onStarted: () => started.put('started'),
    onData(post) {
      expectTypeOf(post).toEqualTypeOf<{ id: string; data: { topic: string; text: string; by: string } }>()
      texts.put(post.data.text)
      ids.put(post.id)
    },
    onConnectionStateChange: ({ state }) => states.put(state),
    onError: ends.put,
    onComplete: () => ends.put('complete'),
  })
  return { started, texts, ids, states, ends, unsubscribe }
}

/** All that a generator's subscription is told, and how it ends. */
async function said(client: Client, input: string): Promise<{ words: string[]; end: Failure | 'complete' }> {
  const words: string[] = []
  const ends = new Inbox<Failure | 'complete'>()
  client.say.subscribe(input, {
    onData(word) {
      expectTypeOf(word).toEqualTypeOf<string>()
      words.push(word)
    },
    onError: ends.put,
    onComplete: () => ends.put('complete'),
  })
  return { end: await ends.next(), words }
}

const codeOf = (end: Failure | 'complete') => (end === 'complete' ? end : end.data?.code)

describe('demo/trpc.ts, judged by @trpc/client', function () {
  this.timeout(60_000)
  let demo: Demo
  let knife: Knife
  let client: Client
  /** The one whose connections are cut. */
  let shaky: Client

  before(async () => {
    demo = await new Demo('trpc').listening()
    knife = await Knife.before(Number(new URL(demo.url).port))
    client = clientOf(demo.url)
    shaky = clientOf(knife.url, demo.url)
  })

  after(async () => {
    await knife.close()
    await demo.kill()
  })

  const post = (text: string, topic: 'tea' | 'coffee' = 'tea') => client.post.mutate({ topic, text })

  it('Values come with the types of the router and the ids of the channel, filtered by the input', async () => {
    const { started, texts, ids, states, unsubscribe } = subscribed(client, { topic: 'tea' })
    await started.next()
    const id = await post('Milk first?')
    await post('Black', 'coffee')
    const second = await post('Milk last')
    expect(await texts.take(2)).to.deep.equal(['Milk first?', 'Milk last'])
    expect(await ids.take(2)).to.deep.equal([id, second])
    expect(await states.take(2)).to.deep.equal(['connecting', 'pending'])
    unsubscribe()
    await demo.says(/^onPost: disconnect$/)
  })

  it('The context is that of tRPC: who posts is said by the header', async () => {
    const by = new Inbox<string>()
    const started = new Inbox<unknown>()
    const subscription = client.onPost.subscribe(
      { topic: 'coffee' },
      { onStarted: started.put, onData: ({ data }) => by.put(data.by) },
    )
    await started.next()
    await post('Black', 'coffee')
    expect(await by.next()).to.equal('ada')
    subscription.unsubscribe()
  })

  it('A generator is streamed to its end, which completes the subscription', async () => {
    expect(await said(client, 'Hold on')).to.deep.equal({ words: ['Hold', 'on'], end: 'complete' })
  })

  it('An error of a generator comes behind its values, and one of the input before any', async () => {
    const { words, end } = await said(client, 'Hold no rope')
    expect(words).to.deep.equal(['Hold'])
    expect(end).to.include({ message: 'It said no' })
    expect(codeOf(end)).to.equal('UNPROCESSABLE_CONTENT')
    const refused = await said(client, 7 as never)
    expect(refused.words).to.deep.equal([])
    expect(codeOf(refused.end)).to.equal('BAD_REQUEST')
    expect(codeOf(await subscribed(client, { topic: 'gin' as never }).ends.next())).to.equal('BAD_REQUEST')
  })

  it('A subscription that is not there is NOT_FOUND, and input that is no JSON a BAD_REQUEST', async () => {
    const { nothing } = client as unknown as { nothing: Client['say'] }
    const ends = new Inbox<Failure>()
    nothing.subscribe('', { onError: ends.put })
    expect(codeOf(await ends.next())).to.equal('NOT_FOUND')
    const answer = await demo.ask('/live/say?input={')
    expect(await answer.text().catch(String)).to.include('TypeError: terminated')
  })

  it('A client that is cut off within an event misses nothing, and gets nothing twice', async () => {
    const { started, texts, states, unsubscribe } = subscribed(shaky, { topic: 'tea' })
    await started.next()
    const cuts = knife.done
    knife.cut((text) => (text.includes('"text":"2"') ? text.indexOf('"text":"2"') : undefined))
    for (const text of ['1', '2']) await post(text)
    expect(await texts.next()).to.equal('1')
    await until(() => knife.done > cuts)
    for (const text of ['3', '4']) await post(text)
    expect(await texts.take(3)).to.deep.equal(['2', '3', '4'])
    expect(await states.take(4)).to.deep.equal(['connecting', 'pending', 'connecting', 'pending'])
    unsubscribe()
  })

  it('A client that is cut off before its first event misses nothing', async () => {
    const cuts = knife.done
    knife.cut((text) => (/event: ping\nid: .*\ndata: ""\n\n/.test(text) ? text.length : undefined))
    const { texts, unsubscribe } = subscribed(shaky, { topic: 'tea' })
    await until(() => knife.done > cuts)
    await post('while nobody listened')
    expect(await texts.next()).to.equal('while nobody listened')
    unsubscribe()
  })

  it('The place in the input, which the client sends when it begins anew, is gone on from', async () => {
    const id = await post('1')
    for (const text of ['2', '3']) await post(text)
    const { texts, unsubscribe } = subscribed(client, { topic: 'tea', lastEventId: id })
    expect(await texts.take(2)).to.deep.equal(['2', '3'])
    unsubscribe()
  })

  it('A place that is not known any more is an error that the app can tell, never silence', async () => {
    const { ends, texts } = subscribed(client, { topic: 'tea', lastEventId: 'of-yesterday' })
    const end = await ends.next()
    expect(codeOf(end)).to.equal('PRECONDITION_FAILED')
    expect(texts.size).to.equal(0)
  })

  it('Where a client has too many streams, the next is an error; queries and mutations are answered', async () => {
    const open = Array.from({ length: 20 }, () => subscribed(client, { topic: 'tea' }))
    await Promise.all(open.map(({ started }) => started.next()))
    const end = await subscribed(client, { topic: 'tea' }).ends.next()
    expect(end).to.be.instanceOf(TRPCClientError)
    expect(await post('Still there?')).to.be.a('string')
    for (const { unsubscribe } of open) unsubscribe()
  })

  it('A graceful restart is no end: the client goes on trying', async () => {
    const own = await new Demo('trpc').listening()
    const { started, states, ends, unsubscribe } = subscribed(clientOf(own.url), { topic: 'tea' })
    await started.next()
    own.terminate()
    expect(await states.take(3)).to.deep.equal(['connecting', 'pending', 'connecting'])
    expect(await own.exited).to.deep.equal([0, null])
    expect(ends.size).to.equal(0)
    unsubscribe()
  })
})

describe('demo/trpc/subscriptions.ts, in another app', () => {
  /** As superjson: what is on the wire is not what the router has. */
  const transformer = {
    serialize: (data: unknown) => ({ sealed: JSON.stringify(data) ?? null }),
    deserialize: ({ sealed }: { sealed: string | null }) =>
      sealed === null ? undefined : JSON.parse(sealed),
  }

  const t = initTRPC.context<{ user: string }>().create({ transformer })
  const numbers = createHub().channel<number>('numbers', { history: 10 })
  const router = t.router({
    deep: t.router({
      numbers: t.procedure
        .input((input) => Number(Object(input).above))
        .subscription(({ input }) => live(numbers.filter((each) => each > input))),
      whoAmI: t.procedure.subscription(async function* ({ ctx }) {
        yield ctx.user
      }),
      count: t.procedure
        .input((input) => Number(Object(input).lastEventId ?? 0))
        .subscription(async function* ({ input }) {
          for (let count = input + 1; count <= 3; count++) yield tracked(String(count), count)
        }),
    }),
  })

  const open = (createContext: () => { user: string }) =>
    stage(express().use('/live/:path', subscriptions(router, createContext, { heartbeat: false })))

  const clientAt = (url: string) =>
    createTRPCClient<typeof router>({
      links: [httpSubscriptionLink({ url: `${url}/live`, EventSource, transformer })],
    })

  it('What the transformer makes of input, values and errors is what its client takes back', async () => {
    const at = await open(() => ({ user: 'ada' }))
    const [started, got, said] = [new Inbox<unknown>(), new Inbox<number>(), new Inbox<string>()]
    const client = clientAt(at.url)
    const subscription = client.deep.numbers.subscribe({ above: 2 } as never, {
      onStarted: started.put,
      onData: ({ data }) => got.put(data),
    })
    await started.next()
    for (const number of [1, 2, 3]) await numbers.publish(number)
    expect(await got.next()).to.equal(3)
    subscription.unsubscribe()
    client.deep.whoAmI.subscribe(undefined, { onData: said.put })
    expect(await said.next()).to.equal('ada')
    await at.close()
  })

  it('A generator whose client comes back has its last id in the input', async () => {
    const at = await open(() => ({ user: 'ada' }))
    const read = async (headers: Record<string, string>) => {
      const answer = await fetch(`${at.url}/live/deep.count`, { headers })
      return [...(await answer.text()).matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
    }
    expect(await read({})).to.deep.equal(['1', '2', '3'])
    expect(await read({ 'Last-Event-ID': '2' })).to.deep.equal(['3'])
    await at.close()
  })

  it('A context that refuses is an error of tRPC’s, and not of Express', async () => {
    const at = await open(() => {
      throw new TRPCError({ code: 'UNAUTHORIZED' })
    })
    const ends = new Inbox<TRPCClientError<typeof router>>()
    clientAt(at.url).deep.whoAmI.subscribe(undefined, { onError: ends.put })
    expect((await ends.next()).data?.code).to.equal('UNAUTHORIZED')
    await at.close()
  })

  it('A procedure is called in a test as ever: its values are tracked, and a gap is an error', async () => {
    const { deep } = router.createCaller({ user: 'ada' })
    const values = (await deep.numbers({ above: 0 } as never))[Symbol.asyncIterator]()
    const first = values.next()
    const id = await numbers.publish(7)
    // typed as its client has it; here it is what tracked() makes
    const [place, data] = (await first).value as unknown as unknown[]
    expect([place, data]).to.deep.equal([id, 7])
    await values.return?.()
    const lost = live(numbers.from('of-yesterday')).next()
    const error = await lost.catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(TRPCError).and.to.include({ code: 'PRECONDITION_FAILED' })
  })
})
