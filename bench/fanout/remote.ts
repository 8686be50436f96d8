import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, cpus } from 'node:os'

type Handlers = Record<string, (asked: never) => unknown>
interface Asked {
  readonly id: number
  readonly name: string
  readonly with: never
}
interface Answered {
  readonly id: number
  readonly answer?: unknown
  readonly error?: string
}

const pinning = 'taskset'
const pinned = availableParallelism() > 1 && spawnSync(pinning, ['-V']).status === 0

/** The core for servers, and the one for the client and whoever conducts them. */
export const cores = { server: 0, client: 1 }

/** Puts a process, by default this one, and all threads of it on a core of its own. */
export function pin(core: number, pid = process.pid): boolean {
  return pinned && spawnSync(pinning, ['-acp', String(core), String(pid)]).status === 0
}

export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, ${process.platform}`
}

/** A process that answers one thing at a time or several. */
export class Remote<Own extends Handlers> {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  #last = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, answer, error }: Answered) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) waiting?.reject(new Error(error))
      else waiting?.resolve(answer)
    })
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`Exited with ${code ?? signal}`))
    })
  }

  /** @param core where it runs; undefined for anywhere */
  static async start<Own extends Handlers>(
    file: URL,
    core: number | undefined,
    ...args: string[]
  ): Promise<Remote<Own>> {
    const node = [process.execPath, '--expose-gc']
    const isPinned = pinned && core !== undefined
    const child = isPinned
      ? fork(file, args, { execPath: pinning, execArgv: ['-c', String(core), ...node] })
      : fork(file, args, { execArgv: ['--expose-gc'] })
    const [code] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    if (code !== 'ready') throw new Error(`${file} has not started, but exited with ${code}`)
    return new Remote(child)
  }

  ask<Key extends keyof Own & string>(
    name: Key,
    ...[asked]: Parameters<Own[Key]>
  ): Promise<Awaited<ReturnType<Own[Key]>>> {
    this.#last += 1
    const id = this.#last
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#child.send({ id, name, with: asked })
    return answered as Promise<Awaited<ReturnType<Own[Key]>>>
  }

  /** Resolves once it has exited. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }

  stop(): void {
    this.#child.removeAllListeners('exit').kill()
  }

  /** Stops it, and waits until it is gone. */
  async end(): Promise<void> {
    const gone = once(this.#child.removeAllListeners('exit'), 'exit')
    this.#child.kill()
    await gone
  }
}

/** The other end of a `Remote`. */
export function serve(handlers: Handlers): void {
  process.on('message', async ({ id, name, with: asked }: Asked) => {
    try {
      process.send?.({ id, answer: await handlers[name]!(asked) })
    } catch (error) {
      process.send?.({ id, error: String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}
