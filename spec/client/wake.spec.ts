import { expect } from 'chai'
import { turns, turnsUntil } from '../support/stage.js'
import { answering, clients, clientTime, loop } from './scene.js'

/** What a page has, to which listeners are added. */
class Target {
  readonly listeners: [string, () => void][] = []
  visibilityState = 'visible'

  readonly addEventListener = (type: string, listener: () => void) =>
    void this.listeners.push([type, listener])

  readonly removeEventListener = (type: string, listener: () => void) => {
    const at = this.listeners.findIndex((each) => each[0] === type && each[1] === listener)
    if (at >= 0) this.listeners.splice(at, 1)
  }

  dispatch(type: string): void {
    for (const [of, listener] of [...this.listeners]) if (of === type) listener()
  }
}

describe('A client on a page', () => {
  clients()

  let page: Target
  let pageDocument: Target

  beforeEach(() => {
    page = new Target()
    pageDocument = new Target()
    const { addEventListener, removeEventListener } = page
    Object.assign(globalThis, { document: pageDocument, addEventListener, removeEventListener })
  })

  afterEach(() => {
    for (const name of ['document', 'addEventListener', 'removeEventListener'])
      Reflect.deleteProperty(globalThis, name)
  })

  const events = [
    ['online', () => page.dispatch('online')],
    ['pageshow', () => page.dispatch('pageshow')],
    ['visibilitychange', () => pageDocument.dispatch('visibilitychange')],
  ] as const

  for (const [type, dispatch] of events) {
    it(`Tries again at once on ${type}, if nothing has come for longer than it may be silent`, async () => {
      const server = await answering()
      const loops = loop(server)
      const request = await server.next()
      request.stream('id: a\ndata: 1\n\n')
      await loops.count(1)
      await turns()
      clientTime.shift(45_000)
      dispatch()
      await turns()
      expect(loops.client.state, 'within its silence').to.equal('open')
      clientTime.shift(1)
      dispatch()
      await loops.retried()
      expect((await server.next()).headers['last-event-id']).to.equal('a')
    })

    it(`Does not wait on, on ${type}`, async () => {
      const server = await answering()
      const loops = loop(server)
      ;(await server.next()).cut()
      await loops.becomes('waiting')
      await turns()
      dispatch()
      await server.next()
    })

    it(`Waits on, on ${type}, where the server has said when to come back`, async () => {
      const server = await answering()
      const loops = loop(server)
      ;(await server.next()).answer(503, { 'retry-after': '60' })
      await loops.becomes('waiting')
      await turns()
      dispatch()
      await server.none()
    })

    it(`Leaves the store in peace on ${type}, however long that takes`, async () => {
      const server = await answering()
      let go = () => {}
      const set = () =>
        new Promise<void>((resolve) => {
          go = resolve
        })
      const loops = loop(server, { store: { get: () => null, set } })
      ;(await server.next()).stream('id: a\ndata: 1\n\ndata: 2\n\n')
      await loops.count(1)
      await turns()
      clientTime.shift(100_000)
      dispatch()
      go()
      await loops.count(2)
    })
  }

  it('Is not closed because the page is hidden, and tries nothing then', async () => {
    const server = await answering()
    const loops = loop(server)
    ;(await server.next()).stream('data: 1\n\n')
    await loops.count(1)
    pageDocument.visibilityState = 'hidden'
    clientTime.shift(100_000)
    pageDocument.dispatch('visibilitychange')
    await turns()
    expect(loops.client.state).to.equal('open')
    server.requests[0]?.write('data: 2\n\n')
    await loops.count(2)
  })

  for (const by of ['close', 'return', 'failure', 'end'] as const)
    it(`Leaves no listener behind: ${by}`, async () => {
      const server = await answering()
      const loops = loop(server)
      const request = await server.next()
      expect(page.listeners.length + pageDocument.listeners.length).to.equal(3)
      if (by === 'failure') request.answer(404)
      if (by === 'end') request.answer(204)
      if (by === 'close') loops.client.close()
      if (by === 'return') await loops.client.return?.()
      await loops.ended
      expect(page.listeners.length + pageDocument.listeners.length).to.equal(0)
    })

  it('Gathers nothing in many attempts and messages: no listener, and one timer', async () => {
    const server = await answering()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener
    signal.addEventListener = (...of: Parameters<typeof add>) => {
      listeners += 1
      add.apply(signal, of)
    }
    const loops = loop(server, { signal })
    for (let round = 1; round <= 50; round++) {
      const request = await server.next()
      request.stream('data: 1\n\n'.repeat(20))
      await loops.count(20 * round)
      await turns(2)
      expect(clientTime.size).to.equal(1)
      request.cut()
      await loops.retried()
    }
    await turnsUntil(() => server.requests.slice(0, 50).every(({ isGone }) => isGone))
    expect([listeners, page.listeners.length, pageDocument.listeners.length]).to.deep.equal([1, 2, 1])
  })
})
