// A client on a raw socket, which sees every byte and how the connection ended.
import { connect, type Socket } from 'node:net'
import { Answer, Gathered } from './answer.js'

/** What a request says. */
export interface Ask {
  method?: string
  version?: '1.0' | '1.1'
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array
}

/** The bytes of a request; what is no ASCII in its head is UTF-8, as browsers send a Last-Event-ID. */
export function request(
  path: string,
  { method = 'GET', version = '1.1', headers = {}, body }: Ask = {},
): Buffer {
  const content = Buffer.from(body ?? '')
  const fields = Object.entries({
    Host: 'localhost',
    ...(body !== undefined && { 'Content-Length': String(content.length) }),
    ...headers,
  })
  const head = [`${method} ${path} HTTP/${version}`, ...fields.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), content])
}

export class Connection {
  readonly socket: Socket
  /** How the connection ended. */
  readonly ended: Promise<'fin' | 'reset'>
  readonly #raw = new Gathered()
  #end: 'fin' | 'reset' | undefined
  #isClosed = false
  /** One for each request, in order. */
  readonly #answers: Answer[] = []
  #error: Error | undefined
  readonly #looking = new Set<() => void>()

  /**
   * @param to a port of this machine, or a connection that is made
   * @param reads false: nothing is read until the socket is resumed
   */
  constructor(to: number | Socket, { reads = true }: { reads?: boolean } = {}) {
    this.socket = typeof to === 'number' ? connect(to, '127.0.0.1') : to
    if (!reads) this.socket.pause()
    this.socket.on('data', (bytes) => this.#take(bytes))
    if (!reads) this.socket.pause()
    this.ended = new Promise((resolve) => {
      this.socket.on('error', () => {
        this.#end = 'reset'
      })
      this.socket.on('end', () => this.#finish())
      this.socket.on('close', () => {
        this.#isClosed = true
        this.#finish()
        resolve(this.#end ?? 'fin')
      })
    })
  }

  ask(path: string, options: Ask = {}): this {
    return this.write(request(path, options), options.method)
  }

  /** Sends what is given as it is; the method says how the answer is to be read. */
  write(text: string | Uint8Array, method = 'GET'): this {
    this.#answers.push(new Answer(method))
    this.socket.write(text)
    return this
  }

  /** All that has come, as it came. */
  get raw(): Buffer {
    return this.#raw.all
  }

  /** Bytes that have come. */
  get size(): number {
    return this.#raw.size
  }

  /** The connection is over. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What came is not HTTP/1. */
  get error(): Error | undefined {
    return this.#error
  }

  /** The responses whose head has come. */
  get answers(): readonly Answer[] {
    return this.#answers.filter(({ hasHead }) => hasHead)
  }

  /** The response to the latest request, once its head has come. */
  get latest(): Answer | undefined {
    const latest = this.#answers.at(-1)
    return latest?.hasHead ? latest : undefined
  }

  /** Calls a function whenever something has come, and at the end. Returns its undoing. */
  onNews(look: () => void): () => void {
    this.#looking.add(look)
    return () => this.#looking.delete(look)
  }

  /** Leaves: closes the connection. */
  leave(): void {
    this.socket.destroy()
  }

  /** Leaves with a reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Sends a FIN, and goes on reading. */
  halfClose(): void {
    this.socket.end()
  }

  #take(bytes: Buffer): void {
    this.#raw.add(bytes)
    try {
      let rest = bytes
      for (const answer of this.#answers) if (rest.length > 0 && !answer.isWhole) rest = answer.take(rest)
    } catch (error) {
      this.#error ??= error as Error
    }
    this.#look()
  }

  #finish(): void {
    this.#end ??= 'fin'
    // a close that the client has made says nothing of the answer
    if (this.#end === 'fin' && this.socket.readableEnded) this.#current?.finish()
    this.#look()
  }

  get #current(): Answer | undefined {
    return this.#answers.find(({ isWhole }) => !isWhole)
  }

  #look(): void {
    for (const look of [...this.#looking]) look()
  }
}
