import { expect } from 'chai'
import { createParser } from 'eventsource-parser'
import { type Channel, createHub, event, type Feed, sse } from '../../lib/index.js'
import { asyncMemory } from '../../lib/testing.js'
import { hold, type Loop } from '../support/held.js'
import type { Ask } from '../support/raw.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'

const beat = 15_000

const even = (channel: Channel<number>): Feed<number> => channel.filter((n) => n % 2 === 0)

/** The frames of a stream: an id and a type, or the data of an event without a type. */
function framesOf(body: string): string[] {
  const frames: string[] = []
  const parser = createParser({
    onEvent: ({ event: type, data, id }) => void frames.push(`${type ?? data} ${id}`),
  })
  parser.feed(body)
  return frames
}

async function follow(feed: Feed<number>, spec: Loop = {}, ask: Ask = {}) {
  const held = await hold({ format: sse(), ...spec, subscribe: () => feed }, ask)
  await held.client.head()
  await turns()
  return { ...held, frames: () => framesOf(held.client.body) }
}

/** A client that brings an id. */
const back = (id: string): Ask => ({ headers: { 'Last-Event-ID': id } })

/** Rings the heartbeats, in the turn that runs. */
const ring = (times = 1) => {
  for (let count = 0; count < times; count++) stage.now.time.advance(beat)
}

const numbers = (history = 100) => createHub().channel<number>('numbers', { history })

