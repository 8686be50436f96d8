import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ServerSentEventGenerator } from '@starfederation/datastar-sdk/node'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { Knife } from '../clients/knife.js'
import { launch, Windows } from '../support/browser.js'
import { Demo } from '../support/demo.js'
import { needs } from '../support/installed.js'

const packages = fileURLToPath(new URL('../../node_modules/', import.meta.url))

/** htmx 2 reads the stream of htmx 4; the demo has no page for it. */
const htmx2 = `<!doctype html><title>htmx 2</title><script src=/htmx-2.js></script><script src=/htmx-2-sse.js></script>
  <main hx-ext="sse" sse-connect="/htmx/stream" sse-swap="message" hx-target="#lines" hx-swap="beforeend">
    <ul id="lines"></ul>
  </main>`

/** What would be markup, an instruction or an end of something, if it were not escaped. */
const hostile = [
  '<script>document.title = "taken"</script>',
  '<img src=x onerror="document.title = `taken`">',
  '</template></turbo-stream><turbo-stream action="remove" target="lines"></turbo-stream>',
  `<b hx-get="/" hx-trigger="load" data-on-load="document.title = 'taken'" data-init="document.title = 'taken'">`,
  'first\nmode remove\nmergeMode outer\nselector body\n\nevent: datastar-execute-script\rdata: script 1',
  `\${document.title = "taken"} {{ title }} &lt;b&gt; &#60;b> "quoted" 'quoted' \\u003cb>`,
]

/** What the clients complain of when they lose a connection. htmx 2 shows no more than that it was an event. */
const lost = /failed to reach|ERR_|network error|failed to fetch|sse:?error|\[object Event\]/i

const names = ['htmx', 'htmx2', 'turbo', 'datastar'] as const

