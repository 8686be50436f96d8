import { expect } from 'chai'
import type { FollowOptions } from '../../lib/client/options.js'
import { turns, turnsUntil } from '../support/stage.js'
import { answering, clients, loop } from './scene.js'

describe('A client is ended by its own callbacks', () => {
  clients()

  const gap = { 'event-gap': 'trimmed' }
  const retained = { get: () => null, set() {} }
  const inCallbacks: Record<string, (close: () => undefined) => FollowOptions> = {
    headers: (close) => ({ headers: () => close() ?? {} }),
    'store.get()': (close) => ({ store: { ...retained, get: close } }),
    'store.set()': (close) => ({ store: { ...retained, set: close } }),
    'refresh()': (refresh) => ({ refresh }),
    'parse()': (parse) => ({ parse }),
    'onGap, by the head': (onGap) => ({ onGap, accept: 'application/x-ndjson' }),
    'onGap, before a message': (onGap) => ({ onGap }),
  }
  for (const of of ['connecting', 'open', 'waiting', 'over'] as const)
    inCallbacks[`onState, when it is ${of}`] = (close) => ({
      onState: (state) => void (state === of && close()),
    })

  for (const [name, options] of Object.entries(inCallbacks))
    it(`By close() in ${name}: nothing comes after it`, async () => {
      const server = await answering()
      let closed = 0
      let come = 0
      const loops = loop(
        server,
        options(() => {
          closed += 1
          loops.client.close()
          come = server.requests.length
          return undefined
        }),
      )
      const is = (word: string) => name.includes(word)
      let over = false
      void loops.ended.then(() => {
        over = true
      })
      await turnsUntil(() => over || server.requests.length > 0)
      const [request] = server.requests
      if (is('refresh')) request?.answer(401)
      else if (is('head')) request?.stream('1\n', { ...gap, 'content-type': 'application/x-ndjson' })
      else request?.stream('id: a\ndata: 1\n\n', is('before') ? gap : {})
      if (is('waiting') || is('over')) request?.end()
      if (is('over')) loops.client.close()
      expect(await loops.ended).to.equal(undefined)
      await turns()
      expect(closed).to.equal(1)
      expect(loops.data).to.deep.equal(is('set') || is('waiting') ? [1] : [])
      expect(loops.states.filter(([state]) => state === 'over').length).to.equal(1)
      expect(loops.client.state).to.equal('over')
      expect(server.requests.length, 'requests after it').to.equal(come)
      await turnsUntil(() => server.requests.every(({ isGone }) => isGone))
    })

  it('By close() while headers() waits: a fetch that ignores its signal is not called any more', async () => {
    let asked = 0
    let go = () => {}
    const headers = () =>
      new Promise<Record<string, string>>((resolve) => {
        go = () => resolve({})
      })
    const fetched = async () => {
      asked += 1
      return new Response()
    }
    const loops = loop({ url: 'http://127.0.0.1/' }, { headers, fetch: fetched, body: 'costs money' })
    await turns()
    loops.client.close()
    go()
    await turns()
    expect(asked).to.equal(0)
  })
})
