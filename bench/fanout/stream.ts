import { connect, type Socket } from 'node:net'
import { mark, now, numberAt, stampSize, timeAt } from './tick.js'

/** One buffer for all: what was read is looked at before the next is read. */
const buffer = Buffer.allocUnsafe(256 * 1024)

export interface Target {
  readonly port: number
  /** What to ask for, by default `/events`. */
  readonly path?: string
  readonly accept?: string
  /** The address that it comes from: each has ports of its own. */
  readonly from?: string
  /** It never reads. */
  readonly isStalled?: boolean
}

export interface Observer {
  /** A stream has got all that was to come. */
  complete(): void
  latency(microseconds: number, number: number): void
}

/** How a stream is asked for, when it is open, and what else the server is answered. */
export interface Protocol {
  readonly request: string
  /** Gets each read until it says that the stream is open, and throws if it never will be. */
  isOpen(read: Buffer, socket: Socket): boolean
  /** Gets each later read. */
  hear?(read: Buffer, socket: Socket): void
}

function http({ path = '/events', accept = 'text/event-stream' }: Target): Protocol {
  return {
    request: `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n\r\n`,
    isOpen: (read) => {
      const status = read.toString('latin1', 9, 12)
      if (status !== '200') throw new Error(`Answered with ${status}`)
      return true
    },
  }
}

/**
 * Reads one response. Events are numbered, and come in order: to know how many came it is enough to look at
 * the last one of each read. Streams that are sampled look at each one, for its age and for gaps.
 */
export class Stream {
  readonly opened: Promise<void>
  readonly ended: Promise<void>
  closed = false
  /** The end of the response has come. */
  isComplete = false
  got = 0
  gaps = 0
  readonly #socket: Socket
  readonly #observer: Observer
  #target = Infinity
  #sampled = false
  #cut: Buffer | undefined

  constructor(target: Target, observer: Observer, protocol = http(target)) {
    const { port, from, isStalled = false } = target
    const address = { port, host: '127.0.0.1', ...(from !== undefined && { localAddress: from }) }
    this.#observer = observer
    let opened: () => void = () => undefined
    let failed: (error: Error) => void = () => undefined
    this.opened = new Promise((resolve, reject) => {
      opened = resolve
      failed = reject
    })
    let read = (size: number) => {
      try {
        if (!protocol.isOpen(buffer.subarray(0, size), this.#socket)) return
      } catch (error) {
        failed(error as Error)
      }
      opened()
      read = (size) => {
        protocol.hear?.(buffer.subarray(0, size), this.#socket)
        this.#read(size)
      }
      this.#read(size)
    }
    const callback = (size: number) => {
      read(size)
      return true
    }
    this.#socket = isStalled
      ? connect(address, opened).pause()
      : connect({ ...address, onread: { buffer, callback } })
    this.ended = new Promise((resolve) => {
      this.#socket.on('error', failed).on('close', () => {
        this.closed = true
        failed(new Error('The server hung up'))
        resolve()
      })
    })
    this.#socket.write(protocol.request)
  }

  /** @param last the number of the event before the first that is to come; -1 where nobody knows */
  watch(target: number, sampled: boolean, last = 0): void {
    this.got = last
    this.gaps = 0
    this.#target = target
    this.#sampled = sampled
    this.#cut = undefined
  }

  /** Leaves by a reset. */
  close(): void {
    this.#socket.resetAndDestroy()
  }

  /** Leaves by a FIN. */
  end(): void {
    this.#socket.end()
  }

  #read(size: number): void {
    let from = 0
    this.isComplete = endsWithLastChunk(size)
    if (this.#cut) {
      const missing = stampSize - this.#cut.length
      const joined = Buffer.concat([this.#cut, buffer.subarray(0, Math.min(missing, size))])
      if (size < missing) {
        this.#cut = joined
        return
      }
      this.#cut = undefined
      this.#take(joined, 0)
      from = missing
    }
    if (this.#sampled) this.#all(from, size)
    else this.#last(from, size)
  }

  #last(from: number, size: number): void {
    const at = buffer.lastIndexOf(mark, size - 1)
    if (at >= from) this.#takeOrCut(at, size)
  }

  #all(from: number, size: number): void {
    const read = buffer.subarray(0, size)
    for (let at = read.indexOf(mark, from); at >= 0; at = read.indexOf(mark, at + 1))
      this.#takeOrCut(at, size)
  }

  #takeOrCut(at: number, size: number): void {
    if (at + stampSize <= size) this.#take(buffer, at)
    else this.#cut = Buffer.from(buffer.subarray(at, size))
  }

  #take(bytes: Buffer, at: number): void {
    const number = numberAt(bytes, at)
    if (this.#sampled) {
      if (number !== this.got + 1 && this.got >= 0) this.gaps += 1
      this.#observer.latency(now() - timeAt(bytes, at), number)
    }
    this.got = number
    if (number === this.#target) this.#observer.complete()
  }
}

/** Whether a read has the last chunk at its end; an event's chunk ends with CR LF, but not with two. */
function endsWithLastChunk(size: number): boolean {
  return (
    buffer[size - 5] === 0x30 &&
    buffer[size - 4] === 0x0d &&
    buffer[size - 3] === 0x0a &&
    buffer[size - 2] === 0x0d &&
    buffer[size - 1] === 0x0a
  )
}
