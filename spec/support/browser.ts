import type { Browser, BrowserContext, Page } from 'playwright-core'
import { pathOf } from './installed.js'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function launch(): Promise<Browser> {
  // it takes most of a second to load, and few specs need it
  const { chromium } = await import('playwright-core')
  return await chromium.launch({ executablePath: pathOf('chromium')!, args: flags })
}

/** How big a window is, and whether it is dark. */
export interface Look {
  viewport?: { width: number; height: number }
  colorScheme?: 'light' | 'dark'
}

/** A browser's profile: its windows share their connections, and what goes wrong in them is taken note of. */
export class Windows {
  readonly context: BrowserContext
  /** What the pages have complained of on the console, or thrown. */
  readonly complaints: string[] = []

  private constructor(context: BrowserContext) {
    this.context = context
    context.on('weberror', (error) => this.complaints.push(String(error.error())))
    context.on('console', (message) => {
      const { url } = message.location()
      if (message.type() === 'error' || message.type() === 'warning')
        this.complaints.push(`${message.text()} (${url})`)
    })
  }

  static async in(browser: Browser): Promise<Windows> {
    return new Windows(await browser.newContext())
  }

  async open(url: string, { viewport, colorScheme = 'light' }: Look = {}): Promise<Page> {
    const page = await this.context.newPage()
    page.setDefaultTimeout(15_000)
    if (viewport) await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    await page.goto(url, { waitUntil: 'commit' })
    return page
  }

  /** Closes the windows. */
  async clear(): Promise<void> {
    for (const page of this.context.pages()) await page.close()
  }

  /** Takes the complaints that are expected: of answers with such a status, or of a server that is away. */
  forgive(what: RegExp): void {
    const left = this.complaints.filter((each) => !what.test(each))
    this.complaints.splice(0, Infinity, ...left)
  }

  close(): Promise<void> {
    return this.context.close()
  }
}
