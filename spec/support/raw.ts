import { connect, type Socket } from 'node:net'

/** A response as it stood on the wire. */
export interface Message {
  readonly version: string
  readonly status: number
  /** Names in lower case; of several fields of one name all, joined. */
  readonly headers: Readonly<Record<string, string>>
  /** The names as they came. */
  readonly names: readonly string[]
  /** The body without its framing, as UTF-8. */
  readonly body: string
  readonly bytes: Buffer
  /** The size of each chunk that has come whole. */
  readonly chunks: readonly number[]
  /** The end of the body has come: the last chunk, all of Content-Length, or for a close-delimited one a FIN. */
  readonly isWhole: boolean
}

export interface Ask {
  method?: string
  version?: '1.0' | '1.1'
  headers?: Record<string, string>
  body?: string
}

/** The text of a request. */
export function request(
  path: string,
  { method = 'GET', version = '1.1', headers = {}, body }: Ask = {},
): string {
  const fields = Object.entries({
    Host: 'spec',
    ...(body !== undefined && { 'Content-Length': String(Buffer.byteLength(body)) }),
    ...headers,
  })
  const head = [`${method} ${path} HTTP/${version}`, ...fields.map(([name, value]) => `${name}: ${value}`)]
  return `${head.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** A client on a raw socket, which sees every byte and how the connection ended. */
export class Client {
  readonly socket: Socket
  /** How the connection ended. */
  readonly ended: Promise<'fin' | 'reset'>
  /** Bytes that have come. */
  size = 0
  #buffer = Buffer.alloc(2 ** 16)
  #end: 'fin' | 'reset' | undefined
  #isClosed = false
  readonly #methods: string[] = []
  readonly #waiting = new Set<() => void>()

  /** @param to a port, or a connection that is made */
  constructor(to: number | Socket, { reads = true } = {}) {
    this.socket = typeof to === 'number' ? connect(to, '127.0.0.1') : to
    if (!reads) this.socket.pause()
    this.socket.on('data', (bytes) => {
      this.#take(bytes)
      this.#look()
    })
    if (!reads) this.socket.pause()
    this.ended = new Promise((resolve) => {
      this.socket.on('error', () => {
        this.#end = 'reset'
      })
      this.socket.on('end', () => {
        this.#end ??= 'fin'
        this.#look()
      })
      this.socket.on('close', () => {
        this.#isClosed = true
        this.#end ??= 'fin'
        this.#look()
        resolve(this.#end)
      })
    })
  }

  ask(path: string, options: Ask = {}): this {
    return this.write(request(path, options), options.method)
  }

  /** Sends text as it is; the method says how the answer is to be read. */
  write(text: string | Buffer, method = 'GET'): this {
    this.#methods.push(method)
    this.socket.write(text)
    return this
  }

  /** All that has come, as it came. */
  get raw(): Buffer {
    return this.#buffer.subarray(0, this.size)
  }

  get messages(): readonly Message[] {
    const messages: Message[] = []
    let rest = this.raw
    for (const method of this.#methods) {
      const parsed = parse(rest, method, this.#end === 'fin')
      if (!parsed) break
      messages.push(parsed.message)
      rest = parsed.rest
    }
    return messages
  }

  /** The latest response. */
  get message(): Message {
    const message = this.messages.at(-1)
    if (!message) throw new Error(`No response yet, but ${JSON.stringify(this.raw.toString())}`)
    return message
  }

  get body(): string {
    return this.messages.at(-1)?.body ?? ''
  }

  /** Waits for the head of the latest response. */
  async head(): Promise<Message> {
    await this.#when(() => this.messages.length === this.#methods.length, 'a head')
    return this.message
  }

  /** Waits for a text in the body of the latest response. */
  async until(text: string): Promise<string> {
    await this.#when(() => this.messages.length === this.#methods.length && this.body.includes(text), text)
    return this.body
  }

  /** Waits for so many bytes. */
  async taken(bytes: number): Promise<void> {
    await this.#when(() => this.size >= bytes, `${bytes} bytes`)
  }

  /** Waits for the latest response to be whole. */
  async whole(): Promise<Message> {
    await this.#when(() => this.messages.length === this.#methods.length && this.message.isWhole, 'the end')
    return this.message
  }

  /** Waits for the end of the connection. */
  async closed(): Promise<Message> {
    await this.ended
    return this.message
  }

  /** Leaves: closes the connection. */
  leave(): void {
    this.socket.destroy()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Sends a FIN, and goes on reading. */
  halfClose(): void {
    this.socket.end()
  }

  #when(isSo: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!isSo()) {
          if (!this.#isClosed) return
          const came = JSON.stringify(this.raw.subarray(0, 2000).toString())
          reject(new Error(`The connection ended without ${what}: ${came}`))
        }
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  #take(bytes: Buffer): void {
    if (this.size + bytes.length > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.raw], 2 * (this.size + bytes.length))
    }
    bytes.copy(this.#buffer, this.size)
    this.size += bytes.length
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}

interface Parsed {
  readonly message: Message
  readonly rest: Buffer
}

function parse(bytes: Buffer, method: string, isOver: boolean): Parsed | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const [, version = '', status = ''] = /^HTTP\/(1\.[01]) (\d{3})/.exec(statusLine) ?? []
  const fields = lines.map((line) => line.split(/:\s*(.*)/, 2) as [string, string])
  const headers: Record<string, string> = {}
  for (const [name, value] of fields) {
    const known = headers[name.toLowerCase()]
    headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`
  }
  const names = fields.map(([name]) => name)
  const start = bytes.subarray(end + 4)
  const { parts, chunks, isWhole, rest } = bodyOf(start, headers, method, Number(status), isOver)
  const message: Message = {
    version,
    status: Number(status),
    headers,
    names,
    chunks,
    isWhole,
    get bytes() {
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    },
    get body() {
      return this.bytes.toString()
    },
  }
  return { message, rest }
}

interface BodyParts extends Pick<Message, 'chunks' | 'isWhole'> {
  readonly parts: readonly Buffer[]
  readonly rest: Buffer
}

const none = Buffer.alloc(0)

function bodyOf(
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
  method: string,
  status: number,
  isOver: boolean,
): BodyParts {
  if (method === 'HEAD' || status === 204 || status === 304)
    return { parts: [], chunks: [], isWhole: true, rest: bytes }
  if (headers['transfer-encoding'] === 'chunked') return dechunk(bytes)
  const { 'content-length': length } = headers
  if (length === undefined) return { parts: [bytes], chunks: [], isWhole: isOver, rest: none }
  const body = bytes.subarray(0, Number(length))
  return {
    parts: [body],
    chunks: [],
    isWhole: body.length === Number(length),
    rest: bytes.subarray(body.length),
  }
}

function dechunk(bytes: Buffer): BodyParts {
  const parts: Buffer[] = []
  const chunks: number[] = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    const size = line < 0 ? Number.NaN : Number.parseInt(bytes.subarray(at, line).toString(), 16)
    const isCut = Number.isNaN(size) || bytes.length < line + 2 + size + 2
    if (isCut) return { parts, chunks, isWhole: false, rest: none }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
    if (size === 0) return { parts, chunks, isWhole: true, rest: bytes.subarray(at) }
    chunks.push(size)
  }
}
