import { execFile, type PromiseWithChild } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { RequestHandler } from 'express'
import { staged } from '../support/stage.js'
import { Tab } from './chromium.js'
import { type Served, serve, usesClients } from './clients.js'
import { exampleWith, news, newsUpTo, over, telling, titles } from './news.js'
import { python } from './programs.js'

/** The program's words, when it has ended; it can be listened to until then. */
const run = promisify(execFile)
const bounded = { timeout: 25_000, killSignal: 'SIGKILL' } as const

describe('The clients of docs/guide/clients.md', () => {
  staged()

  let site: Served

  const host = () => ({ 'localhost:3000': `127.0.0.1:${site.port}` })

  /** A server that is to be started anew, as a deploy does: its streams end complete. */
  async function deploys(path = '/news'): Promise<() => Promise<void>> {
    const channel = await newsUpTo(1)
    site = await serve({ [path]: telling(channel) })
    return async () => {
      const closed = new Promise((resolve) => site.server.close(resolve))
      await site.endpoint.close()
      site.server.closeAllConnections()
      await closed
      for (const n of [2, 3]) await channel.publish({ title: `News ${n}` })
      site = await serve({ [path]: telling(channel) }, { port: site.port })
    }
  }

  /** What a program prints, with a restart once it has printed the first news. */
  async function printedOver(
    restart: () => Promise<void>,
    running: PromiseWithChild<{ stdout: string; stderr: string }>,
  ) {
    const first = new Promise<void>((resolve, reject) => {
      let printed = ''
      running.child.stdout!.on('data', (text) => {
        printed += text
        if (printed.includes('News 1')) resolve()
      })
      running.then(() => reject(new Error(`ended before the restart: ${printed}`)), reject)
    })
    await first
    await restart()
    return running
  }

  describe('in Python', () => {
    usesClients('python3')

    it('come back from a cut, get all once, and end when it is over', async () => {
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

    it('come back after a restart, whose streams are whole', async () => {
      const restart = await deploys()
      const code = exampleWith('urlopen', {
        ...host(),
        'time.sleep(1 + random.random())': 'time.sleep(0.02)',
      })
      const { stdout } = await printedOver(restart, run(python(), ['-Iu', '-c', code], bounded))
      expect(stdout.split('\n').filter((line) => !line.startsWith('lost: '))).to.deep.equal(over)
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

    const shell = () => exampleWith('while :', { ...host(), 'sleep 1': 'sleep 0.02' })

    it('come back from a cut, get all once, and end when it is over', async () => {
      site = await serve({ '/news': await news() })
      const { stdout, stderr } = await run('bash', ['-c', shell()], bounded)
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
      expect(stderr).to.match(/^curl: \(18\) .*\nended: {2}200\n$/)
    })

    it('come back after a restart, whose streams are whole', async () => {
      const restart = await deploys()
      const { stdout } = await printedOver(restart, run('bash', ['-c', shell()], bounded))
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
      expect(stdout.match(/"reason":"\w+"/g)).to.deep.equal(['"reason":"shutdown"', '"reason":"stop"'])
    })

    it('do not take the id of an event that was cut, which comes again', async () => {
      const sent = [
        'id: a-1\ndata: one\n\nid: a-2\n',
        'id: a-2\ndata: two\n\nevent: end\ndata: {"reason":"end"}\n\n',
      ]
      const asked: unknown[] = []
      const before: RequestHandler = (req, res) => {
        asked.push(req.get('last-event-id'))
        res.type('text/event-stream').write(sent[asked.length - 1], () => res.destroy())
      }
      site = await serve({}, { before: [before] })
      const { stdout } = await run('bash', ['-c', shell()], bounded)
      expect(asked).to.deep.equal(['earliest', 'a-1'])
      expect(stdout).to.include('data: two')
    })

    for (const { status, times } of [
      { status: 401, times: 1 },
      { status: 429, times: 2 },
      { status: 502, times: 2 },
    ]) {
      it(`${times === 1 ? 'stay away' : 'come back'} after a ${status}, and show what it says`, async () => {
        const endpoint = await news({ cuts: 0 })
        let asked = 0
        const before: RequestHandler = (_req, res, next) => {
          asked += 1
          if (asked === 1) res.status(status).send('Not now')
          else next()
        }
        site = await serve({ '/news': endpoint }, { before: [before] })
        const { stderr } = await run('bash', ['-c', shell()], bounded)
        expect(stderr).to.equal(`ended: Not now ${status}\n`)
        expect(asked).to.equal(times)
      })
    }
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

    function runNode(code: string) {
      const file = join(folder, 'client.mjs')
      writeFileSync(file, code)
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

    const undici = () => exampleWith("from 'undici'", { ...host(), '1000 + 1000 * Math.random()': '20' })

    it('with undici come back from a cut, get all once, and end when it is over', async () => {
      site = await serve({ '/news': await news() })
      const { stdout } = await runNode(undici())
      expect(titles(stdout)?.filter((title) => title !== 'News 1')).to.deep.equal(['News 2', 'News 3'])
      expect(stdout).to.include('lost: SocketError: other side closed')
    })

    it('with undici come back after a restart, whose streams are whole', async () => {
      const { stdout } = await printedOver(await deploys(), runNode(undici()))
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
    })

    it('with undici stay away after a refusal', async () => {
      site = await serve({})
      const { stdout } = await runNode(undici())
      expect(stdout).to.match(/^refused: 404 /)
    })

    it('with eventsource come back after a restart, whose streams are whole', async () => {
      const restart = await deploys()
      const { stdout } = await printedOver(restart, runNode(exampleWith("from 'eventsource'", host())))
      expect(titles(stdout)).to.deep.equal(['News 1', 'News 2', 'News 3'])
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
    async function printed(code: string, last: RegExp, onLine = (_line: string) => {}) {
      await tab.visit(site.url)
      const lines: string[] = []
      const done = new Promise<void>((resolve) => {
        tab.page.on('console', (message) => {
          // the browser's own complaints are errors
          if (message.type() !== 'log') return
          lines.push(message.text())
          onLine(message.text())
          if (last.test(message.text())) resolve()
        })
      })
      await tab.page.evaluate(`void (async () => { ${code} })()`)
      await done
      return lines
    }

    async function printedOverRestart(code: string, last: RegExp) {
      const restart = await deploys()
      let restarted: Promise<void> | undefined
      const lines = await printed(code, last, (line) => {
        if (line.includes('News 1')) restarted ??= restart()
      })
      await restarted
      return lines
    }

    const eventSource = () =>
      exampleWith("new EventSource('/news')", {
        "'/news'": "'/news?lastEventId=earliest'",
        'source.close()': "console.log('over', source.close())",
      })

    it('with EventSource come back from a cut, get all once, and close at the end', async () => {
      site = await serve({ '/news': await news() })
      const lines = await printed(eventSource(), /^over/)
      expect(titles(lines.join())).to.deep.equal(['News 1', 'News 2', 'News 3'])
    })

    it('with EventSource come back after a restart, whose streams are whole', async () => {
      const lines = await printedOverRestart(eventSource(), /^over/)
      expect(titles(lines.join())).to.deep.equal(['News 1', 'News 2', 'News 3'])
    })

    const fetching = () => `${exampleWith('new AbortController()', pause)}; console.log('over')`
    const pause = { '1000 + 1000 * Math.random()': '20' }

    it('with fetch come back from a cut, get all once, and end when it is over', async () => {
      site = await serve({ '/news': await news() })
      const lines = await printed(fetching(), /^over/)
      // what has come just before a cut may be thrown away with it
      expect(lines.filter((line) => line !== 'News 1')).to.deep.equal([
        'lost: TypeError: network error',
        'News 2',
        'News 3',
        'end',
        'over',
      ])
    })

    it('with fetch come back after a restart, whose streams are whole', async () => {
      const lines = await printedOverRestart(fetching(), /^over/)
      expect(lines.filter((line) => !line.startsWith('lost: '))).to.deep.equal([...over.slice(0, -1), 'over'])
    })

    it('with the fetch of docs/guide/resume.md come back after a restart, whose streams are whole', async () => {
      const words = {
        ...pause,
        "last = ''": "last = 'earliest'",
        'log(record.data)': 'log(record.data.title)',
      }
      const lines = await printedOverRestart(
        exampleWith('follow()', words, 'docs/guide/resume.md'),
        /^News 3/,
      )
      expect(lines).to.deep.equal(['News 1', 'News 2', 'News 3'])
    })
  })
})
