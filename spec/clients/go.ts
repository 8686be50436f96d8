import { connect, type Socket } from 'node:net'
import { request } from '../support/raw.js'
import { Answer, type Ask, type Head, type Reader } from './reader.js'

/** What Go's bufio.Reader does for net/http: waits for a line, or for so many bytes, whatever the packets are. */
class Buffered {
  readonly #source: AsyncIterator<Buffer>
  #bytes: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#source = socket[Symbol.asyncIterator]()
  }

  /** A line without its end; at most so long (`maxLineLength` of net/http/internal). */
  async line(limit = 4096): Promise<string> {
    for (;;) {
      const end = this.#bytes.indexOf('\n')
      if (end > limit || (end < 0 && this.#bytes.length > limit))
        throw new Error('http: header line too long')
      if (end >= 0)
        return this.#cut(end + 1)
          .toString('latin1')
          .replace(/\r?\n$/, '')
      await this.#more()
    }
  }

  /** Some bytes, at most so many. */
  async some(most: number): Promise<Buffer> {
    if (this.#bytes.length === 0) await this.#more()
    return this.#cut(Math.min(most, this.#bytes.length))
  }

  /** What comes before the connection is closed. */
  async *rest(): AsyncGenerator<Buffer> {
    for (;;) {
      if (this.#bytes.length > 0) yield this.#cut(this.#bytes.length)
      const { done, value } = await this.#source.next()
      if (done) return
      this.#bytes = value
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next()
    if (done) throw new Error('unexpected EOF')
    this.#bytes = Buffer.concat([this.#bytes, value])
  }

  #cut(size: number): Buffer {
    const taken = this.#bytes.subarray(0, size)
    this.#bytes = this.#bytes.subarray(size)
    return taken
  }
}

/** The head of an answer, line by line. */
async function headOf(input: Buffered): Promise<Head> {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(await input.line())?.[1])
  const headers: Record<string, string> = {}
  for (let line = await input.line(); line !== ''; line = await input.line()) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/, 2)
    headers[name.toLowerCase()] = value
  }
  return { status, headers }
}

/**
 * Chunk by chunk, as strictly as `chunkedReader` of Go's net/http/internal: extensions are dropped, a size is at
 * most 16 hexadecimal digits and nothing else, data ends with CRLF, and trailers follow the last chunk.
 */
async function* chunksOf(input: Buffered): AsyncGenerator<Buffer> {
  for (;;) {
    const [digits = ''] = (await input.line()).split(';', 1)
    if (!/^[0-9a-f]{1,16}$/i.test(digits.trimEnd()))
      throw new Error(`invalid byte in chunk length: ${digits}`)
    let left = Number.parseInt(digits, 16)
    if (left === 0) break
    while (left > 0) {
      const bytes = await input.some(left)
      left -= bytes.length
      yield bytes
    }
    if ((await input.line(2)) !== '') throw new Error('malformed chunked encoding')
  }
  while ((await input.line()) !== '') {
    // a trailer
  }
}

async function* bodyOf(input: Buffered, { headers, status }: Head, method: string): AsyncGenerator<Buffer> {
  if (method === 'HEAD' || status === 204 || status === 304) return
  if (headers['transfer-encoding'] === 'chunked') return yield* chunksOf(input)
  if (headers['content-length'] === undefined) return yield* input.rest()
  for (let left = Number(headers['content-length']); left > 0; ) {
    const bytes = await input.some(left)
    left -= bytes.length
    yield bytes
  }
}

function read(url: string, { method = 'GET', headers = {}, body }: Ask = {}): Answer {
  const { hostname, port, pathname, search, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  const answer = new Answer(() => socket.destroy())
  const follow = async () => {
    const fields = { Host: host, 'User-Agent': 'Go-http-client/1.1', 'Accept-Encoding': 'gzip', ...headers }
    socket.write(request(pathname + search, { method, headers: fields, ...(body !== undefined && { body }) }))
    const input = new Buffered(socket)
    const head = await headOf(input)
    answer.begin(head)
    const decoder = new TextDecoder()
    for await (const bytes of bodyOf(input, head, method))
      answer.take(decoder.decode(bytes, { stream: true }))
  }
  follow()
    .then(
      () => answer.end('whole'),
      (error: Error) => answer.end({ error: error.message }),
    )
    .finally(() => socket.destroy())
  return answer
}

export const go: Reader = {
  name: "a reader of chunks like Go's net/http",
  follows: false,
  accept: undefined,
  sees: { cut: /^unexpected EOF$/, reset: /ECONNRESET/ },
  read,
}
