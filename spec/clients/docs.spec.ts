import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createHub, type Endpoint, type Event, ndjson, resource, sse, stop } from '../../lib/index.js'
import { pages } from '../docs/pages.js'
import { Tab } from './chromium.js'
import { type Served, serve, usesClients } from './clients.js'
import { python } from './programs.js'

const run = promisify(execFile)
const bounded = { timeout: 25_000, killSignal: 'SIGKILL' } as const

/** The block of the page that has a text in it, with other words for some of its own. */
function exampleWith(text: string, words: Readonly<Record<string, string>> = {}): string {
  const blocks = [...pages.get('docs/clients.md')!.matchAll(/^```\w+\n(.*?)^```$/gms)].map(
    ([, code]) => code!,
  )
  let code = blocks.find((each) => each.includes(text)) ?? ''
  expect(code, text).not.to.equal('')
  for (const [word, other] of Object.entries(words)) {
    expect(code).to.include(word)
    code = code.replaceAll(word, other)
  }
  return code
}

/** Three pieces of news; so many streams are cut after the first, the others end complete. */
async function news({ cuts = 1 } = {}): Promise<Endpoint> {
  const channel = createHub().channel<{ title: string }>('news', { history: 10 })
  for (const n of [1, 2, 3]) await channel.publish({ title: `News ${n}` })
  let left = cuts
  return resource({
    contentTypesProvided: [sse(), ndjson({ envelope: true })],
    subscribe: () => channel,
    info: (message: Event<{ title: string }>, { write }) => {
      const { title } = message.data
      if (title === 'News 2' && left > 0) {
        left -= 1
        throw new Error('It fails')
      }
      write(message)
      return title === 'News 3' ? stop() : undefined
    },
    terminate: () => {},
    stream: { retry: 10, endEvent: true },
  })
}

const titles = (printed: string) => printed.match(/News \d/g)

describe('The clients of docs/clients.md', () => {
  let site: Served

  const host = () => ({ 'localhost:3000': `127.0.0.1:${site.port}` })

  describe('in Python', () => {
    usesClients('python3')

    it('come back from a cut, get all once, and end with a whole stream', async () => {
      site = await serve({ '/news': await news() })
      const code = exampleWith('urlopen', { ...host(), 'time.sleep(1 + random.random())': 'time.sleep(0)' })
      const { stdout } = await run(python(), ['-I', '-c', code], bounded)
      expect(stdout.split('\n')).to.deep.equal([
        'News 1',
        'lost: IncompleteRead(0 bytes read)',
        'News 2',
        'News 3',
        'end',
        '',
      ])
    })

    it('would take a cut stream for a whole one, if they read by line; read() raises', async () => {
      site = await serve({ '/news': await news({ cuts: 2 }) })
      const url = `${site.url}/news?lastEventId=earliest`
      const code = [
        'from urllib.request import urlopen',
        `for line in urlopen('${url}'): print(line)`,
        "print('whole')",
        `urlopen('${url}').read()`,
      ].join('\n')
      const { stdout, stderr } = await run(python(), ['-I', '-c', code], bounded).catch((error) => error)
      expect(titles(stdout)).to.deep.equal(['News 1'])
      expect(stdout).to.match(/whole\n$/)
      expect(stderr).to.match(/IncompleteRead/)
    })
  })

  describe('in a shell, with curl', () => {
    usesClients('curl')

    it('come back from a cut, get all once, and end with a whole stream', async () => {
      site = await serve({ '/news': await news() })
      const code = exampleWith('until', { ...host(), 'sleep 1': 'sleep 0' })
      const { stdout, stderr } = await run('bash', ['-c', code], bounded)
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
      expect(stderr).to.match(/curl ended with 18\n$/)
    })
  })

  describe('in Node', () => {
    usesClients()
    let folder: string

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lariat-clients-'))
      await symlink(
        fileURLToPath(new URL('../../node_modules', import.meta.url)),
        join(folder, 'node_modules'),
      )
    })

    after(() => rm(folder, { recursive: true, force: true }))

    async function runNode(code: string) {
      const file = join(folder, 'client.mjs')
      await writeFile(file, code)
      return run(process.execPath, [file], bounded)
    }

    it('with eventsource come back from a cut, get all once, and close at the end', async () => {
      site = await serve({ '/news': await news() })
      const { stdout } = await runNode(exampleWith("from 'eventsource'", host()))
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
      expect(stdout).to.include('lost: TypeError: terminated')
      expect(site.asked.map(({ headers }) => headers.authorization)).to.deep.equal([
        'Bearer let-me-in',
        'Bearer let-me-in',
      ])
    })

    it('with undici read a whole stream', async () => {
      site = await serve({ '/news': await news({ cuts: 0 }) })
      const { stdout } = await runNode(exampleWith("from 'undici'", host()))
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
      expect(stdout).to.match(/whole\n$/)
    })

    it('with undici throw at a stream that was cut', async () => {
      site = await serve({ '/news': await news() })
      const cut = await runNode(exampleWith("from 'undici'", host())).catch((error) => error)
      expect([cut.code, cut.stdout.includes('whole')]).to.deep.equal([1, false])
      expect(cut.stderr).to.include('SocketError: other side closed')
    })
  })

  describe('in Chromium', () => {
    usesClients('chromium')
    let tab: Tab

    beforeEach(async () => {
      tab = await Tab.open()
    })

    afterEach(() => tab.close())

    /** What an example prints, until it has printed something. */
    async function printed(endpoint: Endpoint, code: string, last: RegExp): Promise<readonly string[]> {
      site = await serve({ '/news': endpoint })
      await tab.visit(site.url)
      const lines: string[] = []
      const done = new Promise<void>((resolve) => {
        tab.page.on('console', (message) => {
          // the browser's own complaints are errors
          if (message.type() === 'log') lines.push(message.text())
          if (last.test(message.text())) resolve()
        })
      })
      await tab.page.evaluate(`void (async () => { ${code} })()`)
      await done
      return lines
    }

    it('with EventSource come back from a cut, get all once, and close at the end', async () => {
      const url = { "'/news'": "'/news?lastEventId=earliest'" }
      const last = { 'source.close()': "console.log('end', source.close())" }
      const code = exampleWith("new EventSource('/news')", { ...url, ...last })
      const lines = await printed(await news(), code, /^end/)
      expect(titles(lines.join())).to.deep.equal(['News 1', 'News 2', 'News 3'])
    })

    it('with fetch read a whole stream, and throw at one that was cut', async () => {
      const code = exampleWith('new AbortController()')
      const whole = await printed(await news({ cuts: 0 }), code, /^whole/)
      expect(whole).to.deep.equal(['News 1', 'News 2', 'News 3', 'end', 'whole'])
      const cut = await printed(await news(), code, /^refused/)
      expect(cut.at(-1)).to.equal('refused, or cut: TypeError: network error')
      expect(cut).not.to.include('News 2')
    })
  })
})