describe('The place that a quiet client is told (docs/guide/resume.md)', () => {
  staged()

  it('is told once: 10,000 heartbeats say nothing of a place that has not moved', async () => {
    const channel = numbers()
    const { client, frames } = await follow(even(channel))
    const first = await channel.publish(1)
    for (let round = 0; round < 100; round++) {
      ring(100)
      await turns(2)
    }
    await turnsUntil(() => client.body.split(':\n').length > 9_000)
    expect(frames().map((frame) => frame.split(' ')[0])).to.deep.equal(['position', 'position'])
    expect(frames()[1]).to.equal(`position ${first}`)
  })

  it('is not beyond events that a group has gathered in this turn', async () => {
    const channel = numbers()
    const { client, frames } = await follow(even(channel))
    await turns()
    void channel.publish(2)
    void channel.publish(3)
    ring()
    await client.until('data: 2\n')
    expect(frames().map((frame) => frame.split(' ')[0])).to.deep.equal(['position', '2'])
    ring()
    await turns()
    expect(frames().at(-1)).to.equal(`position ${await channel.publish(5)}`.replace(/\d+$/, '2'))
  })

  it('is not beyond events that a group gathers for some time', async () => {
    const channel = numbers()
    const { client, frames } = await follow(even(channel), { stream: { gather: 1000, heartbeat: 1000 } })
    stage.now.time.advance(500)
    const id = await channel.publish(2)
    await channel.publish(3)
    stage.now.time.advance(500)
    await turns()
    expect(frames()).to.have.length(1)
    stage.now.time.advance(500)
    await client.until('data: 2\n')
    expect(frames()[1]).to.equal(`2 ${id}`)
  })

  it('is not beyond messages that `info` has not handled', async () => {
    const channel = numbers()
    let done: () => void = () => {}
    const { client, frames } = await follow(channel, {
      info: (message, { write }) =>
        new Promise((resolve) => {
          done = () =>
            resolve((message as { data: number }).data % 2 === 0 ? write(message as never) : undefined)
        }),
    })
    await channel.publish(1)
    const second = await channel.publish(3)
    ring(3)
    await turns()
    expect(frames()).to.have.length(1)
    done()
    await turns()
    ring()
    await turns()
    expect(frames(), 'the second waits').to.have.length(1)
    done()
    await turns()
    ring()
    await client.until(second)
    expect(frames()[1]).to.equal(`position ${second}`)
  })

  it('is not beyond a gap that onGap is still asked about, nor are the events', async () => {
    const backend = asyncMemory()
    const channel = createHub(backend).channel<number>('numbers', { history: 2 })
    const other = createHub(backend.another()).channel<number>('numbers', { history: 2 })
    let done: () => void = () => {}
    const { client, frames } = await follow(even(channel), {
      onGap: (_gap, { write }) =>
        new Promise((resolve) => {
          done = () => resolve(void write(event('all')))
        }),
    })
    await channel.publish(2)
    await client.until('data: 2\n')
    await turns()
    backend.lose()
    for (const n of [3, 5, 7, 9]) await other.publish(n)
    backend.restore()
    await turns()
    const id = await channel.publish(4)
    ring(2)
    await turns()
    expect(frames().map((frame) => frame.split(' ')[0])).to.deep.equal(['position', '2'])
    done()
    await client.until('data: 4\n')
    const told = frames().slice(2)
    expect(told.map((frame) => frame.split(' ')[0])).to.deep.equal(['all', 'position', '4'])
    expect(told[2]).to.equal(`4 ${id}`)
  })

  it('is never before what it has got: a process to which a store delivers late says nothing', async () => {
    const backend = asyncMemory()
    const channel = createHub(backend).channel<number>('numbers', { history: 100 })
    // somebody listens already
    await follow(channel)
    const [first] = [await channel.publish(1)]
    await turns()
    backend.hold('delivery')
    const ids = [await channel.publish(2), await channel.publish(3)]
    const { client, frames } = await follow(channel, {}, back(first))
    await client.until('data: 3\n')
    ring(2)
    await turns()
    expect(frames()).to.deep.equal([`2 ${ids[0]}`, `3 ${ids[1]}`])
    backend.release('delivery')
    await turns()
    ring(2)
    await turns()
    expect(frames()).to.have.length(2)
  })

  it('is told to a client that comes back, and for which there is nothing in what it missed', async () => {
    for (const backend of [undefined, asyncMemory()]) {
      const channel = createHub(backend).channel<number>('numbers', { history: 100 })
      const ids = [await channel.publish(1), await channel.publish(3)]
      const { client, frames } = await follow(even(channel), {}, back(ids[0]!))
      await channel.publish(5)
      await backend?.delivered()
      const last = await channel.position()
      ring()
      await client.until('position')
      await turns()
      expect(frames()).to.deep.equal([`position ${last}`])
    }
  })

  it('is told between events without ids, too, if it has been quiet for as long as a heartbeat', async () => {
    const channel = numbers()
    const { client, context, frames } = await follow(even(channel))
    const ids: string[] = []
    for (let second = 0; second < 60; second += 5) {
      context.send('tick')
      ids.push(await channel.publish(1))
      stage.now.time.advance(5000)
      await turns(2)
    }
    await client.until('tick')
    const told = frames().filter((frame) => frame.startsWith('position'))
    expect(told.length, 'at the beginning, and about every 15 s').to.be.within(3, 6)
    expect(ids.slice(-5).map((id) => `position ${id}`)).to.include(told.at(-1))
  })

  it('is not told between events with ids', async () => {
    const channel = numbers()
    const { frames } = await follow(even(channel))
    for (let second = 0; second < 60; second += 5) {
      await channel.publish(2)
      await turns(1)
      await channel.publish(1)
      stage.now.time.advance(5000)
      await turns(2)
    }
    expect(frames().filter((frame) => frame.startsWith('position'))).to.have.length(1)
  })

  it('waits for a head that waits for the first event, and comes before that', async () => {
    const channel = numbers()
    let say: (data: string) => void = () => {}
    const { site } = await hold({
      format: sse(),
      subscribe: ({ send }) => {
        say = (data) => send(event(data))
        return channel
      },
      stream: { head: 'first' },
    })
    const client = site.get('/?lastEventId=earliest')
    await turns()
    say('hello')
    await client.until('data: hello\n')
    expect(framesOf(client.body)).to.deep.equal([`position ${await channel.position()}`, 'hello undefined'])
  })
})
