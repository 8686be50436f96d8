import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { resource } from '../../lib/index.js'
import { launch } from '../support/browser.js'
import { staysClean } from '../support/clean.js'
import { needs } from '../support/installed.js'
import { counting } from './endpoints.js'
import { type Front, haproxyRecommended, nginxRecommended, patience } from './fronts.js'
import { Origin } from './origin.js'

const many = 8

/** Streams in a page, and what they tell. */
const page = `<title>Streams</title><script>
  const last = []
  const states = () => sources.map(({ readyState }) => readyState)
  const sources = Array.from({ length: ${many} }, (_, at) => {
    const source = new EventSource('/stream')
    source.onmessage = ({ lastEventId }) => { last[at] = lastEventId }
    return source
  })
</script>`

const html = resource({ contentTypesProvided: { 'text/html': () => page } })

describe("Chromium's EventSource over HTTP/2, through the proxies of docs/operate/proxies.md", function () {
  this.timeout(patience)
  needs('chromium')
  needs('openssl')
  let browser: Browser
  before(async () => {
    browser = await launch()
  })
  after(() => browser.close())

  describe('nginx', () => {
    needs('nginx')
    comesBack(nginxRecommended)
  })

  describe('HAProxy', () => {
    needs('haproxy')
    comesBack(haproxyRecommended, { 'timeout connect 5s': 'timeout connect 5s\n retries 0' })
  })

  function comesBack(front: Front, changes?: Readonly<Record<string, string>>) {
    staysClean()

    it('holds more streams than the six of HTTP/1.1, and each comes back after a restart, with its last id', async () => {
      const before = await serving()
      const { port } = before
      const proxy = await front.start(port, changes)
      const context = await browser.newContext({ ignoreHTTPSErrors: true })
      let after: Origin | undefined
      try {
        const window = await context.newPage()
        await window.goto(`https://127.0.0.1:${proxy.port}/page`, { waitUntil: 'commit' })
        await sees(window, `last.length === ${many} && last.every((id) => id === '3')`)
        const protocol = 'performance.getEntriesByType("navigation")[0].nextHopProtocol'
        expect(await window.evaluate(protocol)).to.equal('h2')
        await before.close()
        await sees(window, 'states().every((state) => state === EventSource.CONNECTING)')
        after = await serving(port)
        await sees(window, `last.every((id) => id === '6')`)
      } finally {
        await context.close()
        await proxy.close()
        await (after ?? before).close()
      }
    })
  }
})

async function sees(window: Page, condition: string): Promise<void> {
  await window.waitForFunction(condition, undefined, { timeout: patience / 2 })
}

async function serving(port = 0): Promise<Origin> {
  const { endpoint } = counting({ retry: 100 })
  const origin = await new Origin().open(port)
  origin.route((path) => (path === '/page' ? html : endpoint))
  return origin
}
