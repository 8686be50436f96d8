import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { files } from '../../demo/file-backend.js'
import { createHub, type Hub, type LariatError, loop, ndjson, type Reason } from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { memory, onEach, tableWithHeld } from '../support/hubs.js'
import { stage, staged, turns } from '../support/stage.js'

/** Hubs to be closed in the end: keys are remembered for two minutes. */
let hubs: Hub[] = []
function keep(hub: Hub): Hub {
  hubs.push(hub)
  return hub
}
async function closeHubs(): Promise<void> {
  for (const hub of hubs) await hub.close()
  hubs = []
}

const inFiles = {
  ...memory,
  name: 'files',
  hub: () => createHub(files(mkdtempSync(join(tmpdir(), 'lariat-')))),
}

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

const failure = (promise: Promise<unknown>) => promise.then(undefined, (error: LariatError) => error)

describe('hub.delete (docs/guide/channels.md)', () => {
  staged()
  afterEach(closeHubs)

  onEach(
    '',
    (on) => {
      const make = () => keep(on.hub())
      it('streams get what was published before, and end: reason `end`, complete', async () => {
        const hub = make()
        const channel = hub.channel<number>('a', { history: 9 })
        const reasons: Reason[] = []
        const site = await stage.now.serve(
          loop({
            format: ndjson(),
            subscribe: channel,
            terminate: (reason) => void reasons.push(reason),
          }),
        )
        const client = site.get()
        await client.head()
        const publishing = [1, 2, 3].map((n) => channel.publish(n))
        await hub.delete('a')
        await Promise.all(publishing)
        const { body, isWhole } = await client.whole()
        expect(body).to.equal('1\n2\n3\n')
        expect(isWhole).to.equal(true)
        expect(reasons).to.deep.equal([{ kind: 'end' }])
        expect(channel.subscribers).to.equal(0)
      })

      it('the old object has ended, and the name has a new channel, without what was', async () => {
        const hub = make()
        const old = hub.channel<number>('a', { history: 9 })
        const id = await old.publish(1, { key: 'k' })
        await hub.delete('a')
        expect(await failure(old.publish(2))).to.include({ code: 'LARIAT_ENDED' })
        const anew = hub.channel<number>('a', { history: 3 })
        expect(anew).not.to.equal(old)
        expect(await anew.publish(3, { key: 'k' })).not.to.equal(id)
        const found: number[] = []
        for await (const { data } of anew.replay('earliest')) found.push(data as number)
        expect(found).to.deep.equal([3])
        for await (const { data } of old.replay('earliest')) found.push(data as number)
        for await (const { data } of old) found.push(data)
        expect(found, 'the old one has nothing').to.deep.equal([3])
      })

      it('a stream on the old object ends at once, and disturbs the new channel in nothing', async () => {
        const hub = make()
        const old = hub.channel<number>('a')
        await hub.delete('a')
        const anew = hub.channel<number>('a', { history: 3 })
        const site = await stage.now.serve(
          loop({ format: ndjson(), subscribe: ({ req }) => (req.path === '/old' ? old : anew) }),
        )
        const open = site.get('/new')
        await open.head()
        const { isWhole, body } = await site.get('/old').whole()
        expect([isWhole, body]).to.deep.equal([true, ''])
        expect(hub.channel('a')).to.equal(anew)
        await anew.publish(4)
        await open.until('4\n')
      })

      it('of a name that was never used, and twice at once: it resolves, and the next channel is whole', async () => {
        const hub = make()
        await hub.delete('never')
        const channel = hub.channel<number>('a', { history: 9 })
        await channel.publish(1)
        const [one, two] = [hub.delete('a'), hub.delete('a')]
        await one
        const anew = hub.channel<number>('a', { history: 9 })
        await anew.publish(2)
        await two
        const found: number[] = []
        for await (const { data } of anew.replay('earliest')) found.push(data as number)
        expect(found).to.deep.equal([2])
      })

      it('of no name is a TypeError, and of a closed hub LARIAT_DOWN', async () => {
        const hub = make()
        for (const name of ['', undefined, 7]) {
          const error = await failure(hub.delete(name as string))
          expect(error).to.be.instanceOf(TypeError)
        }
        await hub.close()
        expect(await failure(hub.delete('a'))).to.include({ code: 'LARIAT_DOWN' })
      })
    },
    tableWithHeld,
  )

  it('also of a name that only another process has used, whose streams end', async () => {
    const backend = asyncMemory()
    const [here, there] = [createHub(backend), createHub(backend.another())]
    const channel = here.channel<number>('a', { history: 9 })
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }))
    const client = site.get()
    await client.head()
    await channel.publish(1)
    await there.delete('a')
    const { body, isWhole } = await client.whole()
    expect([body, isWhole]).to.deep.equal(['1\n', true])
    expect(await failure(channel.publish(2))).to.include({ code: 'LARIAT_ENDED' })
  })

  it('by another process, of a channel that has ended: its name is free here too, also while the old one is held', async () => {
    const backend = asyncMemory()
    const [here, there] = [createHub(backend), createHub(backend.another())]
    const old = here.channel<number>('a', { history: 9 })
    await old.publish(1)
    await old.end()
    await there.delete('a')
    const anew = here.channel<number>('a', { history: 9 })
    await anew.publish(2)
    expect((await collected(anew.replay('earliest'))).map(({ data }) => data)).to.deep.equal([2])
    expect(await failure(old.publish(3))).to.include({ code: 'LARIAT_ENDED' })
    expect(here.channel('a')).to.equal(anew)
  })

  onEach(
    'a channel that is opened while its name is deleted',
    (on) => {
      it('is the old one', async () => {
        const hub = keep(on.hub())
        const deleting = hub.delete('a')
        const old = hub.channel<number>('a', { history: 9 })
        const got: number[] = []
        const iterating = (async () => {
          for await (const { data } of old) got.push(data)
        })()
        await deleting
        await iterating
        expect(await failure(old.publish(1))).to.include({ code: 'LARIAT_ENDED' })
        const anew = hub.channel<number>('a', { history: 9 })
        expect(anew).not.to.equal(old)
        await anew.publish(2)
        for await (const { data } of anew.replay('earliest')) got.push(data as number)
        expect(got).to.deep.equal([2])
      })
    },
    [...tableWithHeld, inFiles],
  )

  it('while the store is away it rejects, and the channel is what it was', async () => {
    const backend = asyncMemory()
    const hub = createHub(backend)
    const channel = hub.channel<number>('a', { history: 9 })
    await channel.publish(1)
    backend.lose()
    expect(await failure(hub.delete('a'))).to.include({ code: 'LARIAT_DOWN' })
    backend.restore()
    expect(hub.channel('a')).to.equal(channel)
    await channel.publish(2)
    await hub.delete('a')
    await turns()
    expect(await failure(channel.publish(3))).to.include({ code: 'LARIAT_ENDED' })
  })
})

