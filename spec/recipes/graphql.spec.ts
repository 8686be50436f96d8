import { expect } from 'chai'
import { type Client, type ClientOptions, createClient, NetworkError, type RequestParams } from 'graphql-sse'
import { Knife } from '../clients/knife.js'
import { until } from '../demo/bookshop/demo.js'
import { Demo } from '../support/demo.js'
import { Inbox } from '../support/inbox.js'

type Result = Awaited<ReturnType<typeof results>>[number]

/** All results of an operation. */
async function results(client: Client, query: string, variables: Record<string, unknown> = {}) {
  const all: { data?: unknown; errors?: unknown; extensions?: unknown }[] = []
  for await (const result of client.iterate({ query, variables })) all.push(result)
  return all
}

/** A subscription: what it is told. */
function subscribed(client: Client, request: RequestParams) {
  const told = new Inbox<Result>()
  const ends = new Inbox<unknown>()
  const unsubscribe = client.subscribe(request, {
    next: told.put,
    error: ends.put,
    complete: () => ends.put('complete'),
  })
  return { told, ends, unsubscribe }
}

const posted = 'subscription ($topic: Topic!) { posted(topic: $topic) { text } }'
const tea = { query: posted, variables: { topic: 'tea' } }
const textOf = ({ data }: Result) => (data as { posted: { text: string } }).posted.text