describe('demo/hypermedia.ts', function () {
  this.timeout(60_000)
  let folder: string
  let demo: Demo
  let port: string

  const start = async (env: NodeJS.ProcessEnv = {}) => {
    demo = await new Demo('hypermedia', [join(folder, 'lines.ndjson')], env).listening()
    port = new URL(demo.url).port
  }

  const said: string[] = []
  const say = async (...texts: string[]) => {
    for (const text of texts) {
      expect((await demo.post('/lines', { text })).status).to.equal(201)
      said.push(text)
    }
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lariat-hypermedia-'))
    await start()
  })

  after(async () => {
    await demo.kill()
    await rm(folder, { recursive: true })
  })

  describe('in Chromium', () => {
    needs('chromium')
    let browser: Browser
    let knife: Knife
    let windows: Windows
    const pages = new Map<string, Page>()

    before(async () => {
      browser = await launch()
      knife = await Knife.before(Number(port))
      windows = await Windows.in(browser)
      const answer = async (path: string, body: string, contentType: string) => {
        await windows.context.route(`**${path}`, (route) => route.fulfill({ body, contentType }))
      }
      await answer('/htmx2', htmx2, 'text/html')
      const scripts = { '/htmx-2.js': 'htmx-2/dist/htmx.js', '/htmx-2-sse.js': 'htmx-ext-sse/dist/sse.js' }
      for (const [path, file] of Object.entries(scripts))
        await answer(path, readFileSync(packages + file, 'utf8'), 'text/javascript')
    })

    after(async () => {
      await browser?.close()
      await knife?.close()
    })

    /** Waits until each page shows all that was said, once and in order. */
    async function allShow(): Promise<void> {
      for (const [name, page] of pages) {
        const shown = () => page.locator('#lines > li').allTextContents()
        await page
          .waitForFunction(`document.querySelectorAll("#lines > li").length >= ${said.length}`)
          .catch(async () => expect(await shown(), name).to.deep.equal(said))
        expect(await shown(), name).to.deep.equal(said)
        expect(await page.locator('#lines > li > *, #lines > :not(li)').count(), name).to.equal(0)
        expect(await page.title(), name).not.to.equal('taken')
      }
    }

    it('htmx 4, htmx 2, Turbo and Datastar show what there is, and each line that is said', async () => {
      await say('one')
      for (const name of names) pages.set(name, await windows.open(`${knife.url}/${name}`))
      await allShow()
      await say('two', 'three')
      await allShow()
      expect(windows.complaints).to.deep.equal([])
    })

    it('Hostile text stays text', async () => {
      await say(...hostile)
      await allShow()
      expect(windows.complaints).to.deep.equal([])
    })

    it('A line that is said in one of the pages is shown in all', async () => {
      for (const name of ['htmx', 'turbo', 'datastar']) {
        const input = pages.get(name)!.locator('input')
        await input.fill(`by ${name} & Co`)
        await input.press('Enter')
        said.push(`by ${name} & Co`)
        await allShow()
        expect(await input.inputValue()).to.equal('')
      }
      expect(windows.complaints).to.deep.equal([])
    })

    it('A page whose connection is cut gets just what it missed', async () => {
      for (const page of pages.values())
        await page.evaluate('document.querySelector("#lines").dataset.isOld = ""')
      for (const _page of pages.values())
        knife.cut((text) => {
          const at = text.indexOf('>the last before the cut<')
          return at < 0 ? undefined : text.indexOf('\n\n', at) + 2
        })
      await say('the last before the cut', 'missed', 'missed too')
      await allShow()
      expect(knife.done).to.equal(4)
      // the list is the same: a snapshot would have replaced it
      for (const [name, page] of pages)
        expect(await page.locator('#lines').getAttribute('data-is-old'), name).to.equal('')
      await say('live again')
      await allShow()
      windows.forgive(lost)
      expect(windows.complaints).to.deep.equal([])
    })

    it('The pages go on after a graceful restart, and miss nothing that is said meanwhile', async () => {
      for (const page of pages.values()) await page.evaluate('window.isOld = true')
      demo.terminate()
      expect(await demo.exited).to.deep.equal([0, null])
      await start({ PORT: port })
      await say('the first after the restart', 'the second')
      await allShow()
      await say('live again, again')
      await allShow()
      for (const [name, page] of pages) expect(await page.evaluate('window.isOld'), name).to.equal(true)
      windows.forgive(lost)
      expect(windows.complaints).to.deep.equal([])
    })
  })

  it('What Datastar 1.0 gets is what its own SDK writes', async () => {
    await say('one & only')
    const stored = (await readFile(join(folder, 'lines.ndjson'), 'utf8')).trim().split('\n')
    const item = (number: number) => `<li id="line-${number}">${escapedAsShown(said[number - 1]!)}</li>`
    const first = stored.length
    const reader = (await demo.ask('/datastar/stream')).body!.pipeThrough(new TextDecoderStream()).getReader()
    const frames = framesOf(reader)
    const whole = (await frames.next()).value!
    await say('a line <more>')
    const more = (await frames.next()).value!
    await reader.cancel()
    const all = Array.from({ length: first }, (_, at) => item(at + 1)).join('')
    expect(whole.replace(/^:\nretry: 1000\n/, '')).to.equal(
      await bySdk((sdk) => sdk.patchElements(`<ul id="lines">${all}</ul>`, { eventId: idOf(whole) })),
    )
    expect(more).to.equal(
      await bySdk((sdk) =>
        sdk.patchElements(item(first + 1), { selector: '#lines', mode: 'append', eventId: idOf(more) }),
      ),
    )
  })
})

const idOf = (frame: string) => /^id: (.+)$/m.exec(frame)![1]!

const escapedAsShown = (text: string) => text.replace(/[&<>"'\r\n]/g, (each) => `&#${each.charCodeAt(0)};`)

async function* framesOf(reader: ReadableStreamDefaultReader<string>): AsyncGenerator<string> {
  let rest = ''
  for (;;) {
    const at = rest.indexOf('\n\n')
    if (at >= 0) {
      yield rest.slice(0, at + 2)
      rest = rest.slice(at + 2)
      continue
    }
    const { done, value } = await reader.read()
    if (done) return
    rest += value
  }
}

/** What the SDK writes to an answer of Node's. */
async function bySdk(write: (sdk: ServerSentEventGenerator) => void): Promise<string> {
  const wire = new PassThrough()
  const answer = Object.assign(wire, { writeHead: () => answer, flushHeaders: () => {}, on: wire.on })
  await ServerSentEventGenerator.stream({ on: () => {}, headers: {} } as never, answer as never, write)
  wire.end()
  let text = ''
  wire.on('data', (piece) => {
    text += piece
  })
  await once(wire, 'end')
  return text
}
