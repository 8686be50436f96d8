import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { classics } from '../../../demo/bookshop/classics.js'
import { launch, Windows } from '../../support/browser.js'
import { needs } from '../../support/installed.js'
import { RedisServer } from '../../support/redis/server.js'
import { isFull } from '../../support/runs.js'
import { Several, send } from '../bookshop/several.js'
import { away, countsOf, shows } from './page.js'

/** Adds books one after the other, until it is stopped; each on connections of its own, to whichever process takes them. */
class Supplier {
  readonly created: string[] = []
  readonly #books: string
  #isStopped = false
  readonly #done: Promise<void>
  readonly #waiting: { count: number; resolve: () => void }[] = []

  constructor(url: string) {
    this.#books = `${url}/api/books`
    this.#done = this.#supply()
  }

  /** Waits until so many more have been added. */
  more(count: number): Promise<void> {
    const more = new Promise<void>((resolve) => {
      this.#waiting.push({ count: this.created.length + count, resolve })
    })
    return Promise.race([more, this.#done])
  }

  /** Adds no more; resolves when the last one is added. */
  async stop(): Promise<readonly string[]> {
    this.#isStopped = true
    await this.#done
    return this.created
  }

  async #supply(): Promise<void> {
    while (!this.#isStopped) {
      const isbn = isbnOf(this.created.length)
      const book = { isbn, title: `Volume ${this.created.length}`, author: 'The Supplier' }
      // a process that is killed answers nothing, and may have added it all the same: 409
      while (!(await this.#does(() => send('POST', this.#books, book), [201, 409])));
      // what one process has written another one reads
      while (!(await this.#does(() => send('GET', `${this.#books}/${isbn}`), [200])));
      this.created.push(isbn)
      for (const { count, resolve } of this.#waiting) if (this.created.length >= count) resolve()
    }
  }

  /** False where it is lost, or refused by a process that is about to end; no other answer is expected. */
  async #does(ask: () => Promise<{ status: number }>, expected: readonly number[]): Promise<boolean> {
    const status = await ask().then(
      (answer) => answer.status,
      () => undefined,
    )
    if (status === undefined || status === 503) return false
    expect(status).to.be.oneOf(expected)
    return true
  }
}

/** An ISBN for each number. */
function isbnOf(number: number): string {
  const digits = `979${String(number).padStart(9, '0')}`
  const sum = [...digits].reduce(
    (total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 1 : 3),
    0,
  )
  return `${digits}${(10 - (sum % 10)) % 10}`
}

describe('The demo: the page, by several processes', function () {
  this.timeout(120_000)
  needs('chromium')
  needs('redis-server')
  let browser: Browser
  let redis: RedisServer
  let several: Several | undefined
  const profiles: Windows[] = []

  before(async () => {
    browser = await launch()
  })

  beforeEach(async () => {
    redis = new RedisServer({ socket: true })
    await redis.start()
  })

  afterEach(async () => {
    await Promise.all(profiles.map((windows) => windows.close()))
    const complaints = profiles.splice(0).flatMap((windows) => {
      windows.forgive(away)
      // of a process that is about to end
      windows.forgive(/503 \(Service Unavailable\)/)
      return windows.complaints
    })
    const ended = await several?.end()
    several = undefined
    await redis.close()
    expect(complaints, 'console errors').to.deep.equal([])
    expect(ended).to.deep.equal([0, null])
  })

  after(() => browser?.close())

  async function begin(count: number) {
    several = await Several.of(count, { REDIS_URL: redis.url })
    return { server: several, ...(await several.begun()) }
  }

  async function profile(): Promise<Windows> {
    const windows = await Windows.in(browser)
    profiles.push(windows)
    return windows
  }

  async function open(windows: Windows, url: string): Promise<Page> {
    const page = await windows.open(url)
    page.setDefaultTimeout(60_000)
    await shows(page, '.book')
    await processOf(page)
    return page
  }

  /** The process that the page says it talks to, once it is none of some. */
  async function processOf(page: Page, others: readonly number[] = []): Promise<number> {
    const place = `#happening-state[data-process]${others.map((pid) => `:not([data-process="${pid}"])`).join('')}`
    const state = page.locator(place)
    await state.waitFor()
    expect(await state.textContent()).to.match(/^Live, from process \d+/)
    return Number(await state.getAttribute('data-process'))
  }

  /** Each event was seen once, and the shelf has what was added, in its order. */
  async function hasAll(page: Page, added: readonly string[]): Promise<void> {
    await countsOf(page, { seen: added.length, missed: 0, twice: 0 })
    await shows(page, '#shelf-count', new RegExp(`^${classics.length + added.length} books$`))
    const shown = await page
      .locator('#books .book')
      .evaluateAll((books) => books.map((each) => each.dataset.isbn!))
    expect(shown).to.deep.equal([...classics.map(({ isbn }) => isbn), ...added])
  }

  it('Four, and one is killed while two windows watch: they go on with others, nothing missed, nothing twice', async () => {
    const { server, url, pids } = await begin(4)
    const pages = [await open(await profile(), url), await open(await profile(), url)] as const
    const supplier = new Supplier(url)
    await supplier.more(10)
    const pid = await processOf(pages[0])
    expect(pids).to.include(pid)
    const replaced = server.replaced(pid, 'SIGKILL')
    for (const page of pages) await processOf(page, [pid])
    await supplier.more(10)
    const added = await supplier.stop()
    for (const page of pages) await hasAll(page, added)
    await replaced
    await shows(pages[0], '#happening-state', `, after ${pid}`)
  })

  // half a minute, most of it for starting
  const inFull = isFull ? it : it.skip
  inFull(
    'Two, restarted one after the other: two windows of one connection miss nothing, and see nothing twice',
    async () => {
      const { server, url, pids } = await begin(2)
      const windows = await profile()
      const pages = [await open(windows, url), await open(windows, url)] as const
      const supplier = new Supplier(url)
      await supplier.more(5)
      for (const pid of pids) await server.replaced(pid, 'SIGTERM')
      const others = await Promise.all(pages.map((page) => processOf(page, pids)))
      expect(new Set(others).size).to.equal(1)
      await supplier.more(5)
      const added = await supplier.stop()
      for (const page of pages) await hasAll(page, added)
    },
  )
})
