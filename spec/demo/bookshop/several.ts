import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { startServer } from './process.js'

/** The demo on several processes, by `--processes`. */
export class Several {
  readonly lines: string[] = []
  readonly exited: Promise<unknown[]>
  readonly #primary: ChildProcess
  #heard: () => void = () => {}

  static async of(count: number | string, settings: Record<string, string>): Promise<Several> {
    return new Several(await startServer(settings, ['--processes', String(count)]))
  }

  private constructor(primary: ChildProcess) {
    this.#primary = primary
    this.exited = once(this.#primary, 'close')
    for (const output of [this.#primary.stdout!, this.#primary.stderr!]) {
      createInterface(output).on('line', (line) => {
        this.lines.push(line)
        this.#heard()
      })
    }
    void this.exited.then(() => this.#heard())
  }

  /** Waits until it has said something, from a line on; returns what was found. */
  async says(what: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const found = this.lines.slice(from).flatMap((line) => what.exec(line) ?? [])
      if (found.length > 0) return found as unknown as RegExpExecArray
      if (this.#primary.exitCode !== null || this.#primary.signalCode !== null)
        throw new Error(`It has ended, and never said ${what}: ${this.lines.join('\n')}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  /** Where it is, once all have begun, and which they are. */
  async begun(): Promise<{ url: string; pids: readonly number[] }> {
    const [, url, pids] = await this.says(/(http:\/\/localhost:\d+), by the processes (.*)/)
    return { url: url!, pids: pids!.split(', ').map(Number) }
  }

  /** Ends one of them, and waits until another has taken its place. */
  async replaced(pid: number, signal: NodeJS.Signals): Promise<void> {
    const from = this.lines.length
    process.kill(pid, signal)
    await this.says(new RegExp(`Process ${pid} has ended \\(${signal === 'SIGTERM' ? 0 : signal}\\)`), from)
    await this.says(/Process \d+ takes its place/, from)
  }

  /** Ends all of them. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<unknown[]> {
    this.#primary.kill(signal)
    return this.exited
  }
}

/** Sends a request on a connection of its own, which any of the processes may take. */
export async function send(
  method: string,
  url: string,
  body?: unknown,
): Promise<{ status: number; body: string }> {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
  const sent = request(url, { method, headers, agent: false })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: answer.statusCode!, body: await text(answer) }
}
