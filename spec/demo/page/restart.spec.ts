import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { BooksInRedis } from '../../../demo/bookshop/books-in-redis.js'
import { launch, Windows } from '../../support/browser.js'
import { needs } from '../../support/installed.js'
import { RedisServer } from '../../support/redis/server.js'
import { startServer, urlOf } from '../bookshop/process.js'
import { replaced } from '../bookshop/stores.js'
import { away, countsOf, erlang, look, shows } from './page.js'

const programming = { isbn: erlang, title: 'Programming Erlang', author: 'Joe Armstrong' }

/** The demo in a process of its own, which can be killed and started again at the same place. */
class Server {
  readonly #port: number
  readonly #redis: string | undefined
  #process: ChildProcess | undefined

  constructor(port: number, redis?: string) {
    this.#port = port
    this.#redis = redis
  }

  get url(): string {
    return `http://localhost:${this.#port}`
  }

  async start(): Promise<void> {
    const settings = { PORT: String(this.#port), ...(this.#redis && { REDIS_URL: this.#redis }) }
    this.#process = await startServer(settings)
    await urlOf(this.#process)
    this.#process.stdout?.resume()
    this.#process.stderr?.resume()
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill(signal)
    await exited
  }

  /** Changes the year of a book; false if the server is away. */
  async put(year: number): Promise<boolean> {
    const book = { ...programming, year }
    const answer = await fetch(`${this.url}/api/books/${erlang}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(book),
    }).catch(() => undefined)
    return answer?.ok ?? false
  }

  async year(): Promise<number> {
    return (await (await fetch(`${this.url}/api/books/${erlang}`)).json()).year
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('The demo: the page, while the server is killed and started again', function () {
  this.timeout(90_000)
  needs('chromium')
  let browser: Browser
  let windows: Windows
  let server: Server

  before(async () => {
    browser = await launch()
  })

  beforeEach(async () => {
    windows = await Windows.in(browser)
  })

  afterEach(async () => {
    await windows.close()
    await server.kill()
    windows.forgive(away)
    expect(windows.complaints, 'console errors').to.deep.equal([])
  })

  after(() => browser?.close())

  async function open(): Promise<Page> {
    const page = await windows.open(server.url)
    await shows(page, '.book')
    await shows(page, '#happening-state', 'Live')
    return page
  }

  const shownYear = (page: Page, year: number) =>
    page.locator(`.book[data-isbn="${erlang}"] .isbn`, { hasText: `${year} ·` }).waitFor()

  const idsOf = (page: Page) =>
    page.locator('#events li[data-id]').evaluateAll((items) => items.map((each) => each.dataset.id!))

  describe('its books in memory', () => {
    beforeEach(async () => {
      server = new Server(await freePort())
      await server.start()
    })

    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      it(`${signal}: comes back, says what it could not have seen, loads the shelf again; no event comes twice`, async () => {
        const page = await open()
        for (let year = 1; year <= 5; year++) await server.put(year)
        await countsOf(page, { seen: 5, missed: 0, twice: 0 })
        const [last] = await idsOf(page)
        await shows(page, '#machine-state', 'Live, from process')
        await server.kill(signal)
        await shows(page, '#happening-state', 'Lost the connection')
        await shows(page, '#machine-state', /Lost|ended/)
        await server.start()
        await shows(
          page,
          '#events .gap',
          `An unknown number of events is missing after ${last}: the server has restarted`,
        )
        await shows(page, '#shelf-notice', /Its books were kept in memory: what was added.* before is gone/)
        await shownYear(page, 2013)
        for (let year = 6; year <= 8; year++) await server.put(year)
        await countsOf(page, { seen: 8, missed: 'unknown number', twice: 0 })
        await page.click('#shelf-notice-read')
        await page.locator('#shelf-notice').waitFor({ state: 'hidden' })
        await shownYear(page, 8)
        const ids = await idsOf(page)
        expect(new Set(ids).size).to.equal(8)
        await shows(page, '#machine-state', 'Live, from process')
        await shows(page, '#log-state', 'Live')
      })
    }

    it('a page on which nothing has happened yet misses nothing of what is first', async () => {
      const page = await open()
      await server.kill()
      await shows(page, '#happening-state', 'Lost the connection')
      await server.start()
      await server.put(1)
      await countsOf(page, { seen: 1, missed: 'unknown number', twice: 0 })
      await shownYear(page, 1)
    })

    it('the gap is told once in each window, however often one is hidden and shown after it', async () => {
      const page = await open()
      const other = await open()
      await server.put(1)
      for (const each of [page, other]) await countsOf(each, { seen: 1 })
      await server.kill()
      await server.start()
      for (const each of [page, other]) await shows(each, '#events .gap', 'has restarted')
      for (let time = 0; time < 3; time++) {
        await look(page, 'hidden')
        await look(page, 'visible')
        await shows(page, '#happening-state', 'Live')
      }
      await server.put(2)
      for (const each of [page, other]) {
        await countsOf(each, { seen: 2, missed: 'unknown number', twice: 0 })
        expect(await each.locator('#events .gap').count()).to.equal(1)
      }
    })

    it('in the midst of a burst: the page ends with what the server has', async () => {
      const page = await open()
      let year = 0
      const burst = async () => {
        while (await server.put(++year)) if (year === 30) void server.kill()
      }
      await burst()
      await server.start()
      await shows(page, '#events .gap', 'An unknown number of events')
      const before = Number(await page.locator('#seen').textContent())
      for (let next = 1; next <= 10; next++) await server.put(1000 + next)
      await countsOf(page, { seen: before + 10, missed: 'unknown number', twice: 0 })
      await shownYear(page, 1010)
    })
  })

  describe('its books in Redis', () => {
    needs('redis-server')
    let redis: RedisServer

    beforeEach(async () => {
      redis = new RedisServer({ socket: true })
      await redis.start()
      server = new Server(await freePort(), redis.url)
      await server.start()
    })

    afterEach(async () => {
      await server.kill()
      await redis.close()
    })

    it('the books are still there, and what happened to them meanwhile comes: nothing is missed', async () => {
      const page = await open()
      const pid = await page.locator('#happening-state').getAttribute('data-process')
      await server.put(1)
      await countsOf(page, { seen: 1 })
      await server.kill()
      await shows(page, '#happening-state', 'Lost the connection')
      const other = await BooksInRedis.open(redis.url)
      await replaced(other, erlang, { ...programming, year: 2 })
      await other.close()
      await server.start()
      await countsOf(page, { seen: 2, missed: 0, twice: 0 })
      await shownYear(page, 2)
      expect(await page.locator('#events .gap').count()).to.equal(0)
      await shows(page, '#happening-state', new RegExp(`^Live, from process \\d+, after ${pid}`))
    })

    it('a page on which nothing has happened, and that was not looked at, gets it all the same', async () => {
      const page = await open()
      await look(page, 'hidden')
      await server.put(1)
      await server.kill()
      await server.start()
      await look(page, 'visible')
      await countsOf(page, { seen: 1, missed: 0, twice: 0 })
      await shownYear(page, 1)
    })

    it('Redis loses them: the page shows what there is then', async () => {
      const page = await open()
      await server.put(1)
      await countsOf(page, { seen: 1 })
      await redis.stop()
      await redis.start()
      await shows(page, '#events .gap', 'missing after')
      await shows(page, '#events .gap', ': Redis was emptied')
      await shows(page, '#events .restocked', 'Anything may have changed')
      await shownYear(page, 2013)
      // the gap may be told before the books can be read again
      windows.forgive(/503 \(Service Unavailable\)/)
    })
  })
})
