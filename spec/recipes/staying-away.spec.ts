import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { buildSync } from 'esbuild'
import express from 'express'
import type { Browser, Page } from 'playwright-core'
import { event, resource, sse, stop } from '../../lib/index.js'
import { until } from '../demo/bookshop/demo.js'
import { launch, Windows } from '../support/browser.js'
import { needs } from '../support/installed.js'

const packages = fileURLToPath(new URL('../../node_modules/', import.meta.url))
const script = (path: string) => `<script>${readFileSync(packages + path, 'utf8')}</script>`
const { outputFiles } = buildSync({
  entryPoints: [`${packages}@microsoft/fetch-event-source/lib/esm/index.js`],
  bundle: true,
  format: 'iife',
  globalName: 'microsoft',
  write: false,
})

const htmx4 = script('htmx.org/dist/htmx.js') + script('htmx.org/dist/ext/hx-sse.js')
const htmx2 = script('htmx-2/dist/htmx.js') + script('htmx-ext-sse/dist/sse.js')
const fetchEventSource = `<script>${outputFiles[0]!.text}</script>`

/** Pages that say `over` when their client has closed for good, and what they are told to do for that. */
const pages = {
  EventSource: {
    plain: `<script>
      const source = new EventSource('/plain')
      source.onerror = () => { over = source.readyState === EventSource.CLOSED }
    </script>`,
    helped: `<script>
      const source = new EventSource('/helped')
      source.addEventListener('end', () => { source.close(); over = true })
    </script>`,
  },
  'htmx 4': {
    plain: `${htmx4}<script>addEventListener('htmx:sse:close', () => { over = true })</script>
      <main hx-sse:connect="/plain"></main>`,
    helped: `${htmx4}<script>addEventListener('htmx:sse:close', () => { over = true })</script>
      <main hx-sse:connect="/helped" hx-sse:close="end"></main>`,
    // where the server does answer with a 204
    'by itself': `${htmx4}<script>
      addEventListener('htmx:sse:close', () => { over = true })
      addEventListener('htmx:sse:before:connection', (event) => {
        if (event.detail.connection.status === 204) event.preventDefault()
      })
    </script><main hx-sse:connect="/plain"></main>`,
  },
  'htmx 2': {
    plain: `${htmx2}<script>addEventListener('htmx:sseClose', () => { over = true })</script>
      <main hx-ext="sse" sse-connect="/plain" sse-swap="message"></main>`,
    helped: `${htmx2}<script>addEventListener('htmx:sseClose', () => { over = true })</script>
      <main hx-ext="sse" sse-connect="/helped" sse-swap="message" sse-close="end"></main>`,
  },
  '@microsoft/fetch-event-source': {
    plain: `${fetchEventSource}<script>
      const onclose = () => { throw new Error('It may be a restart') }
      microsoft.fetchEventSource('/plain', { onclose }).then(() => { over = true })
    </script>`,
    helped: `${fetchEventSource}<script>
      const leaving = new AbortController()
      const onmessage = ({ event }) => { if (event === 'end') leaving.abort() }
      const onclose = () => { throw new Error('It may be a restart') }
      const { signal } = leaving
      microsoft.fetchEventSource('/helped', { onmessage, onclose, signal }).then(() => { over = true })
    </script>`,
    'by itself': `${fetchEventSource}<script>
      const leaving = new AbortController()
      const onopen = async ({ status }) => { if (status === 204) leaving.abort() }
      const onclose = () => { throw new Error('It may be a restart') }
      const { signal } = leaving
      microsoft.fetchEventSource('/plain', { onopen, onclose, signal }).then(() => { over = true })
    </script>`,
  },
} as const

/** Those for which a 204 is no end. */
const tireless: readonly string[] = ['htmx 4', 'htmx 2', '@microsoft/fetch-event-source']

describe('Clients that a 204 does not stop (docs/recipes/clients-and-proxies.md)', function () {
  this.timeout(60_000)
  needs('chromium')
  let server: Server
  let browser: Browser
  let windows: Windows
  let page: Page
  let url: string
  let shown: string
  /** The answers that the client of a test has got. */
  let answers: number[]

  before(async () => {
    async function* first() {
      yield event('hello', { retry: 10 })
    }
    const plain = resource({
      contentTypesProvided: [sse()],
      subscribe: () => (answers.length === 0 ? first() : stop()),
    })
    // in the place of a 204, a stream that has nothing but its end
    const helped = resource({
      contentTypesProvided: [sse()],
      subscribe: () => (answers.length === 0 ? first() : []),
      stream: { endEvent: true },
    })
    const cut = resource({
      contentTypesProvided: [sse()],
      async *subscribe() {
        yield event('hello', { retry: 10 })
        throw new Error('meant')
      },
      terminate() {},
    })
    const app = express()
      .use((req, res, next) => {
        const those = answers
        if (req.path !== '/') res.once('close', () => those.push(res.statusCode))
        next()
      })
      .get('/', (_req, res) => {
        res.send(`<!doctype html><script>var over = false</script>${shown}`)
      })
      .use('/plain', plain)
      // the end itself is lost with the first connection
      .use('/helped', (req, res, next) => (answers.length === 0 ? cut : helped)(req, res, next))
    server = createServer(app)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await launch()
  })

  beforeEach(async () => {
    answers = []
    windows = await Windows.in(browser)
  })

  afterEach(async () => {
    await windows.close()
    server.closeAllConnections()
  })

  after(async () => {
    await browser?.close()
    server.closeAllConnections()
    server.close()
  })

  const open = async (markup: string) => {
    shown = markup
    page = await windows.open(url)
  }

  for (const [name, { plain, helped, ...others }] of Object.entries(pages)) {
    if (tireless.includes(name))
      it(`${name} comes back after a 204`, async () => {
        await open(plain)
        await until(() => answers.length >= 3)
        expect(answers.slice(0, 3)).to.deep.equal([200, 204, 204])
        expect(await page.evaluate('over')).to.equal(false)
      })
    else
      it(`${name} stays away after a 204`, async () => {
        await open(plain)
        await page.waitForFunction('over')
        await until(() => answers.length >= 2)
        expect(answers).to.deep.equal([200, 204])
      })

    it(`${name} stays away after the event \`end\`, also if it was away when that was said`, async () => {
      await open(helped)
      await page.waitForFunction('over')
      await until(() => answers.length >= 2)
      expect(answers).to.deep.equal([200, 200])
    })

    for (const markup of Object.values(others))
      it(`${name} can be told to stay away after a 204`, async () => {
        await open(markup)
        await page.waitForFunction('over')
        await until(() => answers.length >= 2)
        expect(answers).to.deep.equal([200, 204])
      })
  }
})
