import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { createParser } from 'eventsource-parser'
import type { Gap } from '../../../lib/index.js'
import { pathOf, type Said, type Target } from './rooms.js'
import type { Seen } from './view.js'

/** What has happened to all clients so far. */
export interface Counts {
  /** Requests after the first of each client. */
  reconnects: number
  /** Streams that ended whole, and those that were cut. */
  ended: number
  cut: number
  /** Answers of 503 and 429. */
  unavailable: number
  /** Requests that got no answer. */
  unanswered: number
  /** Any other answer. */
  wrong: number
  events: number
}

/** A notice in the format of the stream, or an event. */
interface Told {
  readonly type: string
  readonly id: string
  readonly data: unknown
}

/** Reads a stream as an EventSource does, and comes back to it: by its last id, after the time that it was told. */
export class EventSource {
  readonly target: Target
  readonly views: ReadonlyMap<string, Seen[]>
  readonly #port: number
  readonly #counts: Counts
  readonly #intern: (seen: Seen, room: string) => Seen
  #last = ''
  #delay = 1000
  #timer: NodeJS.Timeout | undefined
  #request: ClientRequest | undefined
  #isClosed = false
  isOpen = false
  /** When the latest event that it got was published. */
  latest = 0

  constructor(
    target: Target,
    port: number,
    counts: Counts,
    /** One object for what many have seen. */
    intern: (seen: Seen, room: string) => Seen,
  ) {
    this.target = target
    this.views = new Map(target.rooms.map((room) => [room, []]))
    this.#port = port
    this.#counts = counts
    this.#intern = intern
    this.#connect()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#request?.destroy()
  }

  #connect(): void {
    const accept = this.target.feed === 'records' ? 'application/x-ndjson' : 'text/event-stream'
    const headers = { Accept: accept, ...(this.#last && { 'Last-Event-ID': this.#last }) }
    let isAnswered = false
    const request = get({ port: this.#port, path: pathOf(this.target), headers, agent: false })
    this.#request = request
    request.once('response', (response) => {
      isAnswered = true
      this.#answered(response)
    })
    request.once('error', () => {
      if (isAnswered) return
      if (!this.#isClosed) this.#counts.unanswered += 1
      this.#comeBack(this.#delay)
    })
  }

  #answered(response: IncomingMessage): void {
    const { statusCode, headers } = response
    if (statusCode !== 200) {
      const isPassing = statusCode === 503 || statusCode === 429
      this.#counts[isPassing ? 'unavailable' : 'wrong'] += 1
      response.resume()
      return this.#comeBack(isPassing ? Number(headers['retry-after'] ?? 1) * 1000 : this.#delay)
    }
    this.isOpen = true
    response.setEncoding('utf8')
    response.on('data', this.#reader())
    response.on('error', () => undefined)
    response.once('close', () => {
      this.isOpen = false
      if (!this.#isClosed) this.#counts[response.complete ? 'ended' : 'cut'] += 1
      this.#comeBack(this.#delay)
    })
  }

  #comeBack(delay: number): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#counts.reconnects += 1
      this.#connect()
    }, delay)
  }

  #reader(): (text: string) => void {
    return this.target.feed === 'records' ? this.#recordReader() : this.#eventReader()
  }

  #eventReader(): (text: string) => void {
    const parser = createParser({
      onEvent: ({ event: type = 'message', id = '', data }) =>
        this.#take({ type, id, data: JSON.parse(data) }),
      onRetry: (milliseconds) => {
        this.#delay = milliseconds
      },
    })
    return (text) => parser.feed(text)
  }

  #recordReader(): (text: string) => void {
    let rest = ''
    return (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line === '') continue
        const { notice = 'message', id = '', data, ...more } = JSON.parse(line)
        this.#take({ type: notice, id, data: notice === 'message' ? data : more })
      }
    }
  }

  #take({ type, id, data }: Told): void {
    if (id) this.#last = id
    if (type === 'position') {
      for (const [room, place] of this.#placesOf(id)) this.#see(room, { kind: 'position', id: place })
    } else if (type === 'gap') {
      const { reason, channel } = data as Gap & { channel?: string }
      const room = channel ?? this.target.rooms[0]!
      const at = Date.now()
      this.#see(room, { kind: 'gap', id: this.#placesOf(id).get(room)!, reason, at })
    } else {
      const { room, number, at } = data as Said
      this.#counts.events += 1
      this.latest = Math.max(this.latest, at)
      for (const [each, place] of this.#placesOf(id)) {
        if (each === room) this.#see(room, { kind: 'event', id: place, number })
        // the place in the other rooms goes with it
        else if (this.views.get(each)?.at(-1)?.id !== place) this.#see(each, { kind: 'position', id: place })
      }
    }
  }

  #see(room: string, seen: Seen): void {
    this.views.get(room)!.push(this.#intern(seen, room))
  }

  /** By room: an id of a merge says them all. */
  #placesOf(id: string): ReadonlyMap<string, string> {
    const { feed, rooms } = this.target
    return feed === 'both' ? new Map(new URLSearchParams(id)) : new Map([[rooms[0]!, id]])
  }
}
