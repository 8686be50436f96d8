import { expect } from 'chai'
import type { Sample } from '../../../demo/bookshop/sampler.js'
import { type Demo, eventsOf, next, recordsOf, runDemo, until } from './demo.js'

describe('The demo: /api/stream', function () {
  this.timeout(30_000)
  let demo: Demo

  afterEach(() => demo.close())

  /** All that still comes of a stream that is cut. */
  const untilCut = async <T>(stream: AsyncIterable<T>) => {
    const taken: T[] = []
    const reading = (async () => {
      for await (const each of stream) taken.push(each)
    })()
    await reading.then(
      () => expect.fail('the stream ended, complete'),
      (error) => expect(error).to.have.property('message', 'terminated'),
    )
    return taken
  }

  const samples = async () => recordsOf<Sample>(await demo.ask('GET /api/stream'))

  it('Streams what a process of its own sees of this machine', async () => {
    demo = await runDemo()
    const stream = await samples()
    const [first, second] = (await next(2, stream)) as [Sample, Sample]
    await stream.return(null)
    expect(first).to.have.all.keys('pid', 'at', 'cpu', 'memory', 'load')
    expect(first.pid).to.not.equal(process.pid)
    expect(first.cpu).to.be.within(0, 1)
    expect(first.memory).to.be.within(0, 1)
    expect(first.load).to.be.at.least(0)
    expect(Date.parse(second.at)).to.be.above(Date.parse(first.at))
  })

  it('When the process is killed every open stream is cut: it has failed; who asks while it is dead gets 503', async () => {
    demo = await runDemo({ restartAfter: 600_000 })
    const streams = [await samples(), await samples(), await samples()]
    const firsts = await Promise.all(streams.map((stream) => next(1, stream)))
    const pids = new Set(firsts.map(([sample]) => sample!.pid))
    expect(pids.size).to.equal(1)
    const [pid] = pids
    process.kill(pid!, 'SIGKILL')
    await Promise.all(streams.map(untilCut))
    const answer = await demo.ask('GET /api/stream')
    expect(answer.status).to.equal(503)
    expect(answer.headers.get('content-type')).to.equal('application/problem+json')
    expect(await answer.json()).to.deep.include({ status: 503 })
  })

  it('An EventSource is told that its stream has failed, before it is cut', async () => {
    demo = await runDemo({ restartAfter: 600_000 })
    const events = eventsOf(await demo.ask('GET /api/stream', { headers: { Accept: 'text/event-stream' } }))
    const [first] = await next(1, events)
    process.kill(JSON.parse(first!.data).pid, 'SIGKILL')
    const last = (await untilCut(events)).at(-1)
    expect(last).to.deep.equal({ type: 'failed', data: '{}' })
  })

  it('/api/stream/source: looks whether it lives, and kills it', async () => {
    demo = await runDemo({ restartAfter: 600_000 })
    const source = async () => (await demo.ask('GET /api/stream/source')).json()
    const stream = await samples()
    const [{ pid }] = (await next(1, stream)) as [Sample]
    expect(await source()).to.deep.equal({ pid, isAlive: true, restartAfter: 600_000 })
    expect((await demo.ask('DELETE /api/stream/source')).status).to.equal(204)
    await untilCut(stream)
    expect(await source()).to.deep.equal({ pid, isAlive: false, restartAfter: 600_000 })
    expect((await demo.ask('DELETE /api/stream/source')).status).to.equal(204)
  })

  it('The process comes back, as another one', async () => {
    demo = await runDemo({ restartAfter: 0 })
    const before = await samples()
    const [{ pid }] = (await next(1, before)) as [Sample]
    process.kill(pid)
    await untilCut(before)
    await until(async () => {
      const answer = await demo.ask('GET /api/stream')
      if (answer.status !== 200) return false
      const records = recordsOf<Sample>(answer)
      const [sample] = await next(1, records)
      await records.return(null)
      return sample!.pid !== pid
    })
  })

  it('HEAD has the head and ends', async () => {
    demo = await runDemo()
    const answer = await demo.ask('HEAD /api/stream')
    expect(answer.status).to.equal(200)
    expect(answer.headers.get('content-type')).to.equal('application/x-ndjson')
    expect(await answer.text()).to.equal('')
  })

  it('POST is 405', async () => {
    demo = await runDemo()
    const answer = await demo.ask('POST /api/stream')
    expect(answer.status).to.equal(405)
  })
})
