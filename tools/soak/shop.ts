import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run, urlOf } from '../../spec/demo/bookshop/process.js'
import { atEnd } from '../../spec/support/at-end.js'
import type { Inside } from './inside.js'
import type { Ledger } from './ledger.js'

const inside = fileURLToPath(new URL('inside.ts', import.meta.url))
const patience = 30_000

/** The demo's server as a process of its own, through all of its lives. */
export class Shop {
  port = 0
  /** How often it was started. */
  life = 0
  /** It takes connections, and is not about to end. */
  isUp = false
  /** Changes of this life that were confirmed, and those that nobody knows of. */
  confirmed = 0
  uncertain = 0
  #server: ChildProcess | undefined
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    atEnd(() => this.#server?.kill('SIGKILL'))
  }

  async start(): Promise<void> {
    const node = ['--expose-gc', '--import', 'tsx', '--import', inside, 'demo/bookshop/server.ts']
    const server = run(process.execPath, node, {}, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.#server = server
    createInterface(server.stderr!).on('line', (line) => this.#ledger.violation(`stderr: ${line}`))
    const url = await urlOf(server)
    this.port = Number(new URL(url).port)
    this.life += 1
    this.confirmed = 0
    this.uncertain = 0
    this.isUp = true
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    const server = this.#server!
    this.isUp = false
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    const late = new AbortController()
    const [code, signal] = await Promise.race([
      exited,
      sleep(patience, ['still there'], { signal: late.signal }).catch(() => []),
    ])
    late.abort()
    if (code !== 0) this.#ledger.violation(`SIGTERM ended the server with ${code ?? signal}`)
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL')
      await exited
    }
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** What the server says of itself. */
  async inside(): Promise<Inside> {
    const answer = once(this.#server!, 'message', { signal: AbortSignal.timeout(patience) })
    this.#server!.send('?')
    return (await answer)[0] as Inside
  }

  /** What the system says of it: resident bytes. */
  get rss(): number {
    const [, rss] =
      /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#server!.pid}/status`, 'utf8')) ?? []
    return Number(rss) * 1024
  }

  /** Its open files and connections; not what the runtime keeps for itself, such as its one way to watch folders. */
  get files(): readonly string[] {
    const folder = `/proc/${this.#server!.pid}/fd`
    const targets = readdirSync(folder).flatMap((name) => {
      try {
        return readlinkSync(`${folder}/${name}`)
      } catch {
        return [] // closed meanwhile
      }
    })
    return targets.filter((target) => target.startsWith('socket:') || target.startsWith('/'))
  }
}
