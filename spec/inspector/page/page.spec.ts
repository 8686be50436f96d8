import { readdirSync, readFileSync } from 'node:fs'
import axe from 'axe-core'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { mounts, overhang, phone, shows, watching } from './watched.js'

const files = new URL('../../../lib/inspector/page/', import.meta.url)
const views = ['overview', 'streams', 'ended', 'channels', 'decisions']
const xml = { Accept: 'application/xml' }

describe('The page of an inspector', function () {
  this.timeout(60_000)
  const watched = watching()

  for (const at of mounts)
    it(`at ${at}, behind helmet(): shows each view, and says which process it is`, async () => {
      const page = await watched.open('', { at })
      for (const view of views) {
        await page.click(`#views a[data-view=${view}]`)
        await shows(page, `#view .${view} h1`, new RegExp(view, 'i'))
      }
      await shows(page, '#process', /decisions since \d\d:\d\d:\d\d/)
      expect(new URL(page.url()).pathname).to.equal(at)
    })

  it('names all its modules, so that none is waited for in turn', () => {
    const html = readFileSync(new URL('index.html', files), 'utf8')
    const named = [...html.matchAll(/(?:src|href)="(\w+\.js)"/g)].map(([, name]) => name)
    const modules = readdirSync(files).filter((name) => name.endsWith('.js') && name !== 'shapes.js')
    expect(named.sort()).to.deep.equal(modules.sort())
  })

  it('a stream is a row, which is written in place and goes when the stream does', async () => {
    const page = await watched.open('#streams')
    await shows(page, '.nothing', 'No stream is open now')
    const client = await watched.stay('/api/news')
    await shows(page, '.streams tbody td', '/api/news')
    await page.evaluate(() => document.querySelector('.streams tbody tr')!.setAttribute('data-kept', ''))
    await watched.news.publish('Rope found')
    await shows(page, '.streams tr[data-kept] .c-sent', '1')
    client.destroy()
    await shows(page, '.nothing', 'No stream is open now')
    await page.click('#views a[data-view=ended]')
    await shows(page, '.tally', '1 disconnect')
    await shows(page, '.ended .c-reason', 'disconnect')
  })

  it('the overview adds up what the routes have: a refusal once, of however many formats', async () => {
    await watched.stay('/api/news?sum', xml)
    const page = await watched.open()
    await shows(page, '.findings', /\/api\/news answered 406/)
    const [figure, row] = await Promise.all([
      page.locator('.figures div', { hasText: 'Refused' }).locator('dd').textContent(),
      page.locator('.routes tr', { hasText: 'x-ndjson' }).locator('.c-refused b').textContent(),
    ])
    expect(figure).to.equal(row)
  })

  it('sorts by the header of a column, searches and filters; where one is, the address says', async () => {
    for (const name of ['c', 'a', 'b']) await watched.stay(`/api/quotes/${name}`)
    await watched.stay('/api/news')
    const page = await watched.open('#streams')
    const paths = () => page.locator('.streams tbody td.c-path').allTextContents()
    await page.click('th button:text-is("Path")')
    await page.locator('tbody tr:nth-child(2)', { hasText: 'quotes/a' }).waitFor()
    expect(await page.locator('[aria-sort=ascending]').textContent()).to.equal('Path')
    await page.click('th button:text-is("Path")')
    await page.locator('tbody tr:nth-child(1)', { hasText: 'quotes/c' }).waitFor()
    expect(await paths()).to.deep.equal(['/api/quotes/c', '/api/quotes/b', '/api/quotes/a', '/api/news'])
    await page.fill('[type=search]', 'quotes')
    await shows(page, 'h1', '3 of 4')
    await page.selectOption('select[aria-label="All clients"]', 'behind')
    await shows(page, '.nothing', 'No streams match')
    expect(page.url()).to.match(/#streams\?sort=-path&q=quotes&state=behind$/)
    await page.reload()
    await shows(page, '.nothing', 'No streams match')
    await page.click('.nothing button')
    await shows(page, 'h1', /Streams 4$/)
  })

  it('a request opened shows its way on the graph, each answer and its time; a link leads to it', async () => {
    const page = await watched.open('#decisions')
    await watched.stay('/api/news?token=s3cret', xml)
    await page.click('.decisions tbody a:text("/api/news?token=")')
    await shows(
      page,
      '#pane .why',
      'It asks: Is a type of contentTypesProvided acceptable? The answer was: no.',
    )
    await shows(page, '#pane h2', 'GET /api/news?token=…')
    await page.reload()
    await shows(page, '#pane .steps caption', '12 questions')
    expect(await page.locator('.steps tbody tr').last().textContent()).to.match(
      /^acceptableMediaType.*no.*s$/,
    )
    const way = page.locator('.graph .end.way:not(.start)')
    expect(await way.evaluateAll((ends) => ends.map(({ id }) => id))).to.deep.equal([
      's-406-acceptableMediaType',
    ])
    expect(await page.locator('.graph .question.way').count()).to.equal(12)
    const wide = () =>
      page.locator('.graph svg').evaluate((svg) => Number(svg.getAttribute('viewBox')!.split(' ')[2]))
    expect(await wide()).to.be.below(700)
    await page.click('button:text("Whole graph")')
    expect(await wide()).to.be.above(1000)
    await page.click('.back')
    await page.locator('#pane').waitFor({ state: 'hidden' })
  })

  it('leads from a request to its stream, and shows what that is sent; paused, it waits', async () => {
    const page = await watched.open('#decisions')
    const news = await watched.stay('/api/news?linked')
    await page.click('.decisions tbody a:text("/api/news?linked")')
    await page.click('#pane a:text("What its stream is doing now")')
    await shows(page, '.tail', 'Waiting for the next message')
    await watched.news.publish({ title: 'Rope found' }, { type: 'story' })
    await shows(page, '.tail li[data-kind=event]', /story.*Rope found/)
    await page.click('.tail button:text-is("Pause")')
    await watched.news.publish({ title: 'Second' })
    await shows(page, '.tail', 'Paused: 1 new')
    expect(await page.locator('.tail li', { hasText: 'Second' }).count()).to.equal(0)
    await page.click('.tail button:text-is("Pause")')
    await shows(page, '.tail li', 'Second')
    await page.click('#pane a:text("Why this request became this stream")')
    await shows(page, '#pane .why', 'held open as a stream')
    expect(await page.locator('.graph #loop-provide.way').count()).to.equal(1)
    await page.goBack()
    news.destroy()
    await shows(page, '.notice', 'It has ended')
    watched.windows.forgive(/404 \(Not Found\) \(\S+tail/)
  })

  it('pauses: what is shown stays, and what has come since is shown afterwards', async () => {
    const page = await watched.open('#streams')
    await page.keyboard.press('p')
    await shows(page, '#connection', 'Paused')
    await watched.stay('/api/news')
    const other = await watched.open('#streams')
    await shows(other, '.streams tbody tr')
    expect(await page.locator('.streams tbody tr').count()).to.equal(0)
    await page.click('#pause')
    await shows(page, '.streams tbody tr')
  })

  it('what comes from outside stays text: paths, user agents, events, names of channels', async () => {
    const markup = '<img/src=x/onerror=document.title="hit">'
    const hostile = `${markup}\u202e\n`
    const held = watched.hub.channel(hostile, { history: 1 })
    const page = await watched.open('#decisions')
    const path = '/api/quotes/<b>hit<i>'
    await watched.stay(`${path}?${markup}`, { 'User-Agent': markup, ...xml })
    await watched.stay(path)
    await page.click('.decisions tr:has([data-kind=s4]) a:text("onerror")')
    await shows(page, '#pane .facts', `User agent${markup}`)
    await page.click('#views a[data-view=streams]')
    await shows(page, '.streams td', path)
    await page.click('#views a[data-view=channels]')
    await page.click(`.channels a:text("onerror")`)
    await shows(page, '#pane h2', `${markup}\\u202e\\n`)
    await shows(page, '#pane', 'Nobody subscribes in this process')
    await watched.stay('/api/news')
    await page.goto(`${watched.url}/#channels/news`)
    await shows(page, '.tail', 'Waiting')
    await watched.news.publish(hostile, { type: markup })
    await shows(page, '.tail li', markup)
    await shows(page, '.tail .data', '\\u202e')
    expect(await page.locator('img:not([src="lariat.svg"])').count()).to.equal(0)
    expect(await page.title()).to.equal('Channels · Inspector')
    expect(held).to.be.an('object')
    await watched.hub.delete(hostile)
  })

  it('says when the server does not answer, goes on when it does, and when it may not look any longer', async () => {
    const page = await watched.open('#streams')
    await watched.while(async () => {
      await shows(page, '#lost', 'does not answer since')
      await shows(page, '#connection', 'Not connected')
    })
    await shows(page, '#connection', 'Live')
    await page.locator('#lost').waitFor({ state: 'hidden' })
    watched.isLetIn = false
    await page.click('#views a[data-view=ended]')
    await shows(page, '#lost', 'does not let you look at it (40')
    watched.isLetIn = true
    await shows(page, '#connection', 'Live')
    watched.windows.forgive(/net::ERR_|status of 40[13]/)
  })

  it('a window that nobody sees lets go of the server, and comes back when it is seen', async () => {
    const page = await watched.open('#streams')
    const see = (hidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, hidden)
    await see(true)
    await shows(page, '#connection', 'Asleep')
    await watched.stay('/api/news')
    await see(false)
    await shows(page, '#connection', 'Live')
    await shows(page, '.streams tbody tr')
  })

  it('is used by the keyboard alone', async () => {
    for (const name of ['a', 'b']) await watched.stay(`/api/quotes/${name}`)
    const page = await watched.open()
    const focused = () => page.evaluate(() => document.activeElement!.textContent)
    await page.keyboard.press('2')
    await page.locator('.streams tbody tr').nth(1).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('quotes')
    await shows(page, 'h1', '2')
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    expect(await focused()).to.equal('/api/quotes/a')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).to.equal('/api/quotes/b')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await shows(page, '#pane h2', '/api/quotes/a')
    await page.keyboard.press('Escape')
    await page.locator('#pane').waitFor({ state: 'hidden' })
    expect(await focused()).to.equal('/api/quotes/a')
    await page.keyboard.press('?')
    await page.locator('#help').waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Shift+Tab')
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
    expect(outline).to.equal('solid')
  })

  describe('acts only where the server lets it', () => {
    it('closes a stream and ends a channel once that is confirmed, and publishes', async () => {
      const client = await watched.stay('/api/quotes/a')
      const channel = watched.hub.channel('short', { history: 1 })
      const page = await watched.open('#streams')
      await page.click('.streams tbody a')
      await page.click('#pane button.danger')
      await page.keyboard.press('Enter') // the safe button has the focus
      await page.click('#pane button.danger')
      await page.click('#confirm-ok')
      await shows(page, '#said', 'The stream is closed')
      expect(client.complete || client.destroyed || (await endOf(client))).to.equal(true)

      await page.goto(`${watched.url}/#channels/short`)
      await page.click('#pane button:text("Publish")')
      await page.fill('#publish-type', 'story')
      await page.fill('#publish-data', '{"title":"Rope')
      await shows(page, '#publish-hint', 'published as a string')
      await page.fill('#publish-data', '{"title":"Rope"}')
      await shows(page, '#publish-hint', 'published as an object')
      await page.click('#publish button.primary')
      await shows(page, '#said', 'It is published')
      const kept = []
      for await (const { data, type } of channel.replay('earliest')) kept.push({ data, type })
      expect(kept).to.deep.equal([{ data: { title: 'Rope' }, type: 'story' }])
      await page.click('#pane button.danger')
      await page.click('#confirm-ok')
      await shows(page, '#said', 'The channel is ended')
      await shows(page, '.channels .c-source', 'Ended')
      await watched.hub.delete('short')
    })

    it('there are no buttons where it does not, nor any data', async () => {
      await watched.stay('/api/news')
      const page = await watched.open('#streams', { at: '/quiet/' })
      await page.click('.streams tbody a')
      await shows(page, '.tail', 'Waiting')
      await watched.news.publish('secret')
      await shows(page, '.tail li[data-kind=event]')
      expect(await page.locator('#pane button.danger').count()).to.equal(0)
      expect(await page.locator('.tail li').textContent()).not.to.include('secret')
    })
  })

  describe('For everybody', () => {
    for (const [what, look] of Object.entries({
      'light, wide': { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
      'dark, on a phone': { colorScheme: 'dark', viewport: phone },
    } as const))
      it(`axe finds nothing serious, and nothing is beyond the edge: ${what}`, async () => {
        await watched.stay('/api/news')
        await watched.stay('/api/private')
        const page = await watched.open('', look)
        await watched.stay('/api/news', xml)
        await page.evaluate(axe.source)
        for (const view of views) {
          await page.click(`#views a[data-view=${view}]`)
          await shows(page, `#view .${view} tbody tr`)
          expect(await flawsOf(page), view).to.deep.equal([])
          for (const width of [320, look.viewport.width]) {
            await page.setViewportSize({ width, height: look.viewport.height })
            expect(await overhang(page), `${view} at ${width}`).to.be.at.most(0)
          }
        }
        await page.click('.decisions tr:has([data-kind=s4]) a')
        await shows(page, '.steps tbody tr')
        expect(await flawsOf(page), 'a request').to.deep.equal([])
        expect(await overhang(page), 'a request').to.be.at.most(0)
        await page.click('#views a[data-view=channels]')
        await page.click('.channels tbody a:text-is("news")')
        await page.click('#pane button.danger')
        expect(await flawsOf(page), 'a channel, and a dialog').to.deep.equal([])
        expect(await overhang(page), 'a channel').to.be.at.most(0)
      })
  })

  // last, since so many stay until they are forgotten
  describe('Of many', () => {
    it('10,000 rows are pages of 50', async () => {
      const channels = Array.from({ length: 10_000 }, (_, each) =>
        watched.hub.channel(`many ${String(each).padStart(5, '0')}`),
      )
      const page = await watched.open('#channels')
      await shows(page, 'h1', '10,00')
      expect(await page.locator('.channels tbody tr').count()).to.equal(50)
      await page.click('.pages a:text("Next")')
      await shows(page, '.pages', '51–100 of 10,00')
      await page.fill('[type=search]', 'many 09999')
      await shows(page, 'h1', '1 of 10,00')
      await shows(page, '.channels tbody', 'many 09999')
      expect(channels).to.have.length(10_000)
    })

    // last, since they stay until they are forgotten
  })
})

function endOf(stream: NodeJS.EventEmitter): Promise<boolean> {
  return new Promise((settle) => stream.once('close', () => settle(true)))
}

/** What axe has against a page that is serious. */
async function flawsOf(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    interface Violation {
      id: string
      impact: string
      nodes: { html: string; failureSummary: string }[]
    }
    const { run } = (window as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe
    const { violations } = await run()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
  })
}
