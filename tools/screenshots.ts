// Takes the pictures of the demo's page and of the inspector that the documentation shows: npm run screenshots, or those
// that begin so: npm run screenshots -- inspector
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { makeApp } from '../demo/bookshop/app.js'
import { launch } from '../spec/support/browser.js'
import { runInspected } from './inspected.js'

const pictures: Record<string, BrowserContextOptions> = {
  'bookshop-desktop': { viewport: { width: 1280, height: 1700 } },
  'bookshop-dark': { viewport: { width: 1280, height: 1700 }, colorScheme: 'dark' },
  'bookshop-phone': { viewport: { width: 390, height: 844 } },
}

/** The beginning of the names of those that are taken. */
const [, , wanted = ''] = process.argv

const wide = { viewport: { width: 1280, height: 1000 } }

const logs = mkdtempSync(join(tmpdir(), 'lariat-pictures-'))
const { app, close } = makeApp({ logs, pace: 20 })
const server = createServer(app).listen(0)
await once(server, 'listening')
const url = `http://localhost:${(server.address() as AddressInfo).port}`
const browser = await launch()

for (const [name, options] of Object.entries(pictures)) {
  await take(name, options, async (page) => {
    await change()
    await page.locator('#events li').nth(3).waitFor()
    await page.click('#ask-button')
    await page.locator('#ask-state', { hasText: 'Done' }).waitFor()
    // half a minute of samples
    if (!name.endsWith('phone')) await page.waitForTimeout(30_000)
    await page.evaluate('scrollTo(0, 0)')
  })
}

await take('bookshop-negotiate', wide, async (page) => {
  await page.click('#presets button:text-is("304 not modified")')
  await page.locator('#response .line').waitFor()
  await page.click('#presets button:text-is("304 not modified")')
  await page.locator('#path strong', { hasText: '304' }).waitFor()
  await page.locator('#negotiate').scrollIntoViewIfNeeded()
  await page.evaluate("document.querySelector('#negotiate').scrollIntoView({ behavior: 'instant' })")
})

const inspected = await runInspected()
/** A page of the inspector, with something to look at. */
const inspect = (
  name: string,
  options: BrowserContextOptions,
  at: string,
  prepare: (page: Page) => Promise<void>,
) => shoot(name, options, `${inspected.url}/inspector/${at}`, prepare)
const desk = { viewport: { width: 1440, height: 900 } }

if ('inspector'.startsWith(wanted) || wanted.startsWith('inspector')) {
  const looking = await browser.newPage()
  await looking.goto(`${inspected.url}/inspector/`)
  // until all has happened once
  await looking.waitForTimeout(20_000)
  await inspect('inspector', desk, '#decisions?status=406', async (page) => {
    await page.locator('tbody a', { hasText: '/report' }).first().click()
    await page.goto(page.url().replace('?status=406', ''))
    await page.mouse.move(0, 0)
    await page.locator('.steps tbody tr').first().waitFor()
  })
  await inspect('inspector-dark', { ...desk, colorScheme: 'dark' }, '#overview', async (page) => {
    await page.locator('.routes tbody tr').first().waitFor()
  })
  await inspect(
    'inspector-phone',
    { viewport: { width: 390, height: 844 } },
    '#streams?sort=-queuedBytes',
    async (page) => {
      await page.locator('.streams tbody tr').first().waitFor()
    },
  )
}

await inspected.close()
await browser.close()
server.close()
server.closeAllConnections()
await close()
rmSync(logs, { recursive: true })

function take(name: string, options: BrowserContextOptions, prepare: (page: Page) => Promise<void>) {
  return shoot(name, options, url, async (page) => {
    await page.locator('.book').first().waitFor()
    await page.locator('#happening-state', { hasText: 'Live' }).waitFor()
    await prepare(page)
  })
}

async function shoot(
  name: string,
  options: BrowserContextOptions,
  at: string,
  prepare: (page: Page) => Promise<void>,
): Promise<void> {
  if (!name.startsWith(wanted)) return
  const page = await browser.newPage({ ...options, locale: 'en-GB', reducedMotion: 'reduce' })
  await page.goto(at)
  await prepare(page)
  await page.screenshot({ path: fileURLToPath(new URL(`../docs/images/${name}.png`, import.meta.url)) })
  await page.close()
}

/** Something to be seen in the firehose. */
async function change() {
  const send = (method: string, path: string, book?: object) =>
    fetch(url + path, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(book && { body: JSON.stringify(book) }),
    })
  const schemer = { isbn: '9780262560993', title: 'The Little Schemer', author: 'Daniel P. Friedman' }
  const path = `/api/books/${schemer.isbn}`
  await send('POST', '/api/books', schemer)
  await send('PUT', path, { ...schemer, year: 1995 })
  await send('PUT', path, { ...schemer, author: 'Daniel P. Friedman, Matthias Felleisen', year: 1995 })
  await send('DELETE', path)
}