describe('Three outcomes of a publish (docs/guide/channels.md)', () => {
  staged()
  afterEach(closeHubs)

  onEach(
    '',
    (on) => {
      it('with a key it is one event, whatever was published with it', async () => {
        const channel = keep(on.hub()).channel<number>('a', { history: 9 })
        const got: number[] = []
        const iterating = (async () => {
          for await (const { data } of channel) got.push(data)
        })()
        await turns()
        const ids = [1, 2, 3].map((n) => channel.publish(n, { key: 'same' }))
        expect(new Set(await Promise.all(ids)).size).to.equal(1)
        const other = await channel.publish(4, { key: 'other', type: 'tick' })
        expect(other).not.to.equal(await ids[0])
        await channel.end()
        await iterating
        expect(await channel.publish(1, { key: 'same' }), 'not refused: it came').to.equal(await ids[0])
        expect(await failure(channel.publish(5, { key: 'new' }))).to.include({ code: 'LARIAT_ENDED' })
        expect(got).to.deep.equal([1, 4])
      })
    },
    tableWithHeld,
  )

  for (const key of ['', 7, null, {}]) {
    it(`a key of ${JSON.stringify(key)} is a TypeError`, async () => {
      const channel = createHub().channel<number>('a')
      const error = await failure(channel.publish(1, { key: key as string }))
      expect(error).to.be.instanceOf(TypeError)
      expect(String(error)).to.include('key')
    })
  }

  it('uncertain: published again with its key, the event is there once', async () => {
    for (const fate of ['came', 'lost'] as const) {
      const backend = asyncMemory()
      const channel = createHub(backend).channel<number>('a', { history: 9 })
      backend.freeze(fate)
      const publishing = failure(channel.publish(1, { key: 'k' }))
      await turns()
      backend.lose()
      expect(await publishing).to.include({ code: 'LARIAT_DOWN', isUncertain: true })
      expect(await failure(channel.publish(2)), 'refused for certain').not.to.have.property('isUncertain')
      backend.restore()
      await channel.publish(1, { key: 'k' })
      const found: number[] = []
      for await (const { data } of channel.replay('earliest')) found.push(data as number)
      expect(found, fate).to.deep.equal([1])
    }
  })
})
