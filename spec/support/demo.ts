import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bundled } from './bundled.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A demo as a process, and what it says on its console. */
export class Demo {
  readonly lines: string[] = []
  /** Its exit code and signal. */
  readonly exited: Promise<unknown[]>
  url = ''
  readonly #begun: Promise<ChildProcess>
  readonly #said = new EventEmitter()
  #errors = ''
  #isOver = false

  /** @param env more of the environment, for all demos listen on a free port */
  constructor(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    this.#begun = bundled(`demo/${name}.ts`).then((file) =>
      spawn(process.execPath, [file, ...args], {
        cwd: root,
        env: { ...process.env, PORT: '0', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    this.exited = this.#begun.then((begun) => this.#hear(begun))
  }

  /** Hears it until it has exited. */
  #hear(begun: ChildProcess): Promise<unknown[]> {
    begun.stderr!.on('data', (piece) => {
      this.#errors += piece
    })
    createInterface(begun.stdout!)
      .on('line', (line) => {
        this.lines.push(line)
        this.#said.emit('more')
      })
      .on('close', () => {
        this.#isOver = true
        this.#said.emit('more')
      })
    return once(begun, 'close')
  }

  /** Waits until it has said where it is. */
  async listening(): Promise<this> {
    const [url] = await this.says(/http:\/\/localhost:\d+/)
    this.url = url
    return this
  }

  /** Waits for a line, which may have been said before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (let at = 0; ; at++) {
      while (at === this.lines.length) {
        if (this.#isOver) throw new Error(`It ended, and did not say ${pattern}: ${this.#errors}`)
        await once(this.#said, 'more')
      }
      const found = pattern.exec(this.lines[at]!)
      if (found) return found
    }
  }

  /** The lines that it has said so far. */
  said(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line))
  }

  ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, { headers })
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  terminate(): void {
    void this.#begun.then((begun) => begun.kill('SIGTERM'))
  }

  async kill(): Promise<void> {
    const begun = await this.#begun
    begun.kill('SIGKILL')
    await this.exited
  }
}
