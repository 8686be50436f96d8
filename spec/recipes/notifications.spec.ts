import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { Knife } from '../clients/knife.js'
import { launch, Windows } from '../support/browser.js'
import { Curl } from '../support/curl.js'
import { Demo } from '../support/demo.js'
import { needs } from '../support/installed.js'

describe('demo/notifications.ts', function () {
  this.timeout(60_000)
  let demo: Demo

  before(async () => {
    demo = await new Demo('notifications').listening()
  })

  after(() => demo.kill())

  const notify = async (name: string, text: string) => {
    expect((await demo.post(`/notify/${name}`, { text })).status).to.equal(204)
  }

  describe('by curl', () => {
    needs('curl')

    const textsOf = ({ text }: Curl) => [...text.matchAll(/^data: (\{"text".*)$/gm)].map(([, data]) => data!)
    const data = (text: string) => JSON.stringify({ text })

    it('A user who comes back gets what was for him, for the teams that he is in by then, and for all', async () => {
      const first = new Curl(`${demo.url}/notifications/ada`)
      await first.prints(/^event: position$/m)
      await notify('user:ada', 'for Ada')
      await notify('user:bob', 'for Bob')
      await notify('team:tea', 'for the tea team')
      await notify('team:coffee', 'for the coffee team')
      await notify('all', 'for all')
      await first.prints(/for all/)
      await first.stop()
      expect(textsOf(first)).to.deep.equal(['for Ada', 'for the tea team', 'for all'].map(data))
      const [id] = [...first.text.matchAll(/^id: (.*)$/gm)].at(-1)!.slice(1)

      await notify('user:ada', 'missed')
      await notify('all', 'missed by all')
      expect((await fetch(`${demo.url}/teams/coffee/ada`, { method: 'PUT' })).status).to.equal(204)
      const second = new Curl(`${demo.url}/notifications/ada`, '-H', `Last-Event-ID: ${id}`)
      await second.prints(/missed by all/)
      await notify('team:coffee', 'for the coffee team, again')
      await second.prints(/coffee team, again/)
      await second.stop()
      expect(textsOf(second)).to.have.members(
        ['missed', 'missed by all', 'for the coffee team, again'].map(data),
      )
    })

    it('An unknown user is a 404; who is online is told while he is', async () => {
      expect(await new Curl(`${demo.url}/notifications/eve`, '-w', '%{http_code}').all()).to.match(/404$/)
      const bob = new Curl(`${demo.url}/notifications/bob`)
      await bob.prints(/^:/)
      const online = async () => JSON.parse(await new Curl(`${demo.url}/online`).all())
      expect(await online()).to.deep.equal(['bob'])
      await bob.stop()
      let left: string[] = ['bob']
      while (left.length > 0) left = await online()
    })
  })

  describe('in Chromium', () => {
    needs('chromium')
    let browser: Browser
    let windows: Windows
    let knife: Knife
    let ada: Page
    let bob: Page

    before(async () => {
      await demo.kill()
      demo = await new Demo('notifications').listening()
      browser = await launch()
      windows = await Windows.in(browser)
      knife = await Knife.before(Number(new URL(demo.url).port))
      ada = await windows.open(`${knife.url}/?user=ada`)
      bob = await windows.open(`${knife.url}/?user=bob`)
      for (const page of [ada, bob]) await page.waitForFunction('source.readyState === EventSource.OPEN')
    })

    after(async () => {
      await browser?.close()
      await knife?.close()
    })

    /** Waits until a page shows texts, the newest first. */
    const shows = async (page: Page, ...texts: string[]) => {
      await page.waitForFunction(`document.querySelectorAll('li').length >= ${texts.length}`)
      expect(await page.locator('li').allTextContents()).to.deep.equal(texts)
    }

    it('Each user sees what is for him, for his team and for all, said in a page, as text', async () => {
      const hostile = '<img src=x onerror="document.title = 1">'
      for (const [to, text] of [
        ['user:ada', 'for Ada'],
        ['user:bob', 'for Bob'],
        ['team:tea', hostile],
        ['all', 'for all'],
      ] as const) {
        await ada.selectOption('select', to)
        await ada.fill('input', text)
        await ada.press('input', 'Enter')
        await ada.waitForFunction('document.querySelector("input").value === ""')
      }
      await shows(ada, 'for all', hostile, 'for Ada')
      await shows(bob, 'for all', hostile, 'for Bob')
      expect(windows.complaints).to.deep.equal([])
    })

    it('A page whose connection is cut gets what it missed, once', async () => {
      const behind = (text: string) => {
        const at = text.indexOf('the last before the cut')
        return at < 0 ? undefined : text.indexOf('\n\n', at) + 2
      }
      knife.cut(behind)
      await notify('user:ada', 'the last before the cut')
      await notify('user:ada', 'missed')
      await notify('team:tea', 'missed, too')
      await ada.waitForFunction(`document.querySelectorAll('li').length >= 6`)
      expect(knife.done).to.equal(1)
      const [newest, second, ...others] = await ada.locator('li').allTextContents()
      // of each channel in its order
      expect([newest, second]).to.have.members(['missed', 'missed, too'])
      expect(others.slice(0, 2)).to.deep.equal(['the last before the cut', 'for all'])
      expect(others).to.have.length(4)
      windows.forgive(/ERR_/)
      expect(windows.complaints).to.deep.equal([])
    })

    it('After a restart in memory a page is told that some may be missing, and goes on', async () => {
      const { port } = new URL(demo.url)
      demo.terminate()
      expect(await demo.exited).to.deep.equal([0, null])
      demo = await new Demo('notifications', [], { PORT: port }).listening()
      await bob.waitForFunction(`document.querySelector('li').textContent.includes('missing')`)
      await notify('user:bob', 'after the restart')
      await bob.waitForFunction(`document.querySelector('li').textContent === 'after the restart'`)
      windows.forgive(/ERR_/)
      expect(windows.complaints).to.deep.equal([])
    })
  })
})
