import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { BooksInMemory } from '../../../demo/bookshop/books-in-memory.js'
import { classics } from '../../../demo/bookshop/classics.js'
import { until } from '../bookshop/demo.js'
import { away, bookOf, erlang, fillIn, phone, schemer, shopOfEach, shows } from './page.js'

const pragmatic = '9780135957059'

describe('The demo: the page, as a user sees it', function () {
  this.timeout(60_000)
  const shop = shopOfEach()

  const isInView = (page: Page, selector: string) =>
    page.locator(selector).evaluate((element) => {
      const { top, bottom } = element.getBoundingClientRect()
      const box = element.closest('.books')!.getBoundingClientRect()
      return top >= Math.max(0, box.top) && bottom <= Math.min(innerHeight, box.bottom) + 1
    })

  /** What has the focus: an id, or the class of a button and the book that it is of. */
  const focused = (page: Page) =>
    page.evaluate(() => {
      const { id, className, parentElement } = document.activeElement!
      return id || `${className} ${parentElement?.closest<HTMLElement>('.book')?.dataset.isbn}`
    })

  async function add(page: Page): Promise<void> {
    await page.click('#add')
    await fillIn(page, schemer)
    await page.click('#save')
    await page.locator('#book-dialog').waitFor({ state: 'hidden' })
  }

  async function remove(page: Page, isbn: string): Promise<void> {
    await bookOf(page, isbn).locator('.delete').click()
    await page.click('#conflict-choices button:text("Delete it")')
    await bookOf(page, isbn).waitFor({ state: 'detached' })
  }

  /** Lets no request of the page come to the server; what is open goes on. */
  const cut = (page: Page) => page.route('**/api/**', (route) => route.abort())

  /** Presses until it says what has failed: an answer that was still on its way takes back what was said. */
  const failsAt = (page: Page, press: string, says: string, text: string) =>
    until(async () => {
      await page.click(press)
      const saying = page.locator(says, { hasText: text }).first()
      return saying.waitFor({ timeout: 3000 }).then(
        () => true,
        () => false,
      )
    })

  for (const [what, options] of Object.entries({ 'a wide window': {}, 'a phone': phone })) {
    it(`a book that was added is scrolled to, marked for a while, and announced: ${what}`, async () => {
      const page = await shop.open(options)
      await add(page)
      await shows(page, '.book.added h3', schemer.title)
      await shows(page, '#shelf-said[role=status]', `“${schemer.title}” was added, at the end of the shelf.`)
      const selector = `.book[data-isbn="${schemer.isbn}"]`
      while (!(await isInView(page, selector))) await page.evaluate('new Promise(requestAnimationFrame)')
      await page.locator(selector).evaluate((book) => book.dispatchEvent(new Event('animationend')))
      expect(await page.locator('.book.added').count()).to.equal(0)
    })
  }

  it('a book that was added is on the shelf at once, also while the firehose is disconnected', async () => {
    const page = await shop.open()
    await page.click('#disconnect')
    await add(page)
    await shows(page, '.book.added h3', schemer.title)
  })

  it('a book that was added and is not searched for is announced all the same', async () => {
    const page = await shop.open()
    await page.fill('#search', 'erlang')
    await shows(page, '#shelf-count', '2 books')
    await add(page)
    await shows(page, '#shelf-said', 'was added. It is not among what you search for.')
  })

  it('Delete leaves the focus where it was, on the next book or the one before, and the page too: a phone', async () => {
    const page = await shop.open(phone)
    const next = classics[classics.findIndex(({ isbn }) => isbn === erlang) + 1]!
    await bookOf(page).evaluate((book) => book.scrollIntoView({ block: 'center', behavior: 'instant' }))
    const top = await page.evaluate('scrollY')
    expect(top).to.be.above(500)
    await remove(page, erlang)
    expect(await focused(page)).to.equal(`delete ${next.isbn}`)
    expect(await page.evaluate('scrollY')).to.be.closeTo(top as number, 2)
    await remove(page, pragmatic)
    expect(await focused(page)).to.equal(`delete ${classics.at(-2)!.isbn}`)
    expect(await page.evaluate('scrollY')).to.be.above(500)
  })

  it('Delete of the only book leaves the focus on the heading of the shelf', async () => {
    const books = new BooksInMemory()
    for (const book of classics.slice(1)) await books.change(book.isbn, book, undefined)
    await shop.beginAgain({ books })
    const page = await shop.open(phone)
    await remove(page, classics[0]!.isbn)
    expect(await focused(page)).to.equal('shelf-title')
  })

  it('where somebody else deletes the book that one is asked about, the focus is not lost', async () => {
    const page = await shop.open()
    await bookOf(page).locator('.delete').click()
    await page.locator('#conflict-dialog').waitFor()
    await shop.demo.ask(`DELETE /api/books/${erlang}`)
    await bookOf(page).waitFor({ state: 'detached' })
    await page.click('#conflict-choices button:text("Keep it")')
    const next = classics[classics.findIndex(({ isbn }) => isbn === erlang) + 1]!
    await until(async () => (await focused(page)) === `delete ${next.isbn}`)
  })

  for (const [what, options] of Object.entries({ 'a wide window': {}, 'a phone': phone })) {
    it(`the button that changes nothing is the first, and the leftmost, of every dialog: ${what}`, async () => {
      const page = await shop.open(options)
      /** The buttons of a dialog in the order of its text, where they are all in one row and from left to right. */
      const buttons = async (dialog: string) => {
        await page.locator(dialog).waitFor()
        const all = page.locator(`${dialog} button`)
        const places = await all.evaluateAll((each) =>
          each.map((one) => one.getBoundingClientRect().toJSON()),
        )
        const lefts = places.map(({ left }) => left)
        expect(lefts, dialog).to.deep.equal([...lefts].sort((one, other) => one - other))
        expect(new Set(places.map(({ bottom }) => Math.round(bottom))).size, dialog).to.equal(1)
        const inner = await page.locator(dialog).evaluate((each) => {
          const { paddingLeft, borderLeftWidth } = getComputedStyle(each)
          return (
            each.getBoundingClientRect().left +
            Number.parseFloat(paddingLeft) +
            Number.parseFloat(borderLeftWidth)
          )
        })
        expect(lefts[0], dialog).to.be.closeTo(inner, 1)
        return all.allTextContents()
      }
      await page.click('#add')
      expect(await buttons('#book-dialog')).to.deep.equal(['Cancel', 'Save'])
      await page.click('#cancel')
      await bookOf(page).locator('.delete').click()
      expect(await buttons('#conflict-dialog')).to.deep.equal(['Keep it', 'Delete it'])
      await page.click('#conflict-dialog button:text("Keep it")')
      await bookOf(page).locator('.edit').click()
      await shop.put(1999)
      await page.click('#save')
      await shows(page, '#conflict-title', /^Someone saved first \(412\)$/)
      expect(await buttons('#conflict-dialog')).to.deep.equal(['Keep theirs', 'Edit again', 'Save mine'])
      await page.click('#conflict-dialog button:text("Edit again")')
      await shop.demo.ask(`DELETE /api/books/${erlang}`)
      await page.click('#save')
      await shows(page, '#conflict-lede', 'was deleted')
      expect(await buttons('#conflict-dialog')).to.deep.equal(['Leave it deleted', 'Add it again'])
      shop.windows.forgive(/4(?:12|04) \(/)
    })
  }

  it('what fails for want of a server says so where it is, and no longer when the server answers again', async () => {
    const page = await shop.open()
    await shows(page, '#machine-state', 'Live')
    await cut(page)
    const reason = 'The server does not answer. Try again in a moment.'
    const places: [press: string, says: string, text: string][] = [
      [`[data-isbn="${erlang}"] .edit`, `[data-isbn="${erlang}"] .flaw`, `Not opened. ${reason}`],
      [`[data-isbn="${pragmatic}"] .delete`, `[data-isbn="${pragmatic}"] .flaw`, `Not deleted. ${reason}`],
      ['#dune', '#happening .flaw', `Dune was neither added nor removed. ${reason}`],
      ['#kill', '#machine .flaw', `Not killed. ${reason}`],
      ['#ask-button', '#ask-state', `Not answered. ${reason}`],
      ['#request button', '#response .flaw', `Not sent. ${reason}`],
    ]
    for (const [press, says, text] of places) await failsAt(page, press, says, text)
    shop.windows.forgive(away)
    await page.unroute('**/api/**')
    await page.click('#request button')
    await shows(page, '#response .line', '200')
    for (const [, says, text] of places)
      await page.locator(says, { hasText: text }).waitFor({ state: 'hidden' })
    // and what has failed can be done
    await page.click(`[data-isbn="${erlang}"] .edit`)
    await page.locator('#book-dialog').waitFor()
  })

  it('what could not be saved, or deleted once it was confirmed, says so in its place too', async () => {
    const page = await shop.open()
    await bookOf(page).locator('.delete').click()
    await page.locator('#conflict-dialog').waitFor()
    await cut(page)
    await page.click('#conflict-choices button:text("Delete it")')
    await shows(page, `[data-isbn="${erlang}"] .flaw`, 'Not deleted. The server does not answer.')
    await page.click('#add')
    await fillIn(page, schemer)
    await failsAt(page, '#save', '#book-flaw', 'Not saved. The server does not answer.')
    await page.unroute('**/api/**')
    await page.click('#save')
    await shows(page, '.book.added h3', schemer.title)
    await page.locator('.flaw', { hasText: 'does not answer' }).first().waitFor({ state: 'hidden' })
    shop.windows.forgive(away)
  })

  it('a page whose shelf cannot be read says so on the shelf, and tries again', async () => {
    const page = await shop.windows.context.newPage()
    await cut(page)
    await page.route('**/graph.svg', (route) => route.abort(), { times: 1 })
    await page.goto(shop.demo.url)
    await page.locator('#graph').scrollIntoViewIfNeeded()
    await shows(page, '#graph', 'The graph cannot be shown now')
    await shows(page, '#shelf-count', 'The books cannot be read: the server does not answer. Trying again …')
    await shows(page, '#happening-state', 'The server does not answer. Trying again …')
    await page.unroute('**/api/**')
    await shows(page, '#shelf-count', '12 books')
    await shows(page, '#happening-state', 'Live')
    await page.locator('#graph').scrollIntoViewIfNeeded()
    await page.locator('#graph #q-serviceAvailable').waitFor()
    shop.windows.forgive(away)
  })

  it('a 400 is shown at its fields, in words of theirs; it goes with what is written there', async () => {
    const page = await shop.open()
    await page.click('#add')
    await fillIn(page, { isbn: '978-0-262-56099-4', title: schemer.title })
    await page.fill('#book-form [name=year]', 'long ago')
    await page.click('#save')
    const flaws = {
      isbn: 'Its last digit should be 3, by the twelve before it.',
      author: 'An author has 1 to 500 characters.',
      year: 'A year is a whole number from 1 to 9999, or left out.',
    }
    for (const [name, text] of Object.entries(flaws)) {
      const field = page.locator(`#book-form [name=${name}]`)
      const flaw = page.locator(`#${await field.getAttribute('aria-describedby')}`)
      await flaw.filter({ hasText: text }).waitFor()
      expect(await flaw.textContent()).to.equal(text)
      expect(await field.getAttribute('aria-invalid')).to.equal('true')
      const [below, above] = [await flaw.boundingBox(), await field.boundingBox()]
      expect(below!.y - (above!.y + above!.height)).to.be.within(0, 12)
    }
    expect(await page.locator('#title-flaw').textContent()).to.equal('')
    expect(await page.locator('#book-flaw').isVisible()).to.equal(false)
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).name)).to.equal('isbn')
    await fillIn(page, { isbn: erlang })
    expect(await page.locator('#isbn-flaw').isVisible()).to.equal(false)
    await page.fill('#book-form [name=year]', '')
    await fillIn(page, { author: schemer.author })
    await page.click('#save')
    await shows(page, '#isbn-flaw', 'There is a book of this ISBN already.')
    shop.windows.forgive(/4(?:00|09) \(/)
  })

  it('a disconnected firehose shows how long it takes until it is back, and the button keeps the focus', async () => {
    const page = await shop.open()
    // from now on time passes as it is told to
    await page.clock.install()
    await page.clock.pauseAt(Date.now() + 60_000)
    await page.click('#disconnect:text("Disconnect for 5 s")')
    const bar = page.locator('#happening progress[aria-label="Disconnected"]')
    await bar.waitFor()
    await page.clock.runFor(3000)
    await shows(page, '#disconnected', '3 s of about 5 s')
    expect(await bar.evaluate((each) => (each as HTMLProgressElement).position)).to.be.closeTo(0.6, 0.05)
    await page.clock.runFor(2000)
    await bar.waitFor({ state: 'detached' })
    await shows(page, '#happening-state', 'Live')
    expect(await focused(page)).to.equal('disconnect')
    // the clock is that of all windows
    await page.clock.resume()
  })

  it('a killed source shows how long it takes until there is another, and the button keeps the focus', async () => {
    const page = await shop.open()
    await shows(page, '#machine-state', 'Live')
    await page.click('#kill')
    await shows(page, '#replaced', /^\d+ s of about 1 s$/)
    expect(await page.locator('#machine progress').getAttribute('aria-label')).to.equal(
      'Another process starts',
    )
    await shows(
      page,
      '#machine-state',
      /Live, from process \d+\. It took \d+\.\d s to replace the last one\./,
    )
    expect(await page.locator('#machine progress').count()).to.equal(0)
    expect(await focused(page)).to.equal('kill')
    // a stream that is cut looks so
    shop.windows.forgive(/ERR_INCOMPLETE_CHUNKED_ENCODING .*\/api\/stream/)
  })

  it('a stream of samples that says `reconnect` is come back to; one that says `end` is over', async () => {
    const page = await shop.windows.context.newPage()
    const bodies = ['reconnect', 'end'].map(
      (type) =>
        `:\nretry: 5\ndata: {"pid":${type.length},"cpu":0.5,"memory":0.5}\n\nevent: ${type}\ndata: {"reason":"expired"}\n\n`,
    )
    bodies[1] = bodies[1]!.replace('expired', 'stop')
    let asked = 0
    await page.route('**/api/stream', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: bodies[Math.min(asked++, 1)]! }),
    )
    await page.goto(shop.demo.url)
    await shows(page, '#machine-state', 'The stream is over.')
    expect(asked).to.equal(2)
  })

  it('is worded as its users would', async () => {
    const page = await shop.open()
    const text = (await page.locator('body').textContent())!
    expect(text)
      .to.include('Disconnect')
      .and.include('Add or remove Dune')
      .and.include('streamed word by word')
    expect(text).to.not.match(/hang up|hung up|make it happen|leave theirs|somebody was faster/i)
  })
})
