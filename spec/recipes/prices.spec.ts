import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { Knife } from '../clients/knife.js'
import { eventsOf, next } from '../demo/bookshop/demo.js'
import { launch, Windows } from '../support/browser.js'
import { Curl } from '../support/curl.js'
import { Demo } from '../support/demo.js'
import { needs } from '../support/installed.js'

describe('demo/prices.ts', function () {
  this.timeout(60_000)
  let demo: Demo
  /** A tenth of all symbols, so that one of them changes soon. */
  let watched: string[]
  let path: string

  before(async () => {
    demo = await new Demo('prices').listening()
    const all = eventsOf(await demo.ask('/', { Accept: 'text/event-stream' }))
    const [snapshot] = await next(1, all)
    await all.return(undefined)
    watched = JSON.parse(snapshot!.data)
      .slice(0, 50)
      .map(({ symbol }: { symbol: string }) => symbol)
      .sort()
    path = `/?watch=${watched.join()}`
  })

  after(() => demo.kill())

  const events = ['-H', 'Accept: text/event-stream']

  describe('by curl', () => {
    needs('curl')

    it('A watch list is a snapshot of it, then its changes; who comes back gets what he missed, and no snapshot', async () => {
      const first = new Curl(demo.url + path, ...events)
      const [, whole, id] = await first.prints(/^event: snapshot\nid: .*\ndata: (.*)\n\nid: (.*)\n/m)
      await first.stop()
      expect(JSON.parse(whole!)).to.have.length(watched.length)
      const second = new Curl(demo.url + path, ...events, '-H', `Last-Event-ID: ${id}`)
      const [, data] = await second.prints(/^data: (\{"symbol.*)\n\n/m)
      await second.stop()
      expect(watched).to.include(JSON.parse(data!).symbol)
      expect(second.text).not.to.include('snapshot')
      const stranger = new Curl(
        `${demo.url}/?watch=ABC`,
        ...events,
        '-H',
        'Last-Event-ID: of-yesterday',
        '-i',
      )
      await stranger.prints(/^Event-Gap: unknown\r$[\s\S]*^event: snapshot$/m)
      await stranger.stop()
    })

    it('A slow reader delays nobody', async () => {
      const slow = new Curl(demo.url, ...events, '--limit-rate', '1')
      await slow.prints(/^:/)
      const quick = new Curl(demo.url, ...events)
      await quick.prints(/(?:^data: \{.*\n\n.*\n){100}/m)
      await quick.stop()
      await slow.stop()
    })
  })

  describe('in Chromium', () => {
    needs('chromium')
    let browser: Browser
    let windows: Windows
    let knife: Knife
    let page: Page

    before(async () => {
      browser = await launch()
      windows = await Windows.in(browser)
      knife = await Knife.before(Number(new URL(demo.url).port))
      page = await windows.open(knife.url + path)
    })

    after(async () => {
      await browser?.close()
      await knife?.close()
    })

    const shown = () => page.locator('li').allTextContents()
    /** Waits until a price has changed. */
    const changes = async () => {
      const before = JSON.stringify(await shown())
      await page.waitForFunction(
        `JSON.stringify([...document.querySelectorAll('li')].map((li) => li.textContent)) !== ${JSON.stringify(before)}`,
      )
      const rows = await shown()
      expect(rows.map((row) => row.slice(0, 3)).sort()).to.deep.equal(watched)
      for (const row of rows) expect(row).to.match(/^[A-Z]{3}\d+\.\d\d$/)
    }

    it('A page shows its watch list, and goes on with it when its connection is cut', async () => {
      await page.waitForSelector('li')
      await changes()
      const snapshots =
        "source.addEventListener('snapshot', () => { window.snapshots = (window.snapshots ?? 0) + 1 })"
      await page.evaluate(snapshots)
      // the next that comes on the open stream is its end
      knife.cut((text) => (text.includes('text/event-stream') ? text.length : undefined))
      await page.waitForSelector('.away')
      await page.waitForFunction('source.readyState === EventSource.OPEN')
      await changes()
      expect(await page.evaluate('window.snapshots')).to.equal(undefined)
      windows.forgive(/ERR_/)
      expect(windows.complaints).to.deep.equal([])
    })

    it('After a restart the page gets the whole again', async () => {
      const { port } = new URL(demo.url)
      demo.terminate()
      expect(await demo.exited).to.deep.equal([0, null])
      await page.waitForSelector('.away')
      demo = await new Demo('prices', [], { PORT: port }).listening()
      await page.waitForFunction('window.snapshots === 1')
      await changes()
      windows.forgive(/ERR_/)
      expect(windows.complaints).to.deep.equal([])
    })
  })
})
