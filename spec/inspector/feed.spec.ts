import { expect } from 'chai'
import { memory } from '../../lib/hub/memory.js'
import { createHub, type Endpoint, ndjson, resources } from '../../lib/index.js'
import { Looking } from '../../lib/inspector/looking.js'
import { type Query, queryOf } from '../../lib/inspector/query.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { inspecting, pass, Scene } from './scene.js'

const news = () =>
  resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: () => {} } }) as Endpoint

describe('A feed of an inspector', () => {
  inspecting()
  staged()

  it('tells a view when it is opened, and then when something has changed, at most four times a second', async () => {
    const scene = await Scene.of(news())
    const watch = scene.watch('feed?view=streams')
    expect((await watch.next(1)).total).to.equal(0)
    // nothing happens
    for (let times = 0; times < 8; times++) await pass()
    expect(watch.told).to.have.length(1)
    for (let at = 0; at < 5; at++) await scene.stream('/news')
    await pass(100)
    expect(watch.told).to.have.length(1)
    await pass(150)
    expect((await watch.next(2)).total).to.equal(5)
    // what ages is told once a second
    for (let times = 0; times < 8; times++) await pass()
    expect(watch.told.length).to.be.within(3, 5)
  })

  it('is answered as events of type `view`, or as one JSON document: as the client accepts', async () => {
    const scene = await Scene.of(news())
    const watch = scene.watch('feed')
    await watch.next(1)
    expect(watch.client.body).to.match(/^:\nevent: view\ndata: \{"about":\{"now":\d+,.*\}\n\n$/)
    for (const headers of [{}, { Accept: '*/*' }, { Accept: 'application/json' }] as const)
      expect((await scene.ask('feed', { headers })).headers['content-type']).to.equal('application/json')
    expect((await scene.ask('feed', { headers: { Accept: 'image/png' } })).status).to.equal(406)
  })

  it('is made once for all who look at the same, and by nobody else', async () => {
    let made = 0
    const looking = new Looking(() => {
      made += 1
      return { now: made, about: { pid: 1 }, rows: { made } }
    })
    const told: string[][] = [[], [], []]
    const [all, streams] = [queryOf('') as Query, queryOf('?view=streams') as Query]
    const away = [
      looking.attach(all, (text) => told[0]!.push(text)),
      looking.attach(all, (text) => told[1]!.push(text)),
      looking.attach(streams, (text) => told[2]!.push(text)),
    ]
    expect(made).to.equal(2)
    stage.now.time.advance(250)
    expect(made).to.equal(4)
    expect(told[0]).to.deep.equal(told[1])
    expect(told.map(({ length }) => length)).to.deep.equal([2, 2, 2])
    for (const each of away) each()
    stage.now.time.advance(10_000)
    expect(made).to.equal(4)
  })

  it('is told less often where it takes long to make: requests are not to wait for it', () => {
    let made = 0
    const looking = new Looking(() => {
      made += 1
      for (const began = performance.now(); performance.now() - began < 20; );
      return { now: made, about: { pid: 1 }, rows: { made } }
    })
    const away = looking.attach(queryOf('') as Query, () => {})
    stage.now.time.advance(1900)
    expect(made).to.equal(1)
    stage.now.time.advance(5000)
    expect(made).to.be.within(2, 4)
    away()
  })

  it('goes on after a view could not be made, and ends nothing but that', async () => {
    let made = 0
    const looking = new Looking(() => {
      made += 1
      if (made === 2) throw Object.assign(new Error('of the app'), { stack: 'of the app' })
      return { now: made, about: {}, rows: { made } }
    })
    const told: string[] = []
    const away = looking.attach(queryOf('') as Query, (text) => told.push(text))
    for (let times = 0; times < 3; times++) stage.now.time.advance(5000)
    await turns()
    expect(made).to.be.at.least(4)
    expect(told).to.have.length(made - 1)
    expect(stage.now.warnings.splice(0).map(({ message }) => message)).to.deep.equal([
      'Making a view of the inspector failed: of the app',
    ])
    away()
  })

  it('shows channels of a store that does not answer as far as they are known: events at once, JSON in a second', async () => {
    const store = memory()
    const open = store.open.bind(store)
    const hub = createHub(
      Object.assign(store, {
        open: (...of: Parameters<typeof open>) =>
          Object.assign(open(...of), { retained: () => new Promise<never>(() => {}) }),
      }),
    )
    hub.channel('prices', { history: 1 })
    const scene = await Scene.of(news(), { hub })
    expect((await scene.watch('feed?view=channels').next(1)).rows[0].retained).to.equal(null)
    const rows = scene.rows('view=channels')
    await turns()
    stage.now.time.advance(1000)
    expect((await rows)[0]).to.include({ name: 'prices', retained: null })
  })

  it('leaves nothing behind: nothing is made, nothing waits on the clock', async () => {
    const scene = await Scene.of(news())
    const watch = scene.watch('feed?view=channels')
    await watch.next(1)
    watch.client.leave()
    await turns()
    stage.now.time.advance(60_000)
    // the stage looks whether anything is left on the clock
  })

  it('ends by itself when all endpoints close, and says so before: it does not hold up a shutdown', async () => {
    const endpoint = news()
    const scene = await Scene.of(endpoint)
    const client = await scene.stream('/news')
    const [watch, tail] = [
      scene.watch('feed?view=streams'),
      scene.watch(`tail?stream=${[...endpoint.streams][0]!.id}`),
    ]
    await watch.next(1)
    await tail.client.head()
    await endpoint.close()
    await client.closed()
    await pass()
    const { body } = await watch.client.whole()
    await tail.client.whole()
    expect(
      JSON.parse(
        body
          .match(/^data: (.*)$/gm)!
          .at(-1)!
          .slice(6),
      ).about.closing,
    ).to.equal(true)
    // one that comes now is told, and ends
    const late = scene.watch('feed')
    await late.next(1)
    await pass()
    await late.client.whole()
    const [finding] = (await scene.view('view=overview')).alerts
    expect(finding.text).to.equal('All endpoints are closing: new requests are answered 503.')
  })

  it('goes on while one of several endpoints is open', async () => {
    const [one, other] = [news(), news()]
    const scene = await Scene.of(one, { of: [one, other] } as never)
    const watch = scene.watch('feed')
    await watch.next(1)
    await one.close()
    await pass()
    expect(watch.client.message.isWhole).to.equal(false)
  })

  it('ends with the inspector’s close(), and what follows is answered 503', async () => {
    const scene = await Scene.of(news())
    const watch = scene.watch('feed')
    await watch.next(1)
    const closed = scene.inspector.close()
    await watch.client.whole()
    await closed
    expect((await scene.ask('feed')).status).to.equal(503)
  })

  it('is in no list of streams, also of another inspector, and counts against no cap of the app', async () => {
    const endpoint = resources(
      { '/news': { contentTypesProvided: [ndjson()], subscribe: () => {} } },
      { stream: { maxStreams: 1 } },
    )
    const scene = await Scene.of(endpoint)
    const watch = scene.watch('feed?view=streams')
    await watch.next(1)
    await scene.stream('/news')
    await turnsUntil(() => [...endpoint.streams].length === 1)
    const { rows } = await scene.view('view=streams')
    expect(rows.map(({ path }: { path: string }) => path)).to.deep.equal(['/news'])
  })
})
