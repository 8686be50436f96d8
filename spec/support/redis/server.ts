import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atEnd } from '../at-end.js'
import { pathOf } from '../installed.js'
import { ask } from './ask.js'
import { Place } from './place.js'
import { until } from './until.js'

export interface ServerOptions {
  readonly program?: 'redis-server' | 'valkey-server'
  /** Reached by a socket in its folder rather than by a port. */
  readonly socket?: boolean
  /** Each write is kept before it is answered. Otherwise only what `save()` has kept is there after a restart. */
  readonly appends?: boolean
  /** The password of the default user, and of the replicas among each other. */
  readonly password?: string
  /** More lines of its configuration, such as `maxmemory 2mb` or `user reader on >secret ~* &* +@read`. */
  readonly config?: readonly string[]
  /** A sentinel: of its configuration this class gives only where it listens. */
  readonly sentinel?: boolean
}

/** The user that commands of the specs come from, whatever the configuration says of others. */
const admin = { username: 'lariat-specs', password: 'any' }

/** A Redis of a suite's own, in a temporary folder. It is gone with the process, however that ends. */
export class RedisServer {
  readonly host = '127.0.0.1'
  readonly #options: ServerOptions
  #place = new Place()
  readonly #forget: () => void
  #process: ChildProcess | undefined
  #hasStarted = false
  #log: string[] = []

  constructor(options: ServerOptions = {}) {
    this.#options = options
    // the tests may end by themselves, or be ended
    this.#forget = atEnd(this.#end)
  }

  /** May change when it is started for the first time, because the port is taken; never again after that. */
  get port(): number {
    return this.#place.port
  }

  get path(): string | undefined {
    return this.#options.socket ? join(this.#place.folder, 'socket') : undefined
  }

  /** Where clients connect to: also what `net.connect` takes. */
  get at(): { readonly path: string } | { readonly host: string; readonly port: number } {
    return this.path ? { path: this.path } : { host: this.host, port: this.port }
  }

  get url(): string {
    const { password } = this.#options
    if (this.path) return `unix://${this.path}`
    return `redis://${password ? `:${encodeURIComponent(password)}@` : ''}${this.host}:${this.port}`
  }

  /** The end of what it has said since its start. */
  get log(): readonly string[] {
    return this.#log
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get isRunning(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null
  }

  /** Starts it, with what it has kept; resolves when it has loaded that and answers. */
  async start(): Promise<void> {
    if (this.isRunning) return
    for (;;) {
      if (!this.#hasStarted) writeFileSync(this.#file, `${this.#configuration().join('\n')}\n`)
      if (await this.#runs()) break
      const said = this.#log.join('\n')
      const isTaken = /already in use|Failed listening|Could not create server/i.test(said)
      if (this.#hasStarted || !isTaken) throw new Error(`Redis did not start: ${said}`)
      this.#place.release()
      this.#place = new Place()
    }
    this.#hasStarted = true
  }

  /** The process does not go on for its sake, and it ends with the process. */
  unref(): void {
    const { stdout, stderr } = this.#process!
    for (const each of [this.#process!, stdout as Socket, stderr as Socket]) each.unref()
  }

  /** Ends it as a crash does. */
  async stop(): Promise<void> {
    if (!this.isRunning) return
    const exited = once(this.#process!, 'exit')
    this.#process!.kill('SIGKILL')
    await exited
  }

  /** Once this returns it takes what is asked into the kernel's buffers, and answers nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
    while (this.isRunning && !isStopped(this.#process!.pid!));
  }

  /** It goes on where it was frozen, with all that has come since. */
  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Keeps what it holds now: `stop()` and `start()` bring it back to here. */
  async save(): Promise<void> {
    await this.command('SAVE')
  }

  /** Ends all connections of clients, also of those that wait for messages; replicas stay. */
  async cut(): Promise<void> {
    for (const type of ['normal', 'pubsub']) await this.command('CLIENT', 'KILL', 'TYPE', type)
  }

  /** Asks something on a connection of its own; errors of the server reject. */
  async command<Reply = unknown>(...given: readonly (string | number)[]): Promise<Reply> {
    const commands = [['AUTH', admin.username, admin.password], given.map(String)]
    return (await ask(this.at, commands)) as Reply
  }

  /** A section of INFO. */
  async info(section: string): Promise<Readonly<Record<string, string>>> {
    const lines = (await this.command<string>('INFO', section)).split('\r\n')
    return Object.fromEntries(
      lines.filter((line) => line.includes(':')).map((line) => line.split(/:(.*)/, 2)),
    )
  }

  /** Makes it a replica, which has all that the other one has once this resolves. */
  async replicate(master: RedisServer): Promise<void> {
    await this.command('REPLICAOF', master.host, master.port)
    await this.caughtUp(master)
  }

  /** Waits until this replica has all that its master has. */
  async caughtUp(master: RedisServer): Promise<void> {
    await until(`${this.port} has all that ${master.port} has`, async () => {
      const [ours, theirs] = [await this.info('replication'), await master.info('replication')]
      return ours.master_link_status === 'up' && ours.slave_repl_offset === theirs.master_repl_offset
    })
  }

  /** Makes a replica a master. */
  async promote(): Promise<void> {
    await this.command('REPLICAOF', 'NO', 'ONE')
  }

  /** Ends it, and removes what it has kept. */
  async close(): Promise<void> {
    await this.stop()
    this.#forget()
    this.#place.release()
  }

  get #file(): string {
    return join(this.#place.folder, 'redis.conf')
  }

  #configuration(): readonly string[] {
    const { socket, appends, password, config = [], sentinel } = this.#options
    const user = `user ${admin.username} on nopass ~* &* +@all`
    const place = ['bind 127.0.0.1', `port ${socket ? 0 : this.port}`, `dir ${this.#place.folder}`, user]
    if (sentinel) return [...place, ...config]
    return [
      ...place,
      'save ""',
      // a replica waits for its master no longer than it must
      ...['repl-diskless-sync-delay 0', 'repl-ping-replica-period 1'],
      ...(socket ? [`unixsocket ${this.path}`] : []),
      ...(appends ? ['appendonly yes', 'appendfsync always'] : []),
      ...(password ? [`requirepass ${password}`, `masterauth ${password}`] : []),
      ...config,
    ]
  }

  /** Runs it until it is ready, which is true, or has ended. */
  async #runs(): Promise<boolean> {
    const { program = 'redis-server', sentinel } = this.#options
    const given = [this.#file, ...(sentinel ? ['--sentinel'] : [])]
    const running = spawn(pathOf(program)!, given, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = running
    this.#log = []
    const ready = sentinel ? /Sentinel ID is/ : /ready to accept connections/i
    return new Promise((resolve, reject) => {
      // both are read for as long as it runs: a server whose log is not read stands still
      for (const output of [running.stdout, running.stderr]) {
        createInterface(output).on('line', (line) => {
          this.#log = [...this.#log.slice(-50), line]
          if (ready.test(line)) resolve(true)
        })
      }
      running.once('error', reject)
      running.once('close', () => resolve(false))
    })
  }

  readonly #end = () => {
    this.#process?.kill('SIGKILL')
    this.#place.release()
  }
}

/** Whether a process has been stopped: a signal is on its way for a while. Where there is no /proc, it is taken for so. */
function isStopped(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return true
  }
}
