import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { all, eventsOf, until } from '../demo/bookshop/demo.js'
import { launch, Windows } from '../support/browser.js'
import { Curl } from '../support/curl.js'
import { Demo } from '../support/demo.js'
import { needs } from '../support/installed.js'

/** What curl says when a connection is lost behind a head that announced more. */
const cut = 18

/** A job whose command says what it is told. */
class Job {
  readonly id: string
  readonly #folder: string
  readonly #process: ChildProcess

  constructor(folder: string, id: string) {
    this.id = id
    this.#folder = folder
    // a group of its own, so that it can be killed with its command
    this.#process = spawn('sh', ['demo/log/job.sh', join(folder, id), 'cat'], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
  }

  get path(): string {
    return `/jobs/${this.id}`
  }

  get log(): string {
    return readFileSync(join(this.#folder, `${this.id}.log`), 'utf8')
  }

  /** Waits until it is in the log. */
  async says(text: string): Promise<void> {
    const before = existsSync(join(this.#folder, `${this.id}.log`)) ? this.log : ''
    this.#process.stdin!.write(text)
    await until(
      () => existsSync(join(this.#folder, `${this.id}.log`)) && this.log.length === (before + text).length,
    )
  }

  async finish(): Promise<void> {
    this.#process.stdin!.end()
    await this.#exited()
  }

  async die(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      process.kill(-this.#process.pid!, 'SIGKILL')
    await this.#exited()
  }

  async #exited(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit')
  }
}

describe('demo/log.ts', function () {
  this.timeout(60_000)
  needs('curl')
  let folder: string
  let demo: Demo
  const jobs: Job[] = []

  const start = async (env: NodeJS.ProcessEnv = {}) => {
    demo = await new Demo('log', [folder], env).listening()
  }
  const restart = async () => {
    const { port } = new URL(demo.url)
    demo.terminate()
    expect(await demo.exited).to.deep.equal([0, null])
    return () => start({ PORT: port })
  }
  const job = (id: string) => {
    const made = new Job(folder, id)
    jobs.push(made)
    return made
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lariat-log-'))
    await start()
  })

  after(async () => {
    await Promise.all(jobs.map((each) => each.die()))
    await demo.kill()
    await rm(folder, { recursive: true })
  })

  /** Runs curl: its exit code, and what it printed. */
  async function curl(path: string, ...given: string[]): Promise<{ code: number | null; text: string }> {
    const ran = new Curl(demo.url + path, ...given)
    return { code: await ran.code, text: ran.text }
  }

  /** Runs curl as one does who wants the whole log in a file: over and over, until it says that this is all. */
  function download(path: string) {
    const file = join(folder, `${path.replaceAll('/', '-')}.copy`)
    return {
      read: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
      go: () => curl(path, '-C', '-', '-o', file),
    }
  }

  it('An unknown job is a 404, as is one that would lead out of the folder', async () => {
    await writeFile(join(folder, '..', 'lariat-log-outside.log'), '')
    for (const id of ['none', '..%2flariat-log-outside', '.', '%00'])
      expect((await curl(`/jobs/${id}`, '-o', '/dev/null', '-w', '%{http_code}')).text, id).to.equal('404')
    await rm(join(folder, '..', 'lariat-log-outside.log'))
  })

  it('A running job’s log is followed: a line comes once it is whole, and the end when the job has finished', async () => {
    const one = job('followed')
    await one.says('the first line\n')
    expect((await curl(one.path, '-I')).text).to.match(/^Job-State: running\r$/m)
    const events = eventsOf(await demo.ask(one.path, { Accept: 'text/event-stream' }))
    const texts = curl(one.path)
    expect((await events.next()).value).to.include({ data: 'the first line', id: '15' })
    await one.says('half, ')
    await one.says('and the rest é\r\n')
    expect((await events.next()).value).to.include({ data: 'half, and the rest é', id: '38' })
    await one.says('no line feed')
    await one.finish()
    expect((await events.next()).value).to.include({ data: 'no line feed', id: '50' })
    expect((await events.next()).value).to.include({ type: 'end', data: '{"reason":"end"}' })
    expect(await texts).to.deep.equal({ code: 0, text: one.log })
  })

  it('A finished job’s log ends complete; a client goes on from a byte, by Range or by Last-Event-ID', async () => {
    const one = job('finished')
    const log = Array.from({ length: 5000 }, (_, at) => `line ${at} ${'é'.repeat(at % 7)}\n`).join('')
    await one.says(`${log}${'x'.repeat(100_000)}\nthe last`)
    await one.finish()
    const bytes = Buffer.from(one.log)
    expect(await curl(one.path, '-I').then(({ text }) => text)).to.match(/^Job-State: finished\r$/m)
    const whole = await curl(one.path, '-o', join(folder, 'whole'), '-w', '%{http_code}')
    expect(whole).to.deep.equal({ code: 0, text: '200' })
    expect(await readFile(join(folder, 'whole'), 'utf8')).to.equal(one.log)
    for (const from of [1, 17, 65_536, bytes.length - 1]) {
      const tail = bytes.subarray(from)
      for (const header of [`Range: bytes=${from}-`, `Last-Event-ID: ${from}`]) {
        const part = join(folder, 'part')
        const form = '%{http_code} %header{content-range}'
        const { code, text } = await curl(one.path, '-H', header, '-o', part, '-w', form)
        expect(code).to.equal(0)
        expect((await readFile(part)).equals(tail), header).to.equal(true)
        expect(text).to.equal(
          header.startsWith('R') ? `206 bytes ${from}-${bytes.length - 1}/${bytes.length}` : '200 ',
        )
      }
    }
    const events = await all(eventsOf(await demo.ask(one.path, { Accept: 'text/event-stream' })))
    expect(events.at(-1)).to.include({ type: 'end' })
    const shown = events.slice(0, -1).map(({ data }) => data)
    // the long line comes in parts
    expect(shown.join('\n').replaceAll(/x\n(?=x)/g, 'x')).to.equal(one.log)
  })

  it('A place behind the end is refused; to curl, a file that is whole is whole', async () => {
    const one = job('short')
    await one.says('short\n')
    const copy = download(one.path)
    const { length } = one.log
    const ask = (header: string) => curl(one.path, '-H', header, '-o', '/dev/null', '-w', '%{http_code}')
    expect(await ask(`Range: bytes=${length + 1}-`)).to.deep.equal({ code: 0, text: '416' })
    expect(await ask(`Last-Event-ID: ${length + 1}`)).to.deep.equal({ code: 0, text: '400' })
    expect(await ask('Last-Event-ID: of-yesterday')).to.deep.equal({ code: 0, text: '400' })
    await one.finish()
    for (let n = 0; n < 2; n++) {
      expect((await copy.go()).code).to.equal(0)
      expect(copy.read()).to.equal(one.log)
    }
  })

  it('An empty log is whole, too', async () => {
    const one = job('empty')
    await one.finish()
    expect(await curl(one.path)).to.deep.equal({ code: 0, text: '' })
  })

  it('Where the writer has died, the log looks broken, each time that it is asked for', async () => {
    const one = job('died')
    await one.says('the last words\nand ha')
    const copy = download(one.path)
    const copying = copy.go()
    await one.die()
    expect((await copying).code).to.equal(cut)
    expect(copy.read()).to.equal(one.log)
    expect((await copy.go()).code).to.equal(cut)
    expect(copy.read()).to.equal(one.log)
    expect((await curl(one.path, '-I')).text).to.match(/^Job-State: died\r$/m)
    const { code, text } = await curl(one.path, '-H', 'Accept: text/event-stream')
    expect(code).to.equal(cut)
    expect(text).to.match(/data: and ha\n\nevent: failed\ndata: \{\}\n\n$/)
  })

  it('curl -C - has every byte once, over a restart of the server in mid-log', async () => {
    const one = job('restarted')
    const copy = download(one.path)
    await one.says('one é\nhal')
    const first = copy.go()
    await until(() => copy.read() === 'one é\n')
    const again = await restart()
    expect((await first).code).to.equal(cut)
    await one.says('f a line\nwhile it was away\n')
    await again()
    const copying = copy.go()
    await one.says('the last\n')
    await one.finish()
    expect((await copying).code).to.equal(0)
    expect(copy.read()).to.equal(one.log)
  })

  describe('in Chromium', () => {
    needs('chromium')
    let browser: Browser
    let windows: Windows

    before(async () => {
      browser = await launch()
      windows = await Windows.in(browser)
    })

    after(() => browser?.close())

    const shows = async (page: Page, text: string, state: string) => {
      await page.waitForFunction(
        `document.querySelector('pre').textContent.length >= ${text.length} && document.querySelector('output').value === '${state}'`,
      )
      expect(await page.locator('pre').textContent()).to.equal(text)
    }

    it('EventSource has every line once, over a restart of the server in mid-log, and stays away after the end', async () => {
      const one = job('in-chromium')
      await one.says('<b>one</b>\ntwo\n')
      const asked: string[] = []
      windows.context.on('request', (request) => {
        if (request.resourceType() === 'eventsource') asked.push(request.url())
      })
      const page = await windows.open(demo.url + one.path)
      await shows(page, one.log, 'is running')
      const again = await restart()
      await one.says('while it was away\n')
      await page.waitForSelector('.away')
      await again()
      await shows(page, one.log, 'is running')
      await one.says('the last\n')
      await one.finish()
      await shows(page, one.log, 'has finished')
      expect(await page.evaluate('source.readyState')).to.equal(2)
      windows.forgive(/ERR_/)
      expect(windows.complaints).to.deep.equal([])
    })

    it('A page is told that the writer has died', async () => {
      const one = job('dies')
      await one.says('one\n')
      const page = await windows.open(demo.url + one.path)
      await shows(page, one.log, 'is running')
      await one.die()
      await shows(page, one.log, 'has died')
      windows.forgive(/ERR_/)
      expect(windows.complaints).to.deep.equal([])
    })
  })
})
