import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { launch } from '../support/browser.js'
import { type Listener, Listening, type ListenOptions, types } from './listener.js'
import { Answer, type Ask, type Reader } from './reader.js'

const script = fileURLToPath(new URL('page.js', import.meta.url))

type Tell = (what: string, told: never) => void

/** A window of the browser, on a page of the site that is to be read. */
export class Tab {
  readonly page: Page
  readonly #listeners = new Map<number, Tell>()
  #keys = 0

  private constructor(page: Page) {
    this.page = page
  }

  static async open(): Promise<Tab> {
    const context = await (await browser()).newContext()
    const tab = new Tab(await context.newPage())
    await tab.page.exposeFunction('tell', (key: number, what: string, told: never) =>
      tab.#listeners.get(key)?.(what, told),
    )
    await tab.page.addInitScript({ path: script })
    return tab
  }

  /** Goes to the empty page of a site. */
  async visit(origin: string): Promise<void> {
    await this.page.goto(`${origin}/blank`)
  }

  /** Closes the window, and its profile. */
  close(): Promise<void> {
    return this.page.context().close()
  }

  listen(url: string, { types: wanted = types, ...options }: ListenOptions = {}): Listening {
    const key = ++this.#keys
    const listening = new Listening(() => this.#let(key))
    this.#listeners.set(key, (what, told: { event: never; isClosed: boolean }) => {
      if (what === 'open') return listening.begins()
      if (what === 'error') return listening.fails(told)
      listening.isClosed = told.isClosed
      listening.takes(told.event)
    })
    this.#run('listen', key, url, wanted, options)
    return listening
  }

  read(url: string, { method = 'GET', headers = {}, body }: Ask = {}): Answer {
    const key = ++this.#keys
    const answer = new Answer(() => this.#let(key))
    this.#listeners.set(key, (what, told) => {
      if (what === 'head') answer.begin(told)
      else if (what === 'text') answer.take(told)
      else answer.end(told)
    })
    this.#run('read', key, url, { method, headers, ...(body !== undefined && { body }) })
    return answer
  }

  /** A page that is gone has let go of everything. */
  #let(key: number): void {
    this.page.evaluate(`held.get(${key})?.()`).catch(() => {})
  }

  #run(name: string, ...given: unknown[]): void {
    const call = `void ${name}(${given.map((each) => JSON.stringify(each)).join(', ')})`
    this.page.evaluate(call).catch(() => {})
  }
}

let launched: Promise<Browser> | undefined

function browser(): Promise<Browser> {
  launched ??= launch()
  return launched
}

async function end(): Promise<void> {
  const ending = await launched
  launched = undefined
  shared = undefined
  await ending?.close()
}

let users = 0
let shared: Promise<Tab> | undefined

/** Said in a suite: there is one browser for it and the suites in it, until it has ended. */
export function usesBrowser(): void {
  before(() => {
    users += 1
  })
  after(async () => {
    users -= 1
    if (users === 0) await end()
  })
}

let current: Tab

/** Said in a suite of clients: before each test the window that they share is on the page of a site. */
export async function visit(origin: string): Promise<void> {
  shared ??= Tab.open()
  current = await shared
  await current.visit(origin)
}

export const chromium: Listener & Reader = {
  name: 'Chromium',
  follows: true,
  needs: 'chromium',
  accept: '*/*',
  sees: { cut: /^TypeError: network error$/, reset: /^TypeError: network error$/ },
  listen: (url, options) => current.listen(url, options),
  read: (url, ask) => current.read(url, ask),
}
