import { channel } from 'node:diagnostics_channel'
import { expect } from 'chai'
import { createHub } from '../../lib/index.js'
import { inside } from '../../lib/values/inside.js'
import { onEach } from './kinds.js'

const labels = { route: '/news', format: 'text/event-stream' }

interface Stream {
  readonly route: string
  readonly format: string
  readonly sent: number
}

/** An endpoint with as many streams, each of which has sent one event of ten bytes. */
function endpointWith(count: number) {
  const stream = (): Stream =>
    ({
      ...labels,
      queued: 0,
      sent: 1,
      bytes: 10,
      dropped: 0,
      [inside]: { isBehind: false, queuedBytes: 0 },
    }) as Stream
  const streams = new Set(Array.from({ length: count }, stream))
  const endpoint = () => {}
  const mounts = [{ route: labels.route, formats: [labels.format] }]
  Object.assign(endpoint, { [inside]: () => [{ endpoint, streams, mounts, isClosing: false }] })
  return { endpoint: endpoint as never, streams }
}

onEach('A scrape of many streams', (kind) => {
  it('lets other work in after each thousand', async () => {
    const { endpoint } = endpointWith(4500)
    const measured = kind.measure({ of: endpoint })
    let turns = 0
    let isOver = false
    const count = () => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const now = await measured.read()
    isOver = true
    expect(now.value('streams_open', labels)).to.equal(4500)
    expect(turns).to.be.at.least(4)
  })

  it('lets other work in among very many channels too', async () => {
    const hub = createHub()
    const channels = Array.from({ length: 2000 }, (_, at) => hub.channel(`user:${at}`, { history: 1 }))
    const measured = kind.measure({ of: [], hub })
    let turns = 0
    let isOver = false
    const count = () => {
      turns += 1
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const now = await measured.read()
    isOver = true
    expect(now.value('channel_subscribers', { channel: 'other' })).to.equal(0)
    // of each it asks for subscribers, and for what is retained
    expect(turns).to.be.at.least((2 * channels.length) / 500)
  })

  it('counts a stream that ends meanwhile once at most, and all of it by the next', async () => {
    const { endpoint, streams } = endpointWith(2500)
    const measured = kind.measure({ of: endpoint })
    const [first, last] = [[...streams][0]!, [...streams].at(-1)!]
    const ends = (stream: Stream) => {
      streams.delete(stream)
      const counts = { events: 1, bytes: 10, dropped: 0, life: 5 }
      const reason = { kind: 'disconnect' }
      channel('express-lariat:end').publish({ ...labels, ...counts, endpoint, stream, reason, wasOpen: true })
    }
    setImmediate(() => {
      ends(first)
      ends(last)
    })
    const during = await measured.read()
    expect(during.value('events_sent_total', labels)).to.equal(2499)
    const after = await measured.read()
    expect(after.value('streams_open', labels)).to.equal(2498)
    expect(after.value('events_sent_total', labels)).to.equal(2500)
    expect(after.value('bytes_sent_total', labels)).to.equal(25_000)
    expect(after.value('streams_ended_total', { ...labels, reason: 'disconnect' })).to.equal(2)
  })

  it('is one for all who ask at the same time', async () => {
    const { endpoint } = endpointWith(2500)
    const measured = kind.measure({ of: endpoint })
    const both = await Promise.all([measured.read(), measured.read()])
    for (const now of both) expect(now.value('events_sent_total', labels)).to.equal(2500)
  })
})
