import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import cors from 'cors'
import type { RequestHandler } from 'express'
import type { Page } from 'playwright-core'
import {
  type Channel,
  createHub,
  type PlainSpec,
  resource,
  sse,
  ndjson as toNdjson,
} from '../../lib/index.js'
import { bundledForBrowser } from '../support/bundled.js'
import { formatNames, formats } from '../support/formats.js'
import { staged, turnsUntil } from '../support/stage.js'
import { Tab } from './chromium.js'
import { type Served, serve, usesClients } from './clients.js'

interface Told {
  readonly data: unknown[]
  readonly ids: (string | undefined)[]
  readonly states: string[]
  readonly delays: number[]
  readonly gaps: object[]
  readonly error?: string
}

const quick = { retry: { first: 10, most: 100 } }

describe('The client in Chromium', () => {
  staged()
  usesClients('chromium')

  let script: string
  before(async () => {
    const page = await readFile(new URL('client-page.js', import.meta.url), 'utf8')
    script = `${await bundledForBrowser('lib/client.ts', 'client')}\n${page}`
  })

  const tabs: Tab[] = []
  afterEach(async () => {
    for (const tab of tabs.splice(0)) await tab.close()
  })

  /** A page of an origin, in a profile of its own. */
  async function open(origin: string): Promise<Page> {
    const tab = await Tab.open()
    tabs.push(tab)
    tab.page.setDefaultTimeout(10_000)
    await tab.page.addInitScript({ content: script })
    await tab.visit(origin)
    return tab.page
  }

  /** Another window of the same profile. */
  async function beside(page: Page): Promise<Page> {
    const other = await page.context().newPage()
    other.setDefaultTimeout(10_000)
    await other.addInitScript({ content: script })
    await other.goto(page.url())
    return other
  }

  /** Begins to follow a stream; does not wait for anything of it. */
  const follow = (page: Page, url: string, options: object = quick, name = 'it') =>
    page.evaluate(`void run(${[name, url, options].map((each) => JSON.stringify(each)).join()})`)

  const told = (page: Page, name = 'it') => page.evaluate(`told.${name}`) as Promise<Told>

  /** What is told, once this holds of it. */
  async function toldOnce(page: Page, holds: string, name = 'it'): Promise<Told> {
    await page.waitForFunction(`(({ data, ids, states, delays, gaps, error }) => ${holds})(told.${name})`)
    return told(page, name)
  }

  describe('of a channel', () => {
    let channel: Channel<number>
    let site: Served
    let page: Page

    const numbers: PlainSpec = {
      contentTypesProvided: [sse(), toNdjson()],
      subscribe: () => channel,
      stream: { retry: 10 },
    }

    const streams = () => [...site.endpoint.streams].length
    const asked = () => site.asked.filter(({ url }) => url === '/numbers')
    const publish = (...all: number[]) => Promise.all(all.map((each) => channel.publish(each)))

    beforeEach(async () => {
      channel = createHub().channel('numbers', { history: 100 })
      site = await serve({ '/numbers': numbers }, { before: [worker] })
      page = await open(site.url)
    })

    const worker: RequestHandler = (req, res, next) => {
      if (req.url !== '/worker.js') return next()
      res.type('js').send(`${script}
        const heard = (data) => globalThis.clients
          ? clients.matchAll({ includeUncontrolled: true }).then((all) => all.forEach((each) => each.postMessage(data)))
          : postMessage(data)
        onmessage = (event) => { const reading = run('it', event.data, ${JSON.stringify(quick)}); event.waitUntil?.(reading) }
        globalThis.heard = heard`)
    }

    it('goes on after it was offline: at once when the network is back, nothing missed, nothing twice', async () => {
      await follow(page, '/numbers', { retry: { first: 60_000, most: 60_000 } })
      await turnsUntil(() => streams() === 1)
      await publish(1)
      await toldOnce(page, 'data.length === 1')
      await page.context().setOffline(true)
      for (const socket of site.sockets) socket.resetAndDestroy()
      await toldOnce(page, `states.at(-1) === 'waiting'`)
      const ids = await publish(2, 3)
      await page.context().setOffline(false)
      const { data, ids: got } = await toldOnce(page, 'data.length === 3')
      expect(data).to.deep.equal([1, 2, 3])
      expect(got.slice(1)).to.deep.equal(ids)
    })

    it('is not closed because its page is hidden', async () => {
      await follow(page, '/numbers')
      await toldOnce(page, `states.at(-1) === 'open'`)
      await see(page, 'hidden')
      await publish(1)
      await toldOnce(page, 'data.length === 1')
      await see(page, 'visible')
      await publish(2)
      const { states } = await toldOnce(page, 'data.length === 2')
      expect(states).to.deep.equal(['connecting', 'open'])
      expect(asked()).to.have.length(1)
    })

    it('tries a connection again that is older than its silence allows, when its page wakes up', async () => {
      await follow(page, '/numbers')
      await toldOnce(page, `states.at(-1) === 'open'`)
      let opened = 1
      for (const event of ['document, visibilitychange', 'window, pageshow', 'window, online']) {
        const [target, type] = event.split(', ')
        const wake = () => page.evaluate(`void ${target}.dispatchEvent(new Event('${type}'))`)
        await wake()
        await publish(opened)
        await toldOnce(page, `data.length === ${opened}`)
        expect(asked(), `${type}, fresh`).to.have.length(opened)
        await page.evaluate('freeze(60_000)')
        await wake()
        opened += 1
        await toldOnce(page, `states.filter((each) => each === 'open').length === ${opened}`)
        await turnsUntil(() => streams() === 1)
      }
      expect((await told(page)).data).to.deep.equal([1, 2, 3])
    })

    it('goes on in a page that is loaded again where the loop of the one before was', async () => {
      await follow(page, '/numbers', { ...quick, store: 'place' })
      await turnsUntil(() => streams() === 1)
      await publish(1, 2)
      await toldOnce(page, 'data.length === 2')
      await page.waitForFunction('localStorage.place === told.it.ids[1]')
      await page.reload()
      await turnsUntil(() => streams() === 0)
      await publish(3, 4)
      await follow(page, '/numbers', { ...quick, store: 'place' })
      expect((await toldOnce(page, 'data.length === 2')).data).to.deep.equal([3, 4])
    })

    it('of two windows each has a stream of its own; one that is closed, or goes to another page, leaves none', async () => {
      const other = await beside(page)
      const third = await beside(page)
      const windows = [page, other, third]
      for (const each of windows) await follow(each, '/numbers')
      await turnsUntil(() => streams() === 3)
      await publish(1)
      for (const each of windows) await toldOnce(each, 'data.length === 1')
      await other.close()
      await third.goto('about:blank')
      await turnsUntil(() => streams() === 1)
      await publish(2)
      expect((await toldOnce(page, 'data.length === 2')).data).to.deep.equal([1, 2])
      await page.evaluate('streams.it.close()')
      await turnsUntil(() => streams() === 0)
    })

    it('reads in a worker, and leaves no stream when that is terminated', async () => {
      await page.evaluate(`
        globalThis.worker = new Worker('/worker.js')
        globalThis.got = []
        worker.onmessage = ({ data }) => got.push(data)
        worker.postMessage('/numbers')`)
      await turnsUntil(() => streams() === 1)
      await publish(1)
      await page.waitForFunction('got.join() === "1"')
      for (const socket of site.sockets) socket.resetAndDestroy()
      await publish(2)
      await page.waitForFunction('got.join() === "1,2"')
      await page.evaluate('worker.terminate()')
      await turnsUntil(() => streams() === 0)
    })

    it('reads in a service worker, once for all windows', async () => {
      await page.evaluate(`(async () => {
        globalThis.got = []
        navigator.serviceWorker.onmessage = ({ data }) => got.push(data)
        await navigator.serviceWorker.register('/worker.js')
        const { active } = await navigator.serviceWorker.ready
        active.postMessage('/numbers')
      })()`)
      const other = await beside(page)
      await other.evaluate(`
        globalThis.got = []
        navigator.serviceWorker.onmessage = ({ data }) => got.push(data)`)
      await turnsUntil(() => streams() === 1)
      await publish(1)
      for (const each of [page, other]) await each.waitForFunction('got.join() === "1"')
      expect(asked()).to.have.length(1)
    })
  })

  it('reads every format of the library, its bytes split anywhere', async () => {
    const names = ['plain', 'ümläut, "quoted"', '🤠']
    const table = Object.fromEntries(
      formatNames.map((name) => [
        `/${name}`,
        resource({
          contentTypesProvided: [formats[name]()],
          subscribe: () => names.map((each) => (/text|raw|multipart/.test(name) ? each : { name: each })),
        }),
      ]),
    )
    const site = await serve(table)
    const page = await open(site.url)
    for (const name of formatNames) {
      await follow(page, `/${name}`, { over: 'complete' }, name)
      const { data, error } = await toldOnce(page, `states.at(-1) === 'over'`, name)
      expect(error, name).to.equal(undefined)
      if (/text|raw/.test(name)) expect(data.join(''), name).to.equal(names.join(''))
      else
        expect(data, name).to.deep.equal(names.map((each) => (name === 'multipart' ? each : { name: each })))
    }
  })

  describe('from another origin', () => {
    const exposed = ['Last-Event-ID', 'Event-Gap', 'Retry-After']
    let site: Served
    let page: Page

    async function read(spec: PlainSpec, options: cors.CorsOptions): Promise<void> {
      const home = await serve({})
      // what is asked is noted before CORS answers
      site = await serve({ '/numbers': spec }, { before: [cors(options)] })
      page = await open(home.url)
      await follow(page, `${site.url}/numbers`)
    }

    const methods = () =>
      site.asked.map(({ method, headers }) => `${method} ${headers['last-event-id'] ?? ''}`)

    it('asks without a preflight at first, and with one when it comes back with its id', async () => {
      const channel = createHub().channel<number>('numbers', { history: 100 })
      const spec = { contentTypesProvided: [sse()], subscribe: () => channel, stream: { retry: 10 } }
      await read(spec, { allowedHeaders: ['Last-Event-ID'], exposedHeaders: exposed })
      await toldOnce(page, `states.at(-1) === 'open'`)
      const id = await channel.publish(1)
      await toldOnce(page, 'data.length === 1')
      for (const stream of site.endpoint.streams) stream.close()
      await channel.publish(2)
      expect((await toldOnce(page, 'data.length === 2')).data).to.deep.equal([1, 2])
      expect(methods()).to.deep.equal(['GET ', 'OPTIONS ', `GET ${id}`])
    })

    it('reads Retry-After, and Event-Gap where the format does not tell gaps, if they are exposed', async () => {
      for (const exposedHeaders of [exposed, []]) {
        const channel = createHub().channel<number>('numbers', { history: 1 })
        for (const n of [1, 2, 3]) await channel.publish(n)
        let isAway = true
        const spec: PlainSpec = {
          serviceAvailable: () => {
            const was = isAway
            isAway = false
            return was ? 1 : true
          },
          contentTypesProvided: [toNdjson()],
          subscribe: () => channel,
        }
        await read(spec, { exposedHeaders })
        await page.evaluate(`streams.it.close()`)
        const options = { ...quick, lastEventId: 'of-another-1' }
        isAway = true
        await follow(page, `${site.url}/numbers`, options, 'late')
        const { delays, gaps, data } = await toldOnce(page, 'data.length === 1', 'late')
        expect(data).to.deep.equal([3])
        expect(delays[0]! >= 1000).to.equal(exposedHeaders.length > 0)
        expect(gaps).to.deep.equal(
          exposedHeaders.length > 0 ? [{ reason: 'unknown', requested: 'of-another-1' }] : [],
        )
        await tabs.pop()!.close()
      }
    })
  })
})

/** Hides the page, or shows it, as far as it can tell. */
function see(page: Page, state: 'hidden' | 'visible'): Promise<unknown> {
  return page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))`)
}
