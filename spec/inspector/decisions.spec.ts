import { expect } from 'chai'
import { ndjson, resource, resources, sse, stop } from '../../lib/index.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { inspecting, type Json, pass, Scene } from './scene.js'

const table = () =>
  resources({
    '/news': { contentTypesProvided: [sse()], subscribe: () => {} },
    '/books/:isbn': {
      isAuthorized: ({ req }) => req.get('authorization') === 'Bearer rope' || 'Bearer realm="books"',
      resourceExists: ({ req }) => req.params.isbn !== '0',
      contentTypesProvided: { 'application/json': () => ({ secret: 'of the app' }) },
    },
    '/login': resource({
      allowedMethods: ['POST'],
      contentTypesAccepted: { 'application/json': () => ({ seeOther: '/home?session=s3cr3t&tab=1' }) },
    }),
    '/broken': resource({
      contentTypesProvided: {
        'text/plain': () => {
          throw Object.assign(new Error('the disk is full'), { status: 507 })
        },
      },
    }),
    '/mine': { contentTypesProvided: [ndjson()], subscribe: () => stop(409) },
  })

const known = { authorization: 'Bearer rope' }

describe('The decisions that an inspector shows', () => {
  inspecting()
  staged()

  /** A scene in which somebody has looked a moment ago. */
  async function looked(): Promise<Scene> {
    const scene = await Scene.of(table())
    await scene.view('view=decisions')
    return scene
  }

  const get = async (scene: Scene, path: string, headers: Record<string, string> = {}, more = {}) => {
    const client = scene.site.get(path, { headers, ...more })
    await client.head()
    client.leave()
    await turns()
  }

  it('are those of every request while somebody looks: what it got, and at which question', async () => {
    const scene = await looked()
    await get(scene, '/news', { Accept: 'text/event-stream', 'User-Agent': 'curl/8' })
    await get(scene, '/news', { Accept: 'application/json' })
    await get(scene, '/books/1')
    await get(scene, '/books/0', known)
    await get(scene, '/books/1', known)
    await get(scene, '/mine')
    await get(scene, '/broken')
    const rows = (await scene.rows('view=decisions')).reverse()
    const shown = rows.map(({ url, status, outcome, question }: Json) => [url, status, outcome, question])
    expect(shown).to.deep.equal([
      ['/news', 200, 'loop', 'provide'],
      ['/news', 406, 'refused', 'acceptableMediaType'],
      ['/books/1', 401, 'refused', 'isAuthorized'],
      ['/books/0', 404, 'refused', 'isGone'],
      ['/books/1', 200, 'status', 'isPartial'],
      ['/mine', 409, 'refused', 'subscribe'],
      ['/broken', 507, 'error', 'provide'],
    ])
    expect(rows[0]).to.include({
      method: 'GET',
      route: '/news',
      accept: 'text/event-stream',
      userAgent: 'curl/8',
      hasSteps: true,
    })
    expect(rows[2]).to.include({ route: '/books/:isbn', client: '127.0.0.1' })
    expect(rows[6]).to.include({ error: 'Error: the disk is full' })
    expect(rows[0].ms).to.be.a('number')
  })

  it('one opened shows each question, its answer and value, and the header fields', async () => {
    const scene = await looked()
    await get(scene, '/books/1', known)
    const [{ id }] = await scene.rows('view=decisions')
    const { body } = await scene.ask(`decisions/${id}`)
    const full = JSON.parse(body)
    expect(full).to.include({ id, status: 200, url: '/books/1' })
    const steps = Object.fromEntries(full.steps.map((step: Json) => [step.question, step]))
    const asked = full.steps.map(({ question }: Json) => question)
    expect(asked[0]).to.be.a('string')
    expect(steps.provide).to.include({ value: 'object' })
    expect(steps.isAuthorized).to.include({ answer: 'yes', value: 'true' })
    expect(Object.values(steps).every(({ ms }: Json) => typeof ms === 'number')).to.equal(true)
    expect(Object.values(steps).map(({ answer }: Json) => answer)).to.include.members(['yes', 'no'])
    expect(full.headers).to.deep.include({ host: 'localhost', authorization: '…' })
    expect(body).not.to.include('of the app')
    expect(body).not.to.include('rope')
  })

  it('one that is not there is 404', async () => {
    const scene = await looked()
    for (const id of ['zz', '__proto__', '%2e%2e'])
      expect((await scene.ask(`decisions/${id}`)).status).to.equal(404)
  })

  it('secrets are not shown: in queries, header fields and answers', async () => {
    const scene = await looked()
    const secret = 's3cr3t'
    const query = [
      'token',
      'access_token',
      'api%4Bey',
      'client_secret',
      'password',
      'ticket',
      'auth',
      'sessionId',
      'X-Amz-Signature',
      'code',
      'a[token]',
    ]
      .map((name) => `${name}=${secret}`)
      .join('&')
    const headers = Object.fromEntries(
      [
        'Authorization',
        'Cookie',
        'Proxy-Authorization',
        'X-Api-Key',
        'X-CSRF-Token',
        'My-Secret',
        'X-Password',
        'X-Ticket',
        'X-Session-Id',
      ].map((name) => [name, secret]),
    )
    await get(scene, `/news?${query}&lastEventId=7&page=2`, {
      ...headers,
      Referer: `http://localhost/?token=${secret}`,
      'X-Other': `Bearer ${secret}`,
    })
    await get(scene, '/login', { 'Content-Type': 'application/json' }, { method: 'POST', body: '{}' })
    const view = await scene.ask('feed?view=decisions', { headers: { Accept: 'application/json' } })
    const { rows } = JSON.parse(view.body)
    const full = await Promise.all(
      rows.map(async ({ id }: Json) => (await scene.ask(`decisions/${id}`)).body),
    )
    for (const text of [view.body, ...full]) expect(text).not.to.include(secret)
    expect(rows[1].url).to.match(/token=…&.*lastEventId=7&page=2$/)
    expect(full[1]).to.include('"x-other":"…"')
    expect(full[1]).to.include('"host":"localhost"')
    expect(full[0]).to.include('/home?session=…&tab=1')
  })

  it('while nobody looks only refusals are kept, without their steps, and it says since when more are', async () => {
    const scene = await Scene.of(table())
    await get(scene, '/news')
    await get(scene, '/news', { Accept: 'application/json', Authorization: 'Bearer rope' })
    const { rows, about } = await scene.view('view=decisions')
    expect(rows).to.have.length(1)
    expect(rows[0]).to.include({
      status: 406,
      outcome: 'refused',
      question: 'acceptableMediaType',
      hasSteps: false,
      ms: null,
    })
    expect(rows[0].at).to.be.at.most(about.recordingSince + 10)
    const { steps, headers } = JSON.parse((await scene.ask(`decisions/${rows[0].id}`)).body)
    expect([steps, headers.accept, headers.authorization]).to.deep.equal([[], 'application/json', '…'])
  })

  it('are recorded for a minute after the last look, and no longer', async () => {
    const scene = await Scene.of(table())
    const watch = scene.watch('feed?view=decisions')
    await watch.next(1)
    stage.now.time.advance(120_000)
    await get(scene, '/news?at=1')
    watch.client.leave()
    await turns()
    stage.now.time.advance(59_000)
    await get(scene, '/news?at=2')
    stage.now.time.advance(1000)
    await get(scene, '/news?at=3')
    const urls = (await scene.rows('view=decisions')).map(({ url }) => url)
    expect(urls).to.deep.equal(['/news?at=2', '/news?at=1'])
  })

  it('a refusal stays, however many requests are answered after it; of each kind the last 200 are kept', async () => {
    const scene = await looked()
    await get(scene, '/news', { Accept: 'application/json' })
    const client = scene.site.get('/books/1?n=0', { headers: known })
    for (let n = 1; n < 250; n++) client.ask(`/books/1?n=${n}`, { headers: known })
    await turnsUntil(() => client.messages.length === 250 && client.message.isWhole)
    expect(await scene.view('view=decisions')).to.include({ total: 201, pages: 5 })
    const [row, ...others] = await scene.rows('view=decisions&status=4xx')
    expect([row.status, others.length]).to.deep.equal([406, 0])
  })

  it('can be filtered by route, status, question and text', async () => {
    const scene = await looked()
    await get(scene, '/news', { Accept: 'application/json', 'User-Agent': 'odd client' })
    await get(scene, '/books/1')
    await get(scene, '/books/0', known)
    const urls = async (query: string) => (await scene.rows(`view=decisions&${query}`)).map(({ url }) => url)
    expect(await urls('route=/news')).to.deep.equal(['/news'])
    expect(await urls('status=401')).to.deep.equal(['/books/1'])
    expect(await urls('status=4xx')).to.deep.equal(['/books/0', '/books/1', '/news'])
    expect(await urls('status=2xx')).to.deep.equal([])
    expect(await urls('question=acceptableMediaType')).to.deep.equal(['/news'])
    expect(await urls('q=ODD')).to.deep.equal(['/news'])
    const { routes, questions } = await scene.view('view=decisions')
    expect(routes).to.deep.equal(['/books/:isbn', '/news'])
    expect(questions).to.include('acceptableMediaType')
  })

  it('its own requests, and those to other endpoints, are none of them', async () => {
    const scene = await Scene.of(table(), {
      serve: {
        before: [],
        after: [resource({ contentTypesProvided: { 'text/plain': () => 'other' } }) as never],
      },
    })
    const watch = scene.watch('feed?view=decisions')
    await watch.next(1)
    await scene.ask('decisions/none')
    await get(scene, '/other')
    await get(scene, '/other', { Accept: 'image/png' })
    await pass()
    expect(await scene.rows('view=decisions')).to.deep.equal([])
    expect((await scene.view('view=streams')).total).to.equal(0)
  })
})
