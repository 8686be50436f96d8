import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { launch, Windows } from '../support/browser.js'
import { Demo } from '../support/demo.js'
import { needs } from '../support/installed.js'
import { RedisServer } from '../support/redis/server.js'
import { judgements, open, type Packages, settled, standOf, textOf, wordsOf } from './judges/chat.js'
import { judged } from './judging.js'

describe('The recipe chat: the AI SDK’s transport and chat', function () {
  this.timeout(60_000)

  let demo: Demo

  it('The lines that its page shows are those of the program', () => {
    const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
    const program = ['chat.ts', 'chat/chats.ts'].map((name) => read(`demo/${name}`)).join('')
    const shown = [...read('docs/recipes/chat.md').matchAll(/^```typescript\n(.*?)^```$/gms)].map(
      ([, lines]) => lines,
    )
    expect(shown).to.have.length(3)
    for (const lines of shown) expect(program).to.include(lines)
  })

  describe('in memory', () => {
    before(() => {
      demo = new Demo('chat')
      return demo.listening()
    })
    after(() => demo.kill())

    judged<Packages>({
      name: 'chat',
      demo: () => demo,
      judgements,
      here: async () => ({ ai: await import('ai') }),
      newer: { ai: '7.0.173' },
      also: ['zod@4.6.7'],
    })

    describe('its page, in Chromium', () => {
      needs('chromium')
      let browser: Browser
      let windows: Windows
      before(async () => {
        browser = await launch()
        windows = await Windows.in(browser)
      })
      after(() => browser?.close())

      const shows = (page: Page, words: number) =>
        page.waitForFunction(
          `document.querySelectorAll('li')[1]?.textContent.split(' ').length > ${words + 1}`,
        )
      const said = (page: Page) => page.locator('#messages').textContent()

      it('A reload and a second window show all of the answer, and the button stops the model', async () => {
        const page = await windows.open(`${demo.url}/#a`)
        await page.click('text=Ask')
        await shows(page, 5)
        const second = await windows.open(`${demo.url}/#a`)
        await shows(second, 10)
        await page.reload()
        await shows(page, 20)
        expect(demo.said(/^(Stopped|Finished) .* of 300/)).to.deep.equal([])
        await second.click('text=Stop')
        await demo.says(/^Stopped after \d+ of 300/)
        for (const each of [page, second])
          await each.waitForFunction("document.querySelector('output').value === 'ready'")
        expect(await said(page)).to.equal(await said(second))
        expect(textOf((await settled(demo.url, 'a')).messages[1])).to.equal(
          (await said(page))!.split('assistant: ')[1],
        )
        expect(windows.complaints).to.deep.equal([])
      })
    })
  })

  describe('on Redis, of several processes', () => {
    needs('redis-server')
    const redis = new RedisServer()
    const demos: Demo[] = []
    let packages: Packages

    const start = () => {
      const demo = new Demo('chat', [], { REDIS_URL: redis.url })
      demos.push(demo)
      return demo.listening()
    }
    const windowOf = (demo: Demo, chat: string, opened = {}) => open(packages, demo.url, chat, opened)

    before(async () => {
      packages = { ai: await import('ai') }
      await redis.start()
    })
    after(async () => {
      await Promise.all(demos.map((demo) => demo.kill()))
      await redis.close()
    })

    let last: Demo

    it('An answer outlives a restart: the process ends when it is written, and another takes its readers', async () => {
      const [before, after] = await Promise.all([start(), start()])
      last = after
      const window = windowOf(before, 'a', { length: 60 })
      const asking = window.sendMessage({ text: 'Throw the' })
      await window.reads(5)
      before.terminate()
      // its stream is cut: it must not look whole
      await asking
      expect(window.status).to.equal('error')
      expect(wordsOf(window.messages.at(-1))).to.be.below(60)
      const { messages, answer } = await standOf(after.url, 'a')
      expect(answer).to.be.a('string')
      const reloaded = windowOf(after, 'a', { messages })
      await reloaded.resumeStream()
      expect(await before.exited).to.deep.equal([0, null])
      expect(before.said(/^Finished after 60 of 60/)).to.have.length(1)
      expect(reloaded.status).to.equal('ready')
      const stands = await standOf(after.url, 'a')
      expect(stands.answer).to.equal(undefined)
      expect(wordsOf(stands.messages.at(-1))).to.equal(60)
      expect(reloaded.messages.map(textOf)).to.deep.equal(stands.messages.map(textOf))
    })

    it('Stop reaches the process that writes, and a crash of it is told: what was said stays, and the chat goes on', async () => {
      const [writer, other] = [await start(), last]
      const stopped = windowOf(writer, 'b', { length: 800 })
      const asking = stopped.sendMessage({ text: 'Throw the' })
      await stopped.reads(3)
      expect((await fetch(`${other.url}/api/chat/b/stream`, { method: 'DELETE' })).status).to.equal(204)
      await asking
      await writer.says(/^Stopped after \d+ of 800/)
      expect(stopped.status).to.equal('ready')

      const lost = windowOf(writer, 'c', { length: 900 })
      const losing = lost.sendMessage({ text: 'Throw the' })
      await lost.reads(3)
      await writer.kill()
      await losing
      expect(lost.status).to.equal('error')
      const { messages } = await standOf(other.url, 'c')
      const window = windowOf(other, 'c', { messages, length: 2 })
      await window.resumeStream()
      expect(window.error?.message).to.equal('The answer was lost.')
      expect(wordsOf(window.messages.at(-1))).to.be.at.least(3)
      await window.regenerate()
      expect(window.status).to.equal('ready')
      expect(window.messages).to.have.length(2)
      expect(textOf(window.messages[1])).to.equal(textOf((await standOf(other.url, 'c')).messages[1]))
    })
  })
})
