import axe from 'axe-core'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { BooksInMemory } from '../../../demo/bookshop/books-in-memory.js'
import type { Look } from '../../support/browser.js'
import { isFull } from '../../support/runs.js'
import { type Demo, until } from '../bookshop/demo.js'
import { away, bookOf, countsOf, erlang, look, phone, schemer, shopOfEach, shows } from './page.js'

describe('The demo: the page', function () {
  this.timeout(60_000)
  const shop = shopOfEach()
  const open = (options?: Look) => shop.open(options)
  const put = (year: number, isbn?: string) => shop.put(year, isbn)
  const kept = (isbn?: string) => shop.kept(isbn)

  describe('The shelf', () => {
    it('shows the books that there are', async () => {
      const page = await open()
      expect(await page.locator('.book').count()).to.equal(12)
      await shows(page, '#shelf-count', '12 books')
      await shows(page, '.book h3', 'Programming Erlang')
    })

    it('finds books by a word of theirs, and keeps to it while books change', async () => {
      const page = await open()
      await page.fill('#search', 'erlang')
      await shows(page, '#shelf-count', '2 books for “erlang”')
      expect(await page.locator('.book').count()).to.equal(2)
      await put(2014)
      await shows(page, '.book .isbn', '2014')
      await put(2015, '9780135957059')
      await shows(page, '#shelf-count', '3 books for “erlang”')
      await page.fill('#search', '')
      await shows(page, '#shelf-count', /^12 books$/)
    })

    it('takes a new book; one with a flaw it does not, and says why', async () => {
      const page = await open()
      await page.click('#add')
      await page.fill('#book-form [name=isbn]', '978-0-262-56099-4')
      await page.fill('#book-form [name=title]', schemer.title)
      await page.fill('#book-form [name=author]', schemer.author)
      await page.click('#save')
      await shows(page, '#isbn-flaw', 'Its last digit should be 3')
      shop.windows.forgive(/400 \(Bad Request\)/)
      await page.fill('#book-form [name=isbn]', '978-0-262-56099-3')
      await page.click('#save')
      await page.locator('#book-dialog').waitFor({ state: 'hidden' })
      await shows(page, '.book h3', schemer.title)
      await shows(page, '#events .created', schemer.title)
      expect(await kept(schemer.isbn)).to.deep.equal(schemer)
    })

    it('changes a book', async () => {
      const page = await open()
      await bookOf(page).locator('.edit').click()
      await page.fill('#book-form [name=year]', '2014')
      await page.click('#save')
      await bookOf(page).locator('.isbn', { hasText: '2014' }).waitFor()
      await shows(page, '#events .updated', 'Programming Erlang')
      expect(await kept()).to.deep.include({ year: 2014 })
    })

    it('deletes a book when that is confirmed, and not before', async () => {
      const page = await open()
      await bookOf(page).locator('.delete').click()
      await page.click('#conflict-choices button:text("Keep it")')
      expect((await shop.demo.ask(`GET /api/books/${erlang}`)).status).to.equal(200)
      await bookOf(page).locator('.delete').click()
      await page.click('#conflict-choices button:text("Delete it")')
      await bookOf(page).waitFor({ state: 'detached' })
      await shows(page, '#events .deleted', 'Programming Erlang')
      expect((await shop.demo.ask(`GET /api/books/${erlang}`)).status).to.equal(404)
    })

    describe('A stale edit is a 412, shown as a conflict to resolve', () => {
      let page: Page

      beforeEach(async () => {
        page = await open()
        await bookOf(page).locator('.edit').click()
        await page.fill('#book-form [name=title]', 'Mine')
        await put(1999)
        await page.click('#save')
        await shows(page, '#conflict-title', '412')
        shop.windows.forgive(/412 \(Precondition Failed\)/)
        expect(await page.locator('#versions').textContent()).to.match(/YoursMine.*On the shelf now.*1999/)
        expect(await kept()).to.deep.include({ title: 'Programming Erlang', year: 1999 })
      })

      it('mine can be saved all the same', async () => {
        await page.click('#conflict-choices button:text("Save mine")')
        await bookOf(page).locator('h3', { hasText: 'Mine' }).waitFor()
        expect(await kept()).to.deep.include({ title: 'Mine', year: 2013 })
      })

      it('theirs can be left', async () => {
        await page.click('#conflict-choices button:text("Keep theirs")')
        await page.locator('#conflict-dialog').waitFor({ state: 'hidden' })
        expect(await kept()).to.deep.include({ title: 'Programming Erlang', year: 1999 })
      })

      it('mine can be edited again, on top of theirs', async () => {
        await page.click('#conflict-choices button:text("Edit again")')
        await page.fill('#book-form [name=year]', '1999')
        await page.click('#save')
        await bookOf(page).locator('h3', { hasText: 'Mine' }).waitFor()
        expect(await kept()).to.deep.include({ title: 'Mine', year: 1999 })
      })

      it('a third change meanwhile is a conflict again', async () => {
        await put(2000)
        await page.click('#conflict-choices button:text("Save mine")')
        await shows(page, '#versions', '2000')
        shop.windows.forgive(/412 \(Precondition Failed\)/)
        expect(await kept()).to.deep.include({ title: 'Programming Erlang', year: 2000 })
      })
    })

    it('what a conflict was resolved to, and the server then refuses, is still in the form', async () => {
      const page = await open()
      await bookOf(page).locator('.edit').click()
      await page.fill('#book-form [name=title]', 'Mine')
      await put(1999)
      await page.click('#save')
      await shows(page, '#conflict-title', '412')
      await page.route('**/api/books/*', (route) =>
        route.request().method() === 'PUT'
          ? route.fulfill({ status: 503, json: { detail: 'Redis is away' } })
          : route.fallback(),
      )
      await page.click('#conflict-choices button:text("Save mine")')
      await shows(page, '#book-flaw', 'Redis is away')
      expect(await page.inputValue('#book-form [name=title]')).to.equal('Mine')
      await page.unroute('**/api/books/*')
      await page.click('#save')
      await bookOf(page).locator('h3', { hasText: 'Mine' }).waitFor()
      shop.windows.forgive(/412 \(Precondition Failed\)|503 \(Service Unavailable\)/)
    })

    it('where the server does not answer, says so, and keeps what was written', async () => {
      const page = await open()
      await bookOf(page).locator('.edit').click()
      await page.route('**/api/books/*', (route) => route.abort())
      await page.fill('#book-form [name=title]', 'Mine')
      await page.click('#save')
      await shows(page, '#book-flaw', 'Not saved. The server does not answer. Try again in a moment.')
      expect(await page.inputValue('#book-form [name=title]')).to.equal('Mine')
      shop.windows.forgive(away)
    })

    it('a second click on Save, while the first is on its way, sends nothing', async () => {
      const page = await open()
      await bookOf(page).locator('.edit').click()
      await page.fill('#book-form [name=year]', '2014')
      const sent: string[] = []
      page.on('request', (request) => request.method() === 'PUT' && sent.push(request.url()))
      await page.dblclick('#save')
      await page.locator('#book-dialog').waitFor({ state: 'hidden' })
      await bookOf(page).locator('.isbn', { hasText: '2014' }).waitFor()
      expect(sent).to.have.length(1)
      expect(await page.locator('#conflict-dialog').isVisible()).to.equal(false)
    })

    it('of two books that are clicked on, one is asked about, and that one alone is deleted', async () => {
      const page = await open()
      const held: (() => Promise<void>)[] = []
      await page.route('**/api/books/*', (route) => void held.push(() => route.fallback()))
      await bookOf(page).locator('.delete').click()
      await bookOf(page, '9780135957059').locator('.delete').click()
      await until(() => held.length > 0)
      await page.unroute('**/api/books/*')
      for (const goOn of held) await goOn()
      await shows(page, '#versions', 'Programming Erlang')
      await page.click('#conflict-choices button:text("Delete it")')
      await bookOf(page).waitFor({ state: 'detached' })
      expect(await page.locator('.book').count()).to.equal(11)
      expect((await shop.demo.ask('GET /api/books/9780135957059')).status).to.equal(200)
    })

    it('a search is answered while books change all the time', async () => {
      const page = await open()
      let isOver = false
      let year = 0
      const changing = (async () => {
        while (!isOver) await put(++year)
      })()
      await page.fill('#search', 'pragmatic')
      await shows(page, '#shelf-count', 'One book for “pragmatic”')
      isOver = true
      await changing
    })

    it('says so where the book was deleted meanwhile, and can add it again', async () => {
      const page = await open()
      await bookOf(page).locator('.edit').click()
      await shop.demo.ask(`DELETE /api/books/${erlang}`)
      await page.click('#save')
      await shows(page, '#conflict-lede', 'was deleted')
      shop.windows.forgive(/412 \(Precondition Failed\)|404 \(Not Found\)/)
      await page.click('#conflict-choices button:text("Add it again")')
      await until(async () => (await shop.demo.ask(`GET /api/books/${erlang}`)).status === 200)
    })

    it('a delete of what was changed meanwhile is asked about again', async () => {
      const page = await open()
      await bookOf(page).locator('.delete').click()
      await put(1999)
      await page.click('#conflict-choices button:text("Delete it")')
      await shows(page, '#conflict-title', '412')
      shop.windows.forgive(/412 \(Precondition Failed\)/)
      await shows(page, '#versions', '1999')
      await page.click('#conflict-choices button:text("Delete it")')
      await bookOf(page).waitFor({ state: 'detached' })
    })
  })

  describe('Two windows', () => {
    it('see each other’s changes at once', async () => {
      const [one, other] = [await open(), await open()]
      await bookOf(one).locator('.edit').click()
      await one.fill('#book-form [name=title]', 'From the first')
      await one.click('#save')
      await bookOf(other).locator('h3', { hasText: 'From the first' }).waitFor()
      await shows(other, '#events .updated', 'From the first')
      await bookOf(other).locator('.delete').click()
      await other.click('#conflict-choices button:text("Delete it")')
      await bookOf(one).waitFor({ state: 'detached' })
    })

    it('and more of them than a browser has connections: each sees, reads and writes, by three of them', async () => {
      const pages: Page[] = []
      for (let n = 0; n < 4; n++) pages.push(await open())
      const [first, last] = [pages[0]!, pages[3]!]
      await shows(last, '#happening-state', 'Live, by the connection of another window')
      for (const page of pages) {
        await shows(page, '#machine-state', 'Live, from process')
        await shows(page, '#lines', '/api/books 200')
      }
      expect(await streamsOf(shop.demo)).to.equal(3)
      // who is told again what there is has it once
      const samples = (page: Page) =>
        page.locator('#cpu-chart .line').evaluate((line) => line.getAttribute('d')!.split(/[ML]/).length)
      expect(await samples(pages[1]!)).to.be.closeTo(await samples(first), 4)
      await look(last, 'hidden')
      await look(last, 'visible')
      await shows(last, '#log-state', 'Live')
      expect(await samples(last)).to.be.closeTo(await samples(first), 4)
      for (const [index, page] of pages.entries()) {
        await bookOf(page).locator('.edit').click()
        await page.fill('#book-form [name=year]', String(1900 + index))
        await page.click('#save')
        await page.locator('#book-dialog').waitFor({ state: 'hidden' })
      }
      expect(await kept()).to.deep.include({ year: 1903 })
      for (const page of pages) await countsOf(page, { seen: 4, missed: 0, twice: 0 })
      // the others go on without the one that had the connection
      await first.close()
      await put(1904)
      for (const page of pages.slice(1)) await countsOf(page, { seen: 5, missed: 0, twice: 0 })
      await look(last, 'hidden')
      await put(1905)
      await put(1906)
      await look(last, 'visible')
      for (const page of pages.slice(1)) {
        await countsOf(page, { seen: 7, missed: 0, twice: 0 })
        await bookOf(page).locator('.isbn', { hasText: '1906' }).waitFor()
      }
      await until(async () => (await streamsOf(shop.demo)) === 3)
    })

    it('that is not looked at lets go of its connections, and comes back with nothing missed', async () => {
      const page = await open()
      await put(1)
      await countsOf(page, { seen: 1 })
      await look(page, 'hidden')
      await until(async () => (await streamsOf(shop.demo)) === 0)
      await put(2)
      await put(3)
      await look(page, 'visible')
      await countsOf(page, { seen: 3, missed: 0, twice: 0 })
    })
  })

  describe('What is happening', () => {
    it('comes back by itself when the connection is dropped: nothing missed, nothing twice', async () => {
      const page = await open()
      let year = 0
      for (let round = 1; round <= 3; round++) {
        for (let n = 0; n < 10; n++) await put(++year)
        shop.demo.server.closeAllConnections()
        for (let n = 0; n < 10; n++) await put(++year)
        await countsOf(page, { seen: 20 * round, missed: 0, twice: 0, returns: round })
      }
      shop.windows.forgive(away)
      const ids = await page
        .locator('#events li')
        .evaluateAll((items) => items.map((each) => each.dataset.id!))
      const numbers = ids.map((id) => Number(id.split('-')[1]))
      expect(numbers).to.deep.equal(Array.from({ length: 60 }, (_, index) => 60 - index))
      await bookOf(page).locator('.isbn', { hasText: '60 ·' }).waitFor()
    })

    it('goes on in each window when the browser is online again: nothing missed, nothing twice', async () => {
      const pages = [await open(), await open()]
      await put(1)
      for (const page of pages) await countsOf(page, { seen: 1 })
      await shop.windows.context.setOffline(true)
      shop.demo.server.closeAllConnections()
      for (const page of pages) await shows(page, '#happening-state', 'Lost the connection')
      await put(2)
      await put(3)
      await shop.windows.context.setOffline(false)
      for (const page of pages) {
        await countsOf(page, { seen: 3, missed: 0, twice: 0, returns: 1 })
        await bookOf(page).locator('.isbn', { hasText: '3 ·' }).waitFor()
      }
      shop.windows.forgive(away)
    })

    it('disconnects, and comes back with what was missed', async () => {
      const page = await open()
      await page.clock.install()
      await put(1)
      await countsOf(page, { seen: 1 })
      await page.click('#disconnect')
      await shows(page, '#happening-state', 'Disconnected, for 5 seconds')
      await until(async () => (await streamsOf(shop.demo, '/api/events/stream')) === 0)
      for (let year = 2; year <= 5; year++) await put(year)
      expect(await page.locator('#events li').count()).to.equal(1)
      await page.clock.runFor(5000)
      await countsOf(page, { seen: 5, missed: 0, twice: 0, returns: 1 })
    })

    it('what is said of the connection is true, whatever was disconnected, hidden and shown meanwhile', async () => {
      const page = await open()
      await page.clock.install()
      await page.click('#disconnect')
      await look(page, 'hidden')
      await look(page, 'visible')
      await shows(page, '#happening-state', 'Disconnected')
      expect(await streamsOf(shop.demo, '/api/events/stream')).to.equal(0)
      await page.clock.runFor(5000)
      await shows(page, '#happening-state', 'Live')
      await put(1)
      await countsOf(page, { seen: 1, missed: 0, twice: 0 })
      expect(await streamsOf(shop.demo, '/api/events/stream')).to.equal(1)
    })

    it('more than is retained is a gap that is told, and counted, and the shelf is loaded again', async () => {
      const books = new BooksInMemory()
      await shop.beginAgain({ books })
      const page = await open()
      await look(page, 'hidden')
      await until(async () => (await streamsOf(shop.demo)) === 0)
      for (let year = 1; year <= 1010; year++) {
        const book = (await books.get(erlang))!
        await books.change(erlang, book, { ...book, year })
      }
      await look(page, 'visible')
      await shows(
        page,
        '#events .gap',
        /10 events are missing after .*-0: more has happened than is retained/,
      )
      await countsOf(page, { seen: 1000, missed: 10, twice: 0 })
      await bookOf(page).locator('.isbn', { hasText: '1010 ·' }).waitFor()
    })

    it('something happens where one asks for it', async () => {
      const page = await open()
      await page.click('#dune')
      await shows(page, '#events .created', 'Dune')
      await shows(page, '.book h3', 'Dune')
      await page.click('#dune')
      await shows(page, '#events .deleted', 'Dune')
      expect(await page.locator('.book').count()).to.equal(12)
      shop.windows.forgive(/404 \(Not Found\)/)
    })

    it('a window that is opened later begins where its shelf does', async () => {
      for (let year = 1; year <= 3; year++) await put(year)
      const page = await open()
      await put(4)
      await countsOf(page, { seen: 1, missed: 0, twice: 0 })
    })
  })

  describe('This machine', () => {
    it('draws what comes', async () => {
      const page = await open()
      await shows(page, '#machine-state', 'Live, from process')
      await shows(page, '#cpu', /^\d+ %$/)
      await shows(page, '#memory', /^\d+ %$/)
      await page.waitForFunction(() =>
        document.querySelector('#cpu-chart .line')!.getAttribute('d')!.includes('L'),
      )
    })

    it('when its source is killed, says that the stream was cut, and comes back with another one', async () => {
      const page = await open()
      const pid = await pidOf(page)
      await page.click('#kill')
      await shows(page, '#machine-state', `Process ${pid} has died, and its streams were cut`)
      await page.waitForFunction((old) => {
        const [, now] =
          /from process (\d+)/.exec(document.querySelector('#machine-state')!.textContent!) ?? []
        return now !== undefined && now !== old
      }, pid)
      // a stream that is cut looks so
      shop.windows.forgive(/ERR_INCOMPLETE_CHUNKED_ENCODING .*\/api\/stream/)
    })
  })

  describe('The log', () => {
    it('follows the access log', async () => {
      const page = await open()
      await shows(page, '#log-state', 'Live')
      await shop.demo.ask('GET /api/books/of-the-log')
      await shows(page, '#lines', '/api/books/of-the-log 404')
    })

    it('comes back when the connection is dropped', async () => {
      const page = await open()
      await shows(page, '#log-state', 'Live')
      shop.demo.server.closeAllConnections()
      shop.windows.forgive(away)
      await shop.demo.ask('GET /api/books/of-the-log')
      await shows(page, '#lines', '/api/books/of-the-log 404')
      shop.windows.forgive(away)
    })
  })

  describe('Ask', () => {
    it('is answered word by word', async () => {
      const page = await open()
      await page.evaluate(() => {
        const seen: number[] = []
        Object.assign(window, { seen })
        new MutationObserver(() => seen.push(document.querySelector('#answer')!.textContent!.length)).observe(
          document.querySelector('#answer')!,
          { childList: true, characterData: true, subtree: true },
        )
      })
      await page.click('#ask-button')
      await shows(page, '#ask-state', 'Done')
      await shows(page, '#answer', 'Programming Erlang by Joe Armstrong')
      // the notice of the end is none of them
      const words = (await page.locator('#answer').textContent())!
      expect(words).to.match(/on the spines\. $/)
      await shows(page, '#ask-state', `Done: ${words.trim().split(' ').length} words`)
      const seen = await page.evaluate(() => (window as unknown as { seen: number[] }).seen)
      expect(new Set(seen).size).to.be.above(10)
      expect(seen).to.deep.equal([...seen].sort((one, other) => one - other))
    })

    it('a stream that ended before its answer did is not called done', async () => {
      await shop.beginAgain({ pace: 600_000 })
      const page = await open()
      await page.click('#ask-button')
      await until(async () => (await streamsOf(shop.demo, '/api/ask')) === 1)
      for (const stream of shop.demo.streams) if (stream.path === '/api/ask') stream.close()
      await shows(
        page,
        '#ask-state',
        /^Not finished: the stream (?:ended early \(revoked\)|was cut off) after 0 words/,
      )
      shop.windows.forgive(away)
    })

    it('stops, and so does the source', async () => {
      await shop.beginAgain({ pace: 600_000 })
      const page = await open()
      await page.click('#ask-button')
      const speaking = async () => (await (await shop.demo.ask('GET /api/ask/answers')).json()).speaking
      await until(async () => (await speaking()) === 1)
      await page.click('#stop')
      await shows(page, '#ask-state', 'Stopped after 0 words. Its source on the server has stopped too.')
      expect(await speaking()).to.equal(0)
    })
  })

  describe('Negotiate by hand', () => {
    const cases: [preset: string, line: string, end: string][] = [
      ['200 as CSV', '200', 'loop'],
      ['304 not modified', '304', '304'],
      ['406 nothing fits', '406', '406'],
      ['405 method', '405', '405'],
      ['415 type', '415', '415'],
      ['412 stale etag', '412', '412'],
      ['206 a range', '206', '206'],
      ['auf Deutsch', '200', '200'],
      ['a stream', '200', 'loop'],
    ]

    it('shows what each of the requests to try gets, and draws its way', async () => {
      const page = await open()
      for (const [preset, line, end] of cases) {
        await page.click(`#presets button:text-is("${preset}")`)
        await shows(page, '#response .line', line)
        await shows(page, '#path strong', end === 'loop' ? 'the loop' : end)
        const questions = (await page.locator('#path .mono').textContent())!.split(' → ')
        const last = questions.at(-1)!
        const drawn = await page.waitForFunction(
          ([question, ending]) => {
            const ways = [...document.querySelector('#graph')!.shadowRoot!.querySelectorAll('.way')].map(
              ({ id }) => id,
            )
            return ways.includes(`q-${question}`) && ways.includes(ending!) && ways
          },
          [last, end === 'loop' ? `loop-${last}` : `s-${end}-${last}`],
        )
        const ways = (await drawn.jsonValue()) as string[]
        expect(
          ways.filter((id) => id.startsWith('q-')),
          preset,
        ).to.have.members(questions.map((question) => `q-${question}`))
        // from each question one edge leads on
        for (const question of questions)
          expect(
            ways.filter((id) => id.startsWith(`e-${question}-`)),
            question,
          ).to.not.deep.equal([])
      }
      shop.windows.forgive(/ 4\d\d \(/)
    })

    it('the first of them may be a 304, and after it what is asked for is answered, not what the browser has kept', async () => {
      const page = await open()
      await page.click('#presets button:text-is("304 not modified")')
      await shows(page, '#response .line', '304')
      await shows(page, '#path strong', '304')
      for (let time = 0; time < 2; time++) {
        await page.fill('#request [name=If-None-Match]', '')
        await page.click('#request button')
        await shows(page, '#response .line', '200')
        await shows(page, '#path .mono', /isReading → provide → multipleChoices → isPartial$/)
      }
    })

    it('in a browser of another language than the books have', async () => {
      const italian = await shop.browser.newContext({ locale: 'it-IT' })
      const page = await italian.newPage()
      await page.goto(shop.demo.url)
      await shows(page, '.book')
      await page.click('#presets button:text-is("200 as CSV")')
      await shows(page, '#response .line', '200')
      await italian.close()
    })

    it('whatever is filled in', async () => {
      const page = await open()
      await page.fill('#request [name=method]', 'OPTIONS')
      await page.fill('#request [name=path]', '/api/stream')
      await page.click('#request button')
      await shows(page, '#response .line', '200')
      await shows(page, '#response td', 'GET, HEAD, OPTIONS')
    })

    it('what the browser does not send, it says', async () => {
      const page = await open()
      await page.fill('#request [name=method]', 'TRACE')
      await page.click('#request button')
      await shows(page, '#response', 'The browser says')
    })
  })

  describe('Try it from the shell', () => {
    it('each command names this server, and can be copied', async () => {
      await shop.windows.context.grantPermissions(['clipboard-read', 'clipboard-write'])
      const page = await open()
      for (const summary of await page.locator('.shell summary').all()) await summary.click()
      const commands = await page.locator('.command code').allTextContents()
      expect(commands).to.have.length.above(15)
      for (const command of commands) expect(command).to.include(shop.demo.url)
      await page.locator('.command .copy').nth(1).click()
      await shows(page, '.command .copy', 'Copied')
      expect(await page.evaluate(() => navigator.clipboard.readText())).to.equal(commands[1])
    })
  })

  describe('With the keyboard alone', () => {
    it('a book is added, and the focus comes back', async () => {
      const page = await open()
      await page.locator('#search').focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      for (const text of [schemer.isbn, schemer.title, schemer.author, '1995']) {
        await page.keyboard.type(text)
        await page.keyboard.press('Tab')
      }
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.locator('#book-dialog').waitFor({ state: 'hidden' })
      await shows(page, '.book h3', schemer.title)
      expect(await focused(page)).to.equal('add')
    })

    it('a dialog is left by Escape, a conflict is resolved, and nothing is out of reach', async () => {
      const page = await open()
      await bookOf(page).locator('.edit').focus()
      await page.keyboard.press('Enter')
      await page.locator('#book-dialog').waitFor()
      // it comes in a turn of its own, and until then nothing else is begun
      const closed = await page.locator('#book-dialog').evaluateHandle((dialog) => ({
        told: new Promise((told) => dialog.addEventListener('close', told, { once: true })),
      }))
      await page.keyboard.press('Escape')
      await closed.evaluate(({ told }) => told)
      await page.keyboard.press('Enter')
      await page.locator('#book-dialog').waitFor()
      await put(1999)
      await page.keyboard.press('Enter')
      await shows(page, '#conflict-title', '412')
      shop.windows.forgive(/412 \(Precondition Failed\)/)
      await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Enter')
      await page.locator('#conflict-dialog').waitFor({ state: 'hidden' })
      expect(await kept()).to.deep.include({ year: 1999 })
    })

    it('every control can be reached', async () => {
      const page = await open()
      for (const summary of await page.locator('.shell summary').all()) await summary.click()
      await shows(page, '#machine-state', 'Live') // from then on there is something to kill
      const controls = await page
        .locator('main :is(button, input, textarea, summary):not(:disabled):visible')
        .count()
      await page.locator('body').press('Tab')
      const reached = new Set<number>()
      for (let step = 0; step < 3 * controls && reached.size < controls; step++) {
        const index = await page.evaluate(() => {
          const all = document.querySelectorAll('main :is(button, input, textarea, summary)')
          return [...all].indexOf(document.activeElement!)
        })
        if (index >= 0) reached.add(index)
        await page.keyboard.press('Tab')
      }
      expect(reached.size).to.equal(controls)
    })
  })

  describe('For everybody', () => {
    for (const [what, options] of Object.entries<Look>({
      'light, wide': {},
      'dark, on a phone': { ...phone, colorScheme: 'dark' },
      ...(isFull && { 'dark, wide': { colorScheme: 'dark' }, 'light, on a phone': phone }),
    })) {
      it(`axe finds nothing serious: ${what}`, async () => {
        const page = await open(options)
        await put(1999)
        await shows(page, '#events .updated')
        for (const summary of await page.locator('.shell summary').all()) await summary.click()
        await page.click('#presets button:text-is("406 nothing fits")')
        await shows(page, '#path strong', '406')
        shop.windows.forgive(/406 \(Not Acceptable\)/)
        expect(await flawsOf(page)).to.deep.equal([])
        await page.click('#add')
        await page.click('#save')
        await shows(page, '#isbn-flaw', 'Expected 13 digits')
        shop.windows.forgive(/400 \(Bad Request\)/)
        expect(await flawsOf(page, '#book-dialog')).to.deep.equal([])
        await page.keyboard.press('Escape')
        await bookOf(page).locator('.delete').click()
        await page.locator('#conflict-dialog').waitFor()
        expect(await flawsOf(page, '#conflict-dialog')).to.deep.equal([])
      })
    }

    it('a phone need not scroll sideways', async () => {
      const page = await open(phone)
      for (const summary of await page.locator('.shell summary').all()) await summary.click()
      const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      expect(width).to.be.at.most(inner!)
    })
  })
})

/** How many streams the server holds open. */
async function streamsOf(demo: Demo, path?: string): Promise<number> {
  return [...demo.streams].filter((each) => path === undefined || each.path === path).length
}

async function pidOf(page: Page): Promise<string> {
  await shows(page, '#machine-state', 'from process')
  return /from process (\d+)/.exec((await page.locator('#machine-state').textContent())!)![1]!
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement!.id)
}

/** What axe has against a page that is serious, or a part of it. */
async function flawsOf(page: Page, part = ':root'): Promise<string[]> {
  if (part === ':root') await page.evaluate(axe.source)
  return page.evaluate(async (selector) => {
    const { run } = (
      window as unknown as { axe: { run(part: string): Promise<{ violations: Violation[] }> } }
    ).axe
    interface Violation {
      id: string
      impact: string
      nodes: { html: string; failureSummary: string }[]
    }
    const { violations } = await run(selector)
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
  }, part)
}
