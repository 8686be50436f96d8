// Reads one HTTP/1.x response as its bytes come: the head, then the body out of its framing.

/** Bytes that come one after the other, as one buffer. */
export class Gathered {
  #buffer = Buffer.allocUnsafe(2 ** 12)
  #size = 0

  get size(): number {
    return this.#size
  }

  get all(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  add(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * (this.#size + bytes.length))
      larger.set(this.all)
      this.#buffer = larger
    }
    this.#buffer.set(bytes, this.#size)
    this.#size += bytes.length
  }

  /** Forgets all but the first so many bytes. */
  cut(size: number): void {
    this.#size = Math.min(this.#size, size)
  }
}

/** How the end of a body shows. */
type Framing = 'none' | 'chunks' | 'length' | 'close'

const blankLine = '\r\n\r\n'
const lineEnd = '\r\n'

export class Answer {
  version = ''
  /** 0 until the head has come. */
  status = 0
  /** By names in lower case; of several fields of one name all, joined. */
  readonly headers: Record<string, string> = {}
  /** The names as they came. */
  readonly names: string[] = []
  /** The size of each chunk that has come whole. */
  readonly chunks: number[] = []
  /** The end of the body has come: the last chunk, all of Content-Length, or for a close-delimited one a FIN. */
  isWhole = false
  readonly #method: string
  readonly #body = new Gathered()
  #framing: Framing | undefined
  /** What has come and is not read: the head until it is whole, then the line or chunk that is not. */
  #rest: Buffer = Buffer.alloc(0)
  /** Bytes of the body that are still to come, of the chunk or of the whole; -1 before the size of a chunk. */
  #left = -1
  #chunk = 0
  #isTrailer = false

  constructor(method: string) {
    this.#method = method
  }

  get hasHead(): boolean {
    return this.#framing !== undefined
  }

  /** The body without its framing. Of a chunk that has not come whole, what has come. */
  get bytes(): Buffer {
    return this.#body.all
  }

  /** Bytes of the body that have come. */
  get size(): number {
    return this.#body.size
  }

  get body(): string {
    return this.bytes.toString()
  }

  /** Forgets all but the first bytes of the body. */
  cut(size: number): void {
    this.#body.cut(size)
    this.isWhole = false
  }

  /** Takes bytes, and returns those that are behind the response. */
  take(bytes: Buffer): Buffer {
    let rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes
    if (!this.#framing) {
      const end = rest.indexOf(blankLine)
      if (end < 0) {
        this.#rest = rest
        return Buffer.alloc(0)
      }
      this.#read(rest.toString('latin1', 0, end))
      rest = rest.subarray(end + blankLine.length)
      // 1xx but for 101 is not the answer yet (RFC 9110 15.2)
      if (!this.#framing) {
        this.#rest = Buffer.alloc(0)
        return this.take(rest)
      }
    }
    this.#rest = Buffer.alloc(0)
    if (this.#framing === 'chunks') return this.#dechunk(rest)
    const own = this.#framing === 'close' ? rest : rest.subarray(0, Math.max(0, this.#left))
    this.#body.add(own)
    this.#left -= own.length
    if (this.#framing === 'length' && this.#left === 0) this.isWhole = true
    return rest.subarray(own.length)
  }

  /** The server has ended the connection. */
  finish(): void {
    if (this.#framing === 'close') this.isWhole = true
  }

  #read(head: string): void {
    const [statusLine = '', ...lines] = head.split(lineEnd)
    const [, version, status] = /^HTTP\/(1\.[01]) (\d{3})/.exec(statusLine) ?? []
    if (!version || !status)
      throw new Error(`Not a response of HTTP/1: ${JSON.stringify(head.slice(0, 200))}`)
    if (status.startsWith('1') && status !== '101') return
    this.version = version
    this.status = Number(status)
    for (const line of lines) {
      const [name = '', value = ''] = line.split(/:\s*(.*)/, 2)
      const key = name.toLowerCase()
      const known = this.headers[key]
      this.headers[key] = known === undefined ? value : `${known}, ${value}`
      this.names.push(name)
    }
    this.#framing = this.#framingOf()
    if (this.#framing === 'none') this.isWhole = true
  }

  /** The length of a body (RFC 9112 6.3). */
  #framingOf(): Framing {
    const { status, headers } = this
    if (this.#method === 'HEAD' || status === 204 || status === 304) return 'none'
    if (headers['transfer-encoding'] === 'chunked') return 'chunks'
    const { 'content-length': length } = headers
    if (length === undefined) return 'close'
    this.#left = Number(length)
    this.isWhole = this.#left === 0
    return 'length'
  }

  #dechunk(bytes: Buffer): Buffer {
    let at = 0
    while (!this.isWhole) {
      if (this.#left < 0) {
        const end = bytes.indexOf(lineEnd, at)
        if (end < 0) break
        const line = bytes.toString('latin1', at, end)
        at = end + lineEnd.length
        if (this.#isTrailer) this.isWhole = line === ''
        else this.#begin(line)
      } else {
        const part = bytes.subarray(at, at + this.#left)
        this.#body.add(part)
        this.#left -= part.length
        at += part.length
        if (this.#left > 0 || bytes.length < at + lineEnd.length) break
        at += lineEnd.length
        this.#left = -1
        this.chunks.push(this.#chunk)
      }
    }
    const rest = bytes.subarray(at)
    if (this.isWhole) return rest
    this.#rest = rest
    return Buffer.alloc(0)
  }

  /** A chunk begins. */
  #begin(line: string): void {
    const size = /^[0-9a-f]+/i.exec(line)?.[0]
    if (size === undefined) throw new Error(`Not the size of a chunk: ${JSON.stringify(line.slice(0, 200))}`)
    this.#chunk = Number.parseInt(size, 16)
    this.#isTrailer = this.#chunk === 0
    this.#left = this.#isTrailer ? -1 : this.#chunk
  }
}
