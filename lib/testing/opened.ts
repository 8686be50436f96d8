// A stream that a test has opened: its head, and what comes, one event after the other.
import { inspect } from 'node:util'
import { isPromise } from '../promise.js'
import type { Answer } from './answer.js'
import type { Connection } from './connection.js'
import { isNews, type ReadAs, type Reading, readingOf, type StreamEvent } from './reading.js'
import { after } from './real.js'

/** How a stream has ended. */
export interface Ending {
  /** It came to its proper end. False: it was cut, or this client has left. */
  readonly whole: boolean
  /** What the stream has said of its end: `end` (there is no more), `reconnect` (come back), or `failed`. */
  readonly reason?: string
}

/** What a stream needs of the stage that it is open on. */
export interface Ground {
  /** Milliseconds that something may take to come. */
  readonly within: number
  /** Turns the library's clock on. */
  advance(milliseconds: number): Promise<void>
  /** Waits until what was sent has come, and what follows of it has happened. */
  settle(): Promise<void>
}

export class Opened implements AsyncDisposable {
  /** How the stream has ended. Never rejects. */
  readonly ended: Promise<Ending>
  readonly #title: string
  readonly #connection: Connection
  readonly #answer: Answer
  readonly #ground: Ground
  readonly #reading: Reading
  /** Bytes of the body that were read. */
  #read = 0
  /** Where the connection is to be cut. */
  #cutAt = Infinity
  #ending: Ending | undefined
  #resolve: (ending: Ending) => void = () => {}
  /** What has come and is not taken begins here. */
  #at = 0
  readonly #waiting = new Set<() => void>()

