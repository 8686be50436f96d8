import { createORPCClient, getEventMeta, ORPCError } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import { ClientRetryPlugin, type ClientRetryPluginContext } from '@orpc/client/plugins'
import { os, type RouterClient } from '@orpc/server'
import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import express from 'express'
import { live, rpc } from '../../demo/orpc/rpc.js'
import type { AppRouter } from '../../demo/orpc.js'
import { createHub } from '../../lib/index.js'
import { type Stage, stage } from '../../lib/testing.js'
import { Knife } from '../clients/knife.js'
import { Demo } from '../support/demo.js'
import { Inbox } from '../support/inbox.js'

type Client = RouterClient<AppRouter, ClientRetryPluginContext>

/** A client of oRPC, as an app makes it. */
function clientOf(url: string): Client {
  const link = new RPCLink<ClientRetryPluginContext>({
    url: `${url}/rpc`,
    headers: { 'x-user': 'ada' },
    plugins: [new ClientRetryPlugin({ default: { retryDelay: 20 } })],
  })
  return createORPCClient<Client>(link)
}

/** So many values; the rest stays to be asked for. */
async function take<T>(count: number, values: AsyncIterator<T>): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const { done, value } = await values.next()
    if (done) throw new Error(`It ended after ${taken.length} of ${count}`)
    taken.push(value)
  }
  return taken
}

const failureOf = async (asked: Promise<unknown>): Promise<ORPCError<string, unknown>> => {
  const error = await asked.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).to.be.instanceOf(ORPCError)
  return error
}

