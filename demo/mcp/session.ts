// A session of MCP, as JSON-RPC has it: requests of the client, and requests to it, whatever carries them.
import { randomBytes } from 'node:crypto'
import { type Call, info, levels, methods, type Params, Refusal } from './offers.js'

/** A message of JSON-RPC: a request, a notification, or an answer. */
export type Message = Params & {
  jsonrpc?: string
  method?: string
  params?: Params
  id?: string | number | undefined
}

/** What carries what is said, by a session's id and the number of its stream: 0 is what the server says unasked. */
export interface Carrier {
  say(id: string, stream: number, message: object): Promise<unknown>
  hangUp(id: string, stream: number): void
  forget(id: string, stream: number): Promise<unknown>
}

const versions = ['2025-11-25', '2025-06-18', '2025-03-26']

/** Whether a version of the protocol can be spoken; a client that names none speaks the first with this transport. */
export const speaks = (version = '2025-03-26') => versions.includes(version)

/** The sessions by their ids. One that nothing is heard of for an hour is closed. */
export class Sessions extends Map<string, Session> {
  constructor(readonly carrier: Carrier) {
    super()
    setInterval(() => {
      for (const session of this.values()) if (Date.now() - session.seen > 3_600_000) void session.close()
    }, 60_000).unref()
  }

  /** The session of an id, which is heard of. */
  seen(id = ''): Session | undefined {
    const session = this.get(id)
    if (session) session.seen = Date.now()
    return session
  }

  open(): Session {
    const session = new Session(this)
    this.set(session.id, session)
    return session
  }
}

export class Session {
  readonly id = randomBytes(12).toString('hex')
  /** How many streams there have been. */
  streams = 0
  seen = Date.now()
  readonly #sessions: Sessions
  readonly #calls = new Map<unknown, AbortController>()
  readonly #asked = new Map<unknown, (answer: Message) => void>()
  readonly #watched = new Set<string>()
  #can: Call['can'] = {}
  #level = 0
  #questions = 0

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** Takes an answer, or a notification. */
  take({ id, method, params, ...answer }: Message): undefined {
    if (method === 'notifications/cancelled') this.#calls.get(params?.requestId)?.abort()
    if (method === undefined) this.#asked.get(id)?.(answer)
  }

  /** Answers a request; undefined if it was cancelled. What is said meanwhile goes by a stream. */
  async answer({ id, method = '', params = {} }: Message, stream = 0): Promise<Message | undefined> {
    const cancelling = new AbortController()
    this.#calls.set(id, cancelling)
    try {
      if (method === 'initialize') return { jsonrpc: '2.0', id, result: this.#begin(params) }
      const run = methods.get(method)
      if (!run) throw new Refusal(`Method not found: ${method}`, -32601)
      const result = await run(params, this.#call(stream, cancelling.signal, params._meta?.progressToken))
      return cancelling.signal.aborted ? undefined : { jsonrpc: '2.0', id, result }
    } catch (error) {
      const { message, code = -32603 } = error as Error & { code?: number }
      return cancelling.signal.aborted ? undefined : { jsonrpc: '2.0', id, error: { code, message } }
    } finally {
      this.#calls.delete(id)
    }
  }

  async close(): Promise<void> {
    this.#sessions.delete(this.id)
    for (const cancelling of this.#calls.values()) cancelling.abort()
    for (let stream = 0; stream <= this.streams; stream++)
      await this.#sessions.carrier.forget(this.id, stream)
  }

  #begin({ protocolVersion, capabilities }: Params): object {
    this.#can = Object(capabilities)
    return { protocolVersion: speaks(protocolVersion) ? protocolVersion : versions[0], ...info }
  }

  #call(stream: number, signal: AbortSignal, progressToken: unknown): Call {
    const say = (message: object) => this.#say(stream, message)
    return {
      can: this.#can,
      signal,
      hangUp: () => this.#sessions.carrier.hangUp(this.id, stream),
      setLevel: (level) => {
        this.#level = levels.indexOf(level)
        return {}
      },
      watch: (uri, does) => {
        if (does) this.#watched.add(uri)
        else this.#watched.delete(uri)
        return {}
      },
      log: async (level, data) => {
        if (levels.indexOf(level) < this.#level) return
        await say({ method: 'notifications/message', params: { level, data } })
      },
      progress: async (progress, total) => {
        if (progressToken === undefined) return
        await say({ method: 'notifications/progress', params: { progressToken, progress, total } })
      },
      changed: async (uri) => {
        for (const session of this.#sessions.values()) await session.#hasChanged(uri)
      },
      ask: (method, params) =>
        new Promise((resolve, reject) => {
          const id = `question-${++this.#questions}`
          const done = () => this.#asked.delete(id)
          signal.addEventListener('abort', () => done() && reject(new Error('Cancelled')))
          this.#asked.set(id, ({ error, result }) => {
            done()
            if (error) reject(new Error(error.message))
            else resolve(result)
          })
          say({ id, method, params }).catch(reject)
        }),
    }
  }

  async #hasChanged(uri: string): Promise<void> {
    if (!this.#watched.has(uri)) return
    await this.#say(0, { method: 'notifications/resources/updated', params: { uri } })
  }

  #say(stream: number, message: object): Promise<unknown> {
    return this.#sessions.carrier.say(this.id, stream, { jsonrpc: '2.0', ...message })
  }
}