  /** @param title what was asked for, for messages */
  constructor(title: string, connection: Connection, answer: Answer, ground: Ground, options: ReadAs) {
    this.#title = title
    this.#connection = connection
    this.#answer = answer
    this.#ground = ground
    this.#reading = readingOf(answer, options)
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    connection.onNews(() => this.#look())
    this.#look()
  }

  get status(): number {
    return this.#answer.status
  }

  /** By names in lower case. Of several fields of one name all, joined by commas. */
  get headers(): Readonly<Record<string, string>> {
    return this.#answer.headers
  }

  /** The body that has come, without the framing of HTTP. */
  get bytes(): Buffer {
    return this.#answer.bytes
  }

  /** The id that a client comes back with which has got what was taken. Undefined: none. */
  get lastEventId(): string | undefined {
    return this.#reading.idBefore(this.#at)
  }

  // ---- what comes

  /**
   * The next event, or notice but for a `position`; or, passing over others, the next of a type, `position` among them.
   *
   * Rejects if none comes within 5 s of real time, and at once if the stream ends; the error says what came instead.
   */
  async next(type?: string): Promise<StreamEvent> {
    const isIt = type === undefined ? isNews : (event: StreamEvent) => event.type === type
    const what = type === undefined ? 'event' : `event of type '${type}'`
    return (await this.#find(isIt, what)).at(-1) as StreamEvent
  }

  /**
   * The events up to the first that a function says yes to, which is the last of the list. The function sees positions too;
   * the list has none but one that was meant.
   */
  async until(predicate: (event: StreamEvent) => unknown): Promise<StreamEvent[]> {
    const isIt = (event: StreamEvent) => {
      const answer = predicate(event)
      if (isPromise(answer))
        throw new TypeError('until(predicate): expected an answer at once, not a promise')
      return Boolean(answer)
    }
    return this.#find(isIt, 'event that was waited for')
  }

  /** The next so many events. */
  async take(count: number): Promise<StreamEvent[]> {
    if (!(Number.isInteger(count) && count >= 0))
      throw new TypeError(`take(${count}): expected a number of events`)
    if (count === 0) return []
    let left = count
    const find = (event: StreamEvent) => isNews(event) && --left === 0
    const list = () => {
      left = count
    }
    return this.#find(find, `${count} events`, list)
  }

  /**
   * Nothing comes while so many milliseconds of the library's clock pass: no event that is not taken yet, no notice but
   * `position`, no end. Heartbeats are none.
   */
  async idle(milliseconds: number): Promise<void> {
    await this.#ground.advance(milliseconds)
    const came = this.#reading.events.slice(this.#at).flatMap((each) => each.event ?? [])
    const news = came.filter(isNews)
    if (news.length > 0) throw this.#error(`Expected no event for ${milliseconds} ms`, news)
    if (this.#ending) throw this.#error(`Expected the stream to be open for ${milliseconds} ms`, news)
  }

  // ---- what the client does

  /** Closes the connection, as a browser does. Resolves once the app has seen it. */
  leave(): Promise<void> {
    this.#connection.leave()
    return this.#ground.settle()
  }

  /** Resets the connection, as where a network is lost. Resolves once the app has seen it. */
  reset(): Promise<void> {
    this.#connection.reset()
    return this.#ground.settle()
  }

  /** Sends a FIN, and goes on reading. Resolves once the app has seen it. */
  halfClose(): Promise<void> {
    this.#connection.halfClose()
    return this.#ground.settle()
  }

  /** Reads nothing more, as a client that is slow: what the kernel takes of megabytes is soon full. */
  pause(): void {
    this.#connection.socket.pause()
  }

  resume(): void {
    this.#connection.socket.resume()
  }

  /**
   * Cuts the connection behind so many bytes of the body, counted from its beginning. What has come after them is as if it
   * had not.
   */
  cutAfter(bytes: number): void {
    if (!(bytes >= 0)) throw new TypeError(`cutAfter(${bytes}): expected a number of bytes`)
    this.#cutAt = bytes
    this.#look()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  // ---- reading

  #look(): void {
    this.#cut()
    const { size } = this.#answer
    if (size > this.#read) {
      this.#reading.take(this.#answer.bytes.subarray(this.#read))
      this.#read = size
    }
    if (!this.#ending && (this.#answer.isWhole || this.#connection.isClosed)) this.#end()
    for (const look of [...this.#waiting]) look()
  }

  #cut(): void {
    if (this.#answer.size < this.#cutAt) return
    const { size } = this.#answer
    this.#answer.cut(this.#cutAt)
    if (this.#read > this.#cutAt) {
      this.#reading.reset(this.#answer.bytes)
      this.#read = this.#answer.size
      this.#at = Math.min(this.#at, this.#reading.events.length)
    }
    if (size >= this.#cutAt) this.#connection.reset()
  }

  #end(): void {
    const isWhole = this.#answer.isWhole && this.#reading.end()
    const { reason } = this.#reading
    this.#ending = { whole: isWhole, ...(reason !== undefined && { reason }) }
    this.#resolve(this.#ending)
  }

  /** The news up to the first event that is meant, which are taken. */
  #find(isIt: (event: StreamEvent) => boolean, what: string, begin = () => {}): Promise<StreamEvent[]> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiting.delete(look)
        cancel()
      }
      const fail = (why: string) => {
        done()
        reject(this.#error(`Expected an ${what}, and ${why}`.replace(/an (\d)/, '$1'), list))
      }
      let list: StreamEvent[] = []
      const look = () => {
        try {
          find()
        } catch (error) {
          // the test's own, of its predicate
          done()
          reject(error)
        }
      }
      const find = () => {
        list = []
        begin()
        for (let at = this.#at; at < this.#reading.events.length; at++) {
          const { event } = this.#reading.events[at] as { event?: StreamEvent }
          if (!event) continue
          const isFound = isIt(event)
          if (isFound || isNews(event)) list.push(event)
          if (!isFound) continue
          this.#at = at + 1
          done()
          return resolve(list)
        }
        if (this.#reading.error) fail(`what came cannot be read: ${this.#reading.error.message}`)
        else if (this.#ending) fail(this.#shownEnd)
      }
      const { within } = this.#ground
      const cancel = after(within, () => fail(`that did not come within ${within} ms`))
      this.#waiting.add(look)
      look()
    })
  }

  get #shownEnd(): string {
    const { whole, reason } = this.#ending as Ending
    const how = reason === undefined ? '' : `, with the notice '${reason}'`
    return whole ? `the stream has come to its end${how}` : `the stream was cut${how}`
  }

  #error(what: string, came: readonly StreamEvent[]): Error {
    const { status, headers } = this
    const answered = `${status} ${headers['content-type'] ?? 'without a Content-Type'}`
    if (!this.#reading.isStream) {
      return new Error(
        `${this.#title}: ${what}. The answer is ${answered}, and no stream that is read: ${shown(this.#answer.body)}`,
      )
    }
    const list = came.map(
      ({ type, data, id }) => `\n  ${type}${id === undefined ? '' : ` ${id}`} ${shown(data)}`,
    )
    const instead = list.length === 0 ? ' Nothing came.' : ` What came:${list.join('')}`
    return new Error(`${this.#title} (${answered}): ${what}.${instead}`)
  }
}

function shown(value: unknown): string {
  return inspect(value, { breakLength: Infinity, maxStringLength: 200, maxArrayLength: 10, depth: 3 })
}