describe('demo/orpc.ts, judged by @orpc/client', function () {
  this.timeout(60_000)
  let demo: Demo
  let knife: Knife
  let client: Client
  /** The one whose connections are cut. */
  let shaky: Client

  before(async () => {
    demo = await new Demo('orpc').listening()
    knife = await Knife.before(Number(new URL(demo.url).port))
    client = clientOf(demo.url)
    shaky = clientOf(knife.url)
  })

  after(async () => {
    await knife.close()
    await demo.kill()
  })

  const post = (text: string, topic: 'tea' | 'coffee' = 'tea') => client.post({ topic, text })
  /** Where a test begins: without it a stream begins with the first post of all. */
  const here = async () => ({ lastEventId: await post('a beginning', 'coffee') })
  const textOf = ({ text }: { text: string }) => text

  it('Values come with the types of the router and the ids of the channel, filtered by the input', async () => {
    const posts = await client.onPost({ topic: 'tea' }, await here())
    const first = await post('Milk first?')
    await post('Black', 'coffee')
    const second = await post('Milk last')
    const values = await take(2, posts)
    const [value] = values
    expectTypeOf(value!).toEqualTypeOf<{ topic: string; text: string; by: string; at: Date }>()
    expect(value).to.include({ topic: 'tea', text: 'Milk first?', by: 'ada' })
    expect(value!.at).to.be.instanceOf(Date)
    expect(values.map((each) => getEventMeta(each)?.id)).to.deep.equal([first, second])
    await posts.return?.()
    await demo.says(/onPost: disconnect$/)
  })

  it('A generator is streamed to its end, and what it returns comes too', async () => {
    const words = await client.say('Hold on')
    expect(await take(2, words)).to.deep.equal(['Hold', 'on'])
    expect(await words.next()).to.deep.equal({ done: true, value: 'Hold on'.length })
  })

  it('An error of a generator comes behind its values, and one of the input in place of a stream', async () => {
    const words = await client.say('Hold no rope')
    expect(await take(1, words)).to.deep.equal(['Hold'])
    expect(await failureOf(words.next())).to.include({ code: 'UNPROCESSABLE_CONTENT', message: 'It said no' })
    expect(await failureOf(client.say(7 as never))).to.include({ code: 'BAD_REQUEST', status: 400 })
    const nothing = (client as unknown as { nothing: Client['say'] }).nothing('')
    expect(await failureOf(nothing)).to.include({ code: 'NOT_FOUND', status: 404 })
  })

  it('A client that is cut off within an event misses nothing, and gets nothing twice', async () => {
    const posts = await shaky.onPost({ topic: 'tea' }, { ...(await here()), context: { retry: 3 } })
    knife.cut((text) => (text.includes('"text":"3"') ? text.indexOf('"text":"3"') : undefined))
    for (const text of ['1', '2', '3']) await post(text)
    expect((await take(2, posts)).map(textOf)).to.deep.equal(['1', '2'])
    const rest = take(3, posts)
    for (const text of ['4', '5']) await post(text)
    expect((await rest).map(textOf)).to.deep.equal(['3', '4', '5'])
    expect(knife.done).to.equal(1)
    await posts.return?.()
  })

  it('A graceful restart is no end: it is told as an error, from which the retry plugin comes back', async () => {
    const own = await new Demo('orpc').listening()
    const restarting = clientOf(own.url)
    await restarting.post({ topic: 'tea', text: '1' })
    const retried = new Inbox<unknown>()
    const onRetry = ({ error }: { error: unknown }) => retried.put(error)
    const plain = await restarting.onPost({ topic: 'tea' })
    const retrying = await restarting.onPost({ topic: 'tea' }, { context: { retry: 1, onRetry } })
    await Promise.all([take(1, plain), take(1, retrying)])
    const [end, tried] = [failureOf(plain.next()), retrying.next().catch((error) => error)]
    own.terminate()
    expect(await end).to.include({ code: 'SERVICE_UNAVAILABLE', status: 503 })
    expect(await retried.next()).to.include({ code: 'SERVICE_UNAVAILABLE' })
    // nobody is there any more
    expect(await tried).to.be.instanceOf(Error)
    expect(await own.exited).to.deep.equal([0, null])
  })

  it('A place that is not known any more is an error; who tries again gets all that there is, once', async () => {
    const own = await new Demo('orpc').listening()
    const other = clientOf(own.url)
    await other.post({ topic: 'tea', text: '1' })
    const lost = await other.onPost({ topic: 'tea' }, { lastEventId: 'of-yesterday' })
    expect(await failureOf(lost.next())).to.include({
      code: 'PRECONDITION_FAILED',
      message: 'Events were missed',
    })
    const retried = new Inbox<unknown>()
    const onRetry = ({ error }: { error: unknown }) => retried.put(error)
    const options = { lastEventId: 'of-yesterday', context: { retry: 3, onRetry } }
    const posts = await other.onPost({ topic: 'tea' }, options)
    const first = take(1, posts)
    expect(await retried.next()).to.include({ code: 'PRECONDITION_FAILED' })
    expect((await first).map(textOf)).to.deep.equal(['1'])
    await other.post({ topic: 'tea', text: '2' })
    expect((await take(1, posts)).map(textOf)).to.deep.equal(['2'])
    expect(retried.size).to.equal(0)
    await own.kill()
  })

  it('A body of more than a MiB is refused, with or without its length', async () => {
    const error = await failureOf(client.say('a'.repeat(2 ** 20)))
    expect(error).to.include({ code: 'PAYLOAD_TOO_LARGE', status: 413 })
    const body = new Blob([JSON.stringify({ json: 'a'.repeat(2 ** 20) })]).stream()
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${demo.url}/rpc/say`, {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as object)
    expect(answer.status).to.equal(413)
  })

  it('Where a client has too many streams, the next is refused in oRPC’s shape', async () => {
    const open = await Promise.all(Array.from({ length: 20 }, () => client.onPost({ topic: 'tea' })))
    expect(await failureOf(client.onPost({ topic: 'tea' }))).to.include({
      code: 'TOO_MANY_REQUESTS',
      status: 429,
    })
    expect(await post('Still there?')).to.be.a('string')
    await Promise.all(open.map((each) => each.return?.()))
  })
})

describe('demo/orpc/rpc.ts, in another app', () => {
  const numbers = createHub().channel<{ n: number }>('numbers', { history: 10 })
  const ended = new Inbox<'ended'>()
  const router = {
    numbers: os.handler(() => live(numbers.from('earliest'))),
    endless: os.handler(async function* () {
      try {
        for (let n = 0; n < 1e9; n++) yield n
      } finally {
        ended.put('ended')
      }
    }),
  }
  let at: Stage
  let client: RouterClient<typeof router>
  before(async () => {
    at = await stage(
      express().use(
        '/rpc',
        rpc(router, () => ({})),
      ),
    )
    client = createORPCClient(new RPCLink({ url: `${at.url}/rpc` }))
  })
  after(() => at.close())

  it('The end of a channel is that of the iterator', async () => {
    await numbers.publish({ n: 1 })
    const values = await client.numbers()
    expect(await values.next()).to.deep.include({ done: false, value: { n: 1 } })
    await numbers.end()
    expect(await values.next()).to.deep.equal({ done: true, value: undefined })
    const { body } = await fetch(`${at.url}/rpc/numbers`, { method: 'POST' })
    expect(await new Response(body).text()).to.match(/\n\nevent: done\ndata: \n\n$/)
  })

  it('A client that leaves ends its generator', async () => {
    const values = await client.endless()
    expect(await values.next()).to.deep.include({ value: 0 })
    await values.return?.()
    await ended.next()
  })
})
