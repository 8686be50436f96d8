import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { type BuildOptions, build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { serve } from '../clients/clients.js'
import { exampleWith, news } from '../clients/news.js'
import { launch } from '../support/browser.js'
import { compilers, complaints } from '../support/compile.js'
import { needs } from '../support/installed.js'
import { needsRegistry, packagesOf } from '../support/packages.js'
import { staged } from '../support/stage.js'
import { examples, root } from './pages.js'
import { Folder, type Running } from './running.js'

const run = promisify(execFile)
const guide = 'docs/guide/client.md'
const block = (text: string, words = {}) => exampleWith(text, words, guide)
const lib = (door: string) => new URL(`lib/${door}.ts`, root).pathname
const client = { alias: { 'express-lariat/client': lib('client') } }

describe(`The programs of ${guide}`, function () {
  this.timeout(60_000)
  let folder: Folder

  before(async () => {
    folder = await Folder.make()
    await mkdir(join(folder.path, 'public/lariat'), { recursive: true })
  })

  after(() => folder.remove())

  /** Makes one file of a source, for a page or for Node. */
  async function bundle(source: string, made: string, options: BuildOptions = {}): Promise<string> {
    const outfile = join(folder.path, made)
    const entryPoints = [join(folder.path, source)]
    await build({
      ...client,
      ...options,
      entryPoints,
      outfile,
      bundle: true,
      format: 'esm',
      logLevel: 'silent',
    })
    return outfile
  }

  describe('in Node', () => {
    staged()

    it('keep the place in a file, return after a cut, and end when it is over', async () => {
      const site = await serve({ '/news': await news() })
      const code = block("rename('place.new', 'place')", { 'localhost:3000': `127.0.0.1:${site.port}` })
      await writeFile(join(folder.path, 'program.mjs'), code)
      const program = await bundle('program.mjs', 'program.bundle.mjs', { platform: 'node' })
      const { stdout } = await run(process.execPath, [program], { cwd: folder.path, timeout: 25_000 })
      expect(stdout.match(/News \d|waiting|over/g)).to.deep.equal([
        'News 1',
        'waiting',
        'News 2',
        'News 3',
        'over',
      ])
      expect(await readFile(join(folder.path, 'place'), 'utf8')).to.match(/-3$/)
    })
  })

  describe('in a page', () => {
    needs('chromium')
    const server = examples.find(({ where, code }) => where.startsWith(guide) && code.includes("'/chat'"))!
    const forAll = { 'return Date.now() < until ||': 'return true ||' }
    let browser: Browser
    let page: Page
    let running: Running
    let requests: string[]

    before(async () => {
      browser = await launch()
      await build({
        entryPoints: [lib('client')],
        outfile: join(folder.path, 'public/lariat/client.js'),
        bundle: true,
        format: 'esm',
      })
    })

    after(() => browser?.close())
    afterEach(() => Promise.all([running?.stop(), page?.context().close()]))

    async function open(path: string, words: Readonly<Record<string, string>>): Promise<void> {
      running = await folder.run(await folder.change(server, words))
      page = await (await browser.newContext()).newPage()
      page.setDefaultTimeout(15_000)
      requests = []
      page.on('request', (request) => requests.push(new URL(request.url()).pathname))
      await page.goto(`http://127.0.0.1:${running.port}${path}`)
    }
    const answers = (pattern: RegExp) =>
      page.waitForSelector(`#answer:text-matches("${pattern.source.replaceAll('\\', '\\\\')}")`)
    const asked = (path: string) => requests.filter((each) => each === path).length

    it('show prices past the end of a login, and a chat that can be stopped, in less than 40 lines', async () => {
      const html = block('<!doctype html>')
      expect(/<script.*?>\n(.*)<\/script>/s.exec(html)![1]!.split('\n').length).to.be.below(40)
      await writeFile(join(folder.path, 'public/index.html'), html)
      await open('/', { 'lasting = 60_000': 'lasting = 600' })
      // all that is ever shown
      await page.evaluate(`globalThis.shown = []
        new MutationObserver((records) => {
          for (const { addedNodes } of records)
            for (const { textContent } of addedNodes) shown.push(Number(textContent))
        }).observe(document.getElementById('price'), { childList: true })`)
      await page.click('text=Ask')
      await answers(/You ask: How/)
      await page.click('text=Stop')
      await answers(/\(stopped\)$/)
      await page.click('text=Ask')
      await answers(/by word\. ∎$/)
      while (asked('/login') < 4) await page.waitForRequest('**/login')
      const count = await page.evaluate('shown.length')
      await page.waitForFunction(`shown.length > ${count} + 2`)
      const shown = (await page.evaluate('shown')) as number[]
      expect(shown).to.deep.equal(shown.map((_, n) => shown[0]! + n))
    })

    it('catch up in a service worker, and tell the page', async () => {
      await writeFile(join(folder.path, 'public/worker.js'), block('self.clients'))
      await writeFile(join(folder.path, 'public/window.html'), '<!doctype html><title>A window</title>')
      await open('/window.html', { ...forAll, "'/prices'": "'/news'" })
      const told = await page.evaluate(`(async () => {
        const { serviceWorker } = navigator
        await serviceWorker.register('/worker.js', { type: 'module' })
        const { active } = await serviceWorker.ready
        return new Promise((resolve) => {
          serviceWorker.onmessage = ({ data }) => resolve(data)
          active.postMessage('catch up')
        })
      })()`)
      expect(told).to.have.property('symbol', 'ROPE')
    })

    describe('of React', () => {
      let packages: string

      needsRegistry(async () => {
        packages = join(
          await packagesOf(['react@19', 'react-dom@19', '@types/react@19', '@types/react-dom@19']),
          'node_modules',
        )
        await writeFile(join(folder.path, 'page.tsx'), block('createRoot'))
      })

      it('compile', async () => {
        const tsconfig = join(folder.path, 'react.json')
        const settings = {
          target: 'es2022',
          lib: ['es2022', 'dom'],
          types: [],
          module: 'esnext',
          moduleResolution: 'bundler',
          jsx: 'react-jsx',
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: true,
          noEmit: true,
          paths: {
            'express-lariat/client': [lib('client')],
            'react-dom/*': [join(packages, '@types/react-dom/*')],
            'react/*': [join(packages, '@types/react/*')],
            react: [join(packages, '@types/react')],
          },
        }
        await writeFile(tsconfig, JSON.stringify({ compilerOptions: settings, files: ['page.tsx'] }))
        expect(await complaints(compilers['TypeScript 7'], tsconfig)).to.equal('')
      })

      it('show the latest, on one connection under StrictMode, which is closed with the component', async () => {
        await bundle('page.tsx', 'public/page.js', {
          nodePaths: [packages],
          jsx: 'automatic',
          define: { 'process.env.NODE_ENV': '"development"' },
        })
        const html =
          '<!doctype html><title>React</title><div id="root"></div><script type="module" src="page.js"></script>'
        await writeFile(join(folder.path, 'public/react.html'), html)
        await open('/react.html', forAll)
        await page.waitForSelector('p.open:has-text("ROPE: 1")')
        expect(asked('/prices')).to.equal(1)
        const closed = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/prices'))
        await page.click('text=Hide')
        await closed
        await page.click('text=Show')
        await page.waitForSelector('p.open:has-text("ROPE: 1")')
        expect(asked('/prices')).to.equal(2)
      })
    })
  })
})
