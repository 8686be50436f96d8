import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect } from 'chai'
import type { Browser, Locator, Page } from 'playwright-core'
import type { Options } from '../../../demo/bookshop/app.js'
import { Machine } from '../../../demo/bookshop/machine.js'
import { type Look, launch, Windows } from '../../support/browser.js'
import { needs } from '../../support/installed.js'
import { type Demo, runDemo } from '../bookshop/demo.js'

export const erlang = '9781937785536'
export const schemer = {
  isbn: '9780262560993',
  title: 'The Little Schemer',
  author: 'Daniel P. Friedman',
}
export const phone = { viewport: { width: 390, height: 844 } }

/** What Chromium says on the console of a server that is away. */
export const away =
  /net::ERR_(?:CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|INTERNET_DISCONNECTED|ABORTED|FAILED)/

/** The demo, anew for each spec, and the windows that look at it. */
export class Shop {
  browser!: Browser
  windows!: Windows
  demo!: Demo
  /** One for all specs: to start a process takes longer than most of them. */
  machine!: Machine

  async begin(options: Options = {}): Promise<void> {
    this.demo = await runDemo({ pace: 20, machine: this.machine, ...options })
  }

  /** Runs it with other options. */
  async beginAgain(options: Options): Promise<void> {
    await this.demo.close()
    await this.begin(options)
  }

  /** A window of the page, its shelf loaded and its firehose open. */
  async open(look: Look = {}): Promise<Page> {
    const page = await this.windows.open(this.demo.url, look)
    await shows(page, '.book')
    await shows(page, '#happening-state', 'Live')
    return page
  }

  /** Changes the year of a book, behind the back of the page; on a connection of its own, which nobody drops. */
  async put(year: number, isbn = erlang): Promise<void> {
    const headers = { 'Content-Type': 'application/json' }
    const put = request(`${this.demo.url}/api/books/${isbn}`, { method: 'PUT', headers, agent: false })
    put.end(JSON.stringify({ isbn, title: 'Programming Erlang', author: 'Joe Armstrong', year }))
    const [answer] = (await once(put, 'response')) as [IncomingMessage]
    expect(answer.statusCode).to.equal(200)
    await once(answer.resume(), 'end')
  }

  async kept(isbn = erlang) {
    return (await this.demo.ask(`GET /api/books/${isbn}`)).json()
  }
}

/** Said in a suite: a shop for each of its specs, in one browser; nothing may be complained of on the console. */
export function shopOfEach(): Shop {
  needs('chromium')
  const shop = new Shop()
  before(async () => {
    shop.browser = await launch()
    shop.windows = await Windows.in(shop.browser)
    shop.machine = new Machine(300)
  })
  beforeEach(() => shop.begin())
  afterEach(async () => {
    await shop.windows.clear()
    await shop.demo.close()
    expect(shop.windows.complaints.splice(0), 'console errors').to.deep.equal([])
  })
  after(async () => {
    shop.machine?.close()
    await shop.browser?.close()
  })
  return shop
}

export function bookOf(page: Page, isbn = erlang): Locator {
  return page.locator(`.book[data-isbn="${isbn}"]`)
}

/** Fills in the form of a book. */
export async function fillIn(page: Page, fields: Partial<typeof schemer>): Promise<void> {
  for (const [name, text] of Object.entries(fields)) await page.fill(`#book-form [name=${name}]`, text)
}

/** Waits until something is shown, with a text where one is given. */
export async function shows(page: Page, selector: string, text?: string | RegExp): Promise<void> {
  const locator = page.locator(selector, text === undefined ? {} : { hasText: text })
  await locator.first().waitFor()
}

/** Waits until the page has counted so; a word stands for itself. */
export async function countsOf(page: Page, wanted: Record<string, number | string>): Promise<void> {
  const read = () =>
    page.evaluate(
      (names) =>
        Object.fromEntries(
          names.map((name) => {
            const text = document.getElementById(name)!.textContent!
            return [name, /^\d+$/.test(text) ? Number(text) : text]
          }),
        ),
      Object.keys(wanted),
    )
  await page.waitForFunction(
    (expected) =>
      Object.entries(expected).every(([name, count]) => {
        const text = document.getElementById(name)!.textContent!
        return typeof count === 'number' ? Number.parseInt(text, 10) >= count : text === count
      }),
    wanted,
  )
  expect(await read()).to.deep.equal(wanted)
}

/** Hides the window, or shows it, as far as the page can tell. */
export function look(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
}
