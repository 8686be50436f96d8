import { expect } from 'chai'
import {
  type Channel,
  createHub,
  type Feed,
  type LoopSpec,
  loop,
  merge,
  type OpenStream,
  sse,
  stop,
} from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { onEach, tableWithHeld } from '../support/hubs.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'
import { listening } from '../support/told.js'

function bare<Message extends { readonly stream: OpenStream; readonly endpoint: object }>({
  stream,
  endpoint,
  ...rest
}: Message) {
  return rest
}

describe('Diagnostics channels of channels (docs/operate/diagnostics.md)', () => {
  staged()
  const told = listening()
  const labels = { route: '/', format: 'text/event-stream' }
  const usual = { channel: undefined, snapshot: false, isMidStream: false, ms: 0 }

  type Spec = Pick<LoopSpec<undefined, unknown, unknown, undefined>, 'subscribe'> &
    Partial<LoopSpec<undefined, unknown, unknown, undefined>>

  /** A client of an endpoint, from its head on. */
  async function visit(spec: Spec, id?: string, { reads = true } = {}) {
    const site = await stage.now.serve(
      loop<undefined, unknown, unknown, undefined>({ format: sse(), ...spec }),
    )
    const client = site.get('/', { reads, ...(id !== undefined && { headers: { 'Last-Event-ID': id } }) })
    if (reads) await client.head()
    return { site, client }
  }

  onEach(
    'resume',
    (on) => {
      /** A channel that has had three events, and retains two. */
      async function channelOf(): Promise<{ channel: Channel<unknown>; ids: string[] }> {
        const channel = on.hub().channel<unknown>('three', { history: 2 })
        const ids: string[] = []
        for (const number of [1, 2, 3]) ids.push(await channel.publish(number))
        return { channel, ids }
      }

      const cases: Record<
        string,
        {
          id?: (ids: string[]) => string
          feed?: (channel: Channel<unknown>) => Feed<unknown>
          spec?: Partial<Spec>
          outcome: string
          snapshot?: true
        }
      > = {
        'no id: live': { outcome: 'live' },
        'no id, with `info`: live': { spec: { info: () => {} }, outcome: 'live' },
        'no id, with a snapshot: live': {
          spec: { snapshot: () => 'whole' },
          outcome: 'live',
          snapshot: true,
        },
        'an id that is retained: found': { id: (ids) => ids[1]!, outcome: 'found' },
        'the latest id: found': { id: (ids) => ids[2]!, outcome: 'found' },
        earliest: { id: () => 'earliest', outcome: 'earliest' },
        'the id before all that is retained: found': { id: (ids) => ids[0]!, outcome: 'found' },
        'another channel’s id: unknown': { id: () => 'nobody-1', outcome: 'unknown' },
        'another’s id, with a snapshot: unknown': {
          id: () => 'nobody-1',
          spec: { snapshot: () => 'whole' },
          outcome: 'unknown',
          snapshot: true,
        },
        'from earliest': { feed: (channel) => channel.from('earliest'), outcome: 'earliest' },
        'from the last one: found': { feed: (channel) => channel.from({ last: 1 }), outcome: 'found' },
        'a filtered feed, from a time: found': {
          feed: (channel) => channel.from({ since: new Date(0) }).filter(() => true),
          outcome: 'found',
        },
      }

      for (const [title, { id, feed, spec, outcome, snapshot = false }] of Object.entries(cases)) {
        it(title, async () => {
          const { channel, ids } = await channelOf()
          told.now.on('resume').on('open')
          const requested = id?.(ids)
          await visit({ subscribe: feed?.(channel) ?? channel, ...spec }, requested)
          await turns()
          expect(told.now.names).to.deep.equal(['resume', 'open'])
          expect(told.now.of('resume').map(bare)).to.deep.equal([
            { ...labels, ...usual, requested, outcome, snapshot },
          ])
        })
      }

      it('trimmed, and the message comes with the stream that is told', async () => {
        const { channel, ids } = await channelOf()
        await channel.publish(4)
        told.now.on('resume').on('open')
        const { client } = await visit({ subscribe: () => channel }, ids[0])
        await client.until('data: 4')
        expect(told.now.of('resume').map(bare)).to.deep.equal([
          { ...labels, ...usual, requested: ids[0], outcome: 'trimmed' },
        ])
        expect(told.now.of('resume')[0]?.stream).to.equal(told.now.of('open')[0]?.stream)
      })

      it('of a client that has all of an ended channel: found, and no stream is opened', async () => {
        const { channel, ids } = await channelOf()
        await channel.end()
        told.now.on('resume').on('open').on('end')
        const { client } = await visit({ subscribe: channel }, ids[2])
        expect((await client.whole()).status).to.equal(204)
        expect(told.now.names).to.deep.equal(['resume', 'end'])
        expect(told.now.of('end')[0]).to.deep.include({ reason: { kind: 'end' }, wasOpen: false })
      })

      it('not of a `for await`, which has no stream', async () => {
        const { channel } = await channelOf()
        told.now.on('resume')
        for await (const { data } of channel.from('earliest')) if (data === 3) break
        expect(told.now.all).to.deep.equal([])
      })
    },
    tableWithHeld,
  )

  describe('resume', () => {
    it('of a merged feed, tells each channel that has a gap', async () => {
      const hub = createHub()
      const channel = (name: string) => hub.channel<number>(name, { history: 1 })
      const parts = [channel('a'), channel('b'), channel('c')] as const
      const ids: string[] = []
      for (const part of parts) ids.push(await part.publish(0))
      const place = ids.map((id, at) => `${'abc'[at]}=${id}`).join('&')
      for (const part of parts.slice(1)) for (const number of [1, 2]) await part.publish(number)
      told.now.on('resume')
      await visit({ subscribe: merge(...parts) }, place)
      await turns()
      const gap = { ...labels, ...usual, requested: place, outcome: 'trimmed' }
      expect(told.now.of('resume').map(bare)).to.deep.equal([
        { ...gap, channel: 'b' },
        { ...gap, channel: 'c' },
      ])
    })

    it('tells how long the store and the snapshot took', async () => {
      const backend = asyncMemory()
      const channel = createHub(backend).channel<number>('slow', { history: 5 })
      told.now.on('resume')
      backend.hold('read')
      const site = await stage.now.serve(
        loop({
          format: sse(),
          subscribe: channel,
          snapshot: async () => {
            stage.now.time.advance(200)
            return stop(204)
          },
        }),
      )
      const client = site.get()
      await backend.held('read')
      stage.now.time.advance(1000)
      backend.release('read')
      await client.whole()
      expect(told.now.of('resume')[0]).to.include({ outcome: 'live', snapshot: true, ms: 1200 })
    })

    it('of a client that left meanwhile is not told', async () => {
      const backend = asyncMemory()
      const channel = createHub(backend).channel<number>('slow', { history: 5 })
      told.now.on('resume').on('end')
      backend.hold('read')
      const site = await stage.now.serve(loop({ format: sse(), subscribe: channel }))
      const client = site.get('/', { headers: { 'Last-Event-ID': 'x' } })
      await backend.held('read')
      client.leave()
      await turnsUntil(() => told.now.of('end').length === 1)
      backend.release('read')
      await turns()
      expect(told.now.names).to.deep.equal(['end'])
    })

    for (const isWhole of [false, true]) {
      it(`tells a gap in mid-stream, of each stream, ${isWhole ? 'with' : 'without'} a snapshot`, async () => {
        const backend = asyncMemory()
        const channel = createHub(backend).channel<number>('away', { history: 1 })
        const snapshot = isWhole ? { snapshot: () => 'whole' } : {}
        const specs = [
          {},
          ...(isWhole
            ? []
            : [
                { onGap() {} },
                { info: (message: unknown, { write }: never) => (write as (m: unknown) => void)(message) },
              ]),
        ]
        for (const spec of specs) await visit({ subscribe: channel, ...snapshot, ...(spec as object) })
        await turns()
        const id = await channel.publish(1)
        await backend.delivered()
        await turns()
        told.now.on('resume')
        backend.lose()
        const elsewhere = createHub(backend.another()).channel<number>('away', { history: 1 })
        for (const number of [2, 3, 4]) await elsewhere.publish(number)
        backend.restore()
        await backend.delivered()
        await turns(50)
        const gap = {
          ...labels,
          ...usual,
          requested: id,
          outcome: 'trimmed',
          isMidStream: true,
          snapshot: isWhole,
        }
        expect(told.now.of('resume').map(bare)).to.deep.equal(specs.map(() => gap))
      })
    }

    it('tells what was trimmed while a slow client read it, once', async () => {
      const channel = createHub().channel<unknown>('slow', { history: 2000 })
      const first = await channel.publish(flood.toString())
      for (let number = 0; number < 1500; number++) await channel.publish(number)
      told.now.on('resume')
      const { client } = await visit(
        { subscribe: channel, stream: { maxQueuedBytes: 2 ** 26 } },
        'earliest',
        { reads: false },
      )
      await turnsUntil(() => told.now.of('resume').length === 1)
      for (let number = 0; number < 2000; number++) await channel.publish('new')
      await channel.publish('last')
      client.socket.resume()
      await client.until('"last"'.replaceAll('"', ''))
      const [begin, ...gaps] = told.now.of('resume')
      expect(begin).to.include({ outcome: 'earliest', isMidStream: false })
      expect(gaps.map(({ outcome, isMidStream }) => [outcome, isMidStream])).to.deep.equal([
        ['trimmed', true],
      ])
      expect(gaps[0]?.requested).to.not.equal(first)
    })
  })

  describe('publish', () => {
    it('confirmed, with the id, and refused, with the error', async () => {
      told.now.on('publish')
      stage.now.time.advance(1)
      const hub = createHub()
      const channel = hub.channel<unknown>('news')
      const id = await channel.publish(1)
      const error = await channel.publish(1n).catch((each: unknown) => each)
      await channel.end()
      const ended = await channel.publish(2).catch((each: unknown) => each)
      const usual = { hub, channel: 'news', ms: 0 }
      expect(told.now.of('publish')).to.deep.equal([
        { ...usual, outcome: 'confirmed', id, error: undefined },
        { ...usual, outcome: 'refused', id: undefined, error },
        { ...usual, outcome: 'refused', id: undefined, error: ended },
      ])
      expect(ended).to.include({ code: 'LARIAT_ENDED' })
    })

    it('a duplicate, where the backend says so', async () => {
      const channel = createHub().channel<unknown>('orders', { history: 5 })
      const id = await channel.publish(1, { key: 'a' })
      told.now.on('publish')
      expect(await channel.publish(1, { key: 'a' })).to.equal(id)
      expect(await channel.publish(2, { key: 'b' })).not.to.equal(id)
      expect(told.now.of('publish').map(({ outcome }) => outcome)).to.deep.equal(['duplicate', 'confirmed'])
      expect(told.now.of('publish')[0]?.id).to.equal(id)
    })

    it('how long a store took; uncertain where nobody knows', async () => {
      const backend = asyncMemory()
      const channel = createHub(backend).channel<unknown>('stored')
      told.now.on('publish')
      stage.now.time.advance(1)
      backend.hold('publish')
      const published = channel.publish(1)
      await backend.held('publish')
      stage.now.time.advance(250)
      backend.release('publish')
      await published
      backend.freeze('lost')
      const error = channel.publish(2).catch((each: unknown) => each)
      await turns()
      backend.lose()
      expect(await error).to.include({ isUncertain: true })
      expect(told.now.of('publish').map(({ outcome, ms }) => [outcome, ms])).to.deep.equal([
        ['confirmed', 250],
        ['uncertain', 0],
      ])
    })
  })

  it('backend: down and up, of its hub', async () => {
    const backend = asyncMemory()
    const hub = createHub(backend)
    told.now.on('backend')
    backend.lose()
    backend.restore()
    expect(told.now.of('backend')).to.deep.equal([
      { hub, state: 'down' },
      { hub, state: 'up' },
    ])
    expect(told.now.of('backend')[0]?.hub).to.equal(hub)
  })
})
