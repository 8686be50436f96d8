import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import express from 'express'
import helmet from 'helmet'
import type { Browser, Page } from 'playwright-core'
import {
  type Channel,
  createHub,
  type Endpoint,
  type Hub,
  ndjson,
  resources,
  sse,
} from '../../../lib/index.js'
import { type Inspector, inspector } from '../../../lib/inspector.js'
import { type Look, launch, Windows } from '../../support/browser.js'
import { needs } from '../../support/installed.js'

export const phone = { width: 390, height: 844 }

/** Where the inspector is: at the root of one server, below a path, and behind a proxy that takes a prefix away. */
export const mounts = ['/', '/a/b/inspector/', '/proxied/inspector/']

/** An app that is looked at by its page: endpoints, who asks them, and the windows of a browser. */
export class Watched {
  browser!: Browser
  windows!: Windows
  readonly hub: Hub = createHub()
  readonly news: Channel<unknown> = this.hub.channel('news', { history: 10 })
  /** Whether one may look. */
  isLetIn = true
  readonly #endpoint: Endpoint
  readonly #inspectors: Inspector[] = []
  #server!: Server
  readonly #open = new Set<IncomingMessage>()

  constructor() {
    this.#endpoint = resources({
      '/api/news': { contentTypesProvided: [sse(), ndjson()], subscribe: this.news },
      '/api/quotes/:name': { contentTypesProvided: [sse()], subscribe: () => {} },
      '/api/private': {
        isAuthorized: () => 'Bearer realm="private"',
        contentTypesProvided: [sse()],
        subscribe: this.news,
      },
    })
  }

  #inspect(actions: boolean): Inspector {
    const isAuthorized = () => this.isLetIn
    const made = inspector({ of: this.#endpoint, hub: this.hub, actions, payloads: actions, isAuthorized })
    this.#inspectors.push(made)
    return made
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async begin(): Promise<void> {
    const app = express()
    const acting = this.#inspect(true)
    app.use(helmet())
    app.use(this.#endpoint)
    app.use('/a/b/inspector', acting)
    app.use('/quiet', this.#inspect(false))
    // as a proxy does it: what follows knows nothing of the prefix
    const behind = express().use('/inspector', acting)
    app.use((req, res, next) => {
      if (!req.url.startsWith('/proxied/')) return next()
      req.url = req.url.replace('/proxied', '')
      req.originalUrl = req.url
      behind(req, res)
    })
    app.use('/', acting)
    this.#server = createServer(app)
    await this.#listen(0)
    this.browser = await launch()
    this.windows = await Windows.in(this.browser)
  }

  async #listen(port: number): Promise<void> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening')
  }

  /** Runs something while no server answers at its place. */
  async while(run: () => Promise<unknown>): Promise<void> {
    const { port } = this.#server.address() as AddressInfo
    this.#server.close()
    this.#server.closeAllConnections()
    await run()
    await this.#listen(port)
  }

  /** What was opened in a test is closed; nothing may have been complained of on the console. */
  async clear(): Promise<void> {
    await this.windows.clear()
    for (const each of this.#open) each.destroy()
    this.#open.clear()
    expect(this.windows.complaints.splice(0), 'console errors').to.deep.equal([])
  }

  async end(): Promise<void> {
    await this.browser?.close()
    await Promise.all(this.#inspectors.map((each) => each.close()))
    await this.#endpoint.close()
    await this.hub.close()
    this.#server?.closeAllConnections()
    this.#server?.close()
  }

  /** A window at a place of the inspector, once it is told what there is. */
  async open(hash = '', { at = '/', ...look }: Look & { at?: string } = {}): Promise<Page> {
    const page = await this.windows.open(`${this.url}${at}${hash}`, look)
    await page.locator('#connection', { hasText: 'Live' }).waitFor()
    await page.locator('#process', { hasText: `Process ${process.pid}` }).waitFor({ state: 'attached' })
    return page
  }

  /** A client of the app, which stays. */
  async stay(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    const { port } = this.#server.address() as AddressInfo
    const asked = get({ host: '127.0.0.1', port, path, headers, agent: false })
    asked.on('error', () => {})
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    answer.on('error', () => {}).resume()
    this.#open.add(answer)
    return answer
  }
}

/** Said in a suite: an app and a browser for its tests. */
export function watching(): Watched {
  needs('chromium')
  const watched = new Watched()
  before(() => watched.begin())
  afterEach(() => watched.clear())
  after(() => watched.end())
  return watched
}

/** Waits until something is shown, with a text where one is given. */
export async function shows(page: Page, selector: string, text?: string | RegExp): Promise<void> {
  await page
    .locator(selector, text === undefined ? {} : { hasText: text })
    .first()
    .waitFor()
}

/** How far the page can be scrolled sideways. */
export async function overhang(page: Page): Promise<number> {
  return await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
}