describe('demo/graphql.ts, judged by graphql-sse', function () {
  this.timeout(60_000)
  let demo: Demo
  let knife: Knife
  const clients: Client[] = []

  before(async () => {
    demo = await new Demo('graphql').listening()
    knife = await Knife.before(Number(new URL(demo.url).port))
  })

  after(async () => {
    for (const client of clients) client.dispose()
    await knife.close()
    await demo.kill()
  })

  function clientOf(url: string, options: Partial<ClientOptions<false>> = {}): Client {
    const client = createClient({ url: `${url}/graphql`, retry: async () => {}, ...options })
    clients.push(client)
    return client
  }

  /** As docs/recipes/graphql.md has it: a client that keeps its place. */
  function keeping(url: string, options: Partial<ClientOptions<false>> = {}): Client {
    let place: string | null | undefined
    return clientOf(url, {
      headers: (): Record<string, string> => (place ? { 'Last-Event-ID': place } : {}),
      async fetchFn(...request: Parameters<typeof fetch>) {
        const answer = await fetch(...request)
        place ??= answer.headers.get('Last-Event-ID')
        return answer
      },
      onMessage({ data }) {
        place = (data as { extensions?: { id?: string } } | null)?.extensions?.id ?? place
      },
      ...options,
    })
  }

  const post = async (text: string, topic = 'tea') => {
    const query = 'mutation ($topic: Topic!, $text: String!) { post(topic: $topic, text: $text) }'
    const [result] = await results(clientOf(demo.url), query, { topic, text })
    return (result!.data as { post: string }).post
  }

  /** Options that tell when a connection is there: the server has subscribed by then. */
  function watched() {
    const connected = new Inbox<boolean>()
    const options: Partial<ClientOptions<false>> = { on: { connected: (again) => connected.put(again) } }
    return { connected, options }
  }

  it('A query and a mutation are one result each, and complete', async () => {
    const id = await post('Milk first?')
    const query = '{ posts(topic: tea) { topic text } }'
    expect(await results(clientOf(demo.url), query)).to.deep.equal([
      { data: { posts: [{ topic: 'tea', text: 'Milk first?' }] } },
    ])
    expect(id).to.match(/-1$/)
  })

  it('A subscription of a channel has its events, filtered by the arguments; each has its id', async () => {
    const { options, connected } = watched()
    const { told, unsubscribe } = subscribed(clientOf(demo.url, options), tea)
    await connected.next()
    const first = await post('1')
    await post('Black', 'coffee')
    const second = await post('2')
    expect(await told.take(2)).to.deep.equal([
      { data: { posted: { text: '1' } }, extensions: { id: first } },
      { data: { posted: { text: '2' } }, extensions: { id: second } },
    ])
    unsubscribe()
    await demo.says(/^\/graphql: disconnect$/)
  })

  it('A subscription of a generator has its values, and completes', async () => {
    const { told, ends } = subscribed(clientOf(demo.url), { query: 'subscription { countdown(from: 2) }' })
    expect(await ends.next()).to.equal('complete')
    expect(await told.take(3)).to.deep.equal([2, 1, 0].map((countdown) => ({ data: { countdown } })))
    expect(told.size).to.equal(0)
  })

  it('What is wrong with an operation is told in the stream, which completes: the client does not try again', async () => {
    const connecting = new Inbox<boolean>()
    const client = clientOf(demo.url, { on: { connecting: connecting.put } })
    const wrong: [string, RegExp][] = [
      ['{ cups }', /^Cannot query field "cups" on type "Query"\.$/],
      ['{ posts(topic: tea) { text }', /^Syntax Error: Expected Name, found <EOF>\.$/],
      ['{ posts(topic: gin) { text } }', /^Value "gin" does not exist in "Topic" enum\.$/],
      ['query A { __typename } query B { __typename }', /^Must provide operation name/],
      ['subscription { countdown(from: 1000) }', /^From 1000\? That takes too long$/],
    ]
    for (const [query, message] of wrong) {
      const all = await results(client, query)
      const told = all.map(({ errors }) => (errors as { message: string }[]).map((each) => each.message))
      expect(told.flat(), query).to.have.length(1)
      expect(told.flat()[0]).to.match(message)
    }
    expect((await results(client, posted, { topic: 'gin' })).map(({ errors }) => errors)).to.have.length(1)
    expect(await connecting.take(6)).to.deep.equal(Array(6).fill(false))
  })

  it('A request without a query is a 400, before there is a stream', async () => {
    const { ends } = subscribed(clientOf(demo.url, { retryAttempts: 0 }), {} as RequestParams)
    const error = (await ends.next()) as NetworkError<Response>
    expect(error).to.be.instanceOf(NetworkError)
    expect(error.response?.status).to.equal(400)
    expect(await error.response?.json()).to.include({ detail: 'query: expected a string' })
  })

  it('A GET may ask, and not change anything: a link in a page of others would', async () => {
    const ask = (query: string) => demo.ask(`/graphql?query=${encodeURIComponent(query)}`)
    expect(await (await ask('{ posts(topic: tea) { text } }')).text()).to.include('event: complete')
    const refused = await ask('mutation { post(topic: tea, text: "by GET") }')
    expect(refused.status).to.equal(405)
    expect(refused.headers.get('allow')).to.equal('POST')
    const [all] = await results(clientOf(demo.url), '{ posts(topic: tea) { text } }')
    expect(JSON.stringify(all)).not.to.include('by GET')
  })

  it('A client that is cut off within an event comes back; one that keeps its place misses nothing', async () => {
    const { options, connected } = watched()
    const { told, unsubscribe } = subscribed(keeping(knife.url, options), tea)
    await connected.next()
    const cuts = knife.done
    knife.cut((text) => (text.includes('"text":"2"') ? text.indexOf('"text":"2"') : undefined))
    for (const text of ['1', '2', '3']) await post(text)
    expect((await told.take(3)).map(textOf)).to.deep.equal(['1', '2', '3'])
    expect(knife.done).to.equal(cuts + 1)
    await post('4')
    expect(textOf(await told.next())).to.equal('4')
    unsubscribe()
  })

  it('One that is cut off before its first event has its place from the head', async () => {
    const cuts = knife.done
    knife.cut((text) => (text.includes('\r\n\r\n') ? text.length : undefined))
    const hold = new Inbox<void>()
    const client = keeping(knife.url, { retry: () => hold.next() })
    const { told, unsubscribe } = subscribed(client, tea)
    await until(() => knife.done > cuts)
    await post('while nobody listened')
    hold.put()
    expect(textOf(await told.next())).to.equal('while nobody listened')
    unsubscribe()
  })

  it('A place that is not known any more is told as an error, with the place to come back to', async () => {
    const headers = { 'Last-Event-ID': 'of-yesterday' }
    const { told, unsubscribe } = subscribed(clientOf(demo.url, { headers }), tea)
    const { errors, data, extensions } = await told.next()
    expect(errors).to.deep.equal([{ message: 'Events were missed', extensions: { code: 'MISSED' } }])
    expect(data).to.equal(undefined)
    expect(extensions).to.have.keys('id')
    unsubscribe()
  })

  it('A graceful restart is no end: the client goes on trying', async () => {
    const own = await new Demo('graphql').listening()
    const { options, connected } = watched()
    const client = clientOf(own.url, { retryAttempts: 1, ...options })
    const { ends } = subscribed(client, tea)
    await connected.next()
    own.terminate()
    expect(await ends.next()).to.be.instanceOf(NetworkError)
    expect(await own.exited).to.deep.equal([0, null])
  })
})
