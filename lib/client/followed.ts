// Follows a stream: one attempt at a time, each read to its end before there is another.
import { type Reader, type Received, readerOf } from '../readers/reader.js'
import { discard, FollowError, problemOf, refused, retryAfterOf } from './failure.js'
import type { Followed, FollowOptions, Gap, Message, State, StateDetails } from './options.js'
import { methodOf, request } from './request.js'
import { time } from './time.js'
import { whenAwake } from './wake.js'

type Result<T> = IteratorResult<Message<T>, undefined>

export function followed<T>(url: string, options: FollowOptions, readers: readonly Reader[]): Followed<T> {
  const { onGap, onState, refresh, signal, store, retry: { first = 500, most = 30_000 } = {} } = options
  const method = methodOf(options)
  const { repeat = /^(?:GET|QUERY)$/i.test(method) } = options
  let { lastEventId, silence = 45_000 } = options
  let state: State = 'connecting'
  /** What there is to do, once all that was read is given. */
  let then: () => void | Promise<void> = begin
  /** What was read, and how much of it was given. */
  let received: readonly Received[] = []
  let at = 0
  /** The id of what was given, until the loop is done with it. */
  let given: string | undefined
  /** Attempts since one that has brought something. */
  let attempts = 0
  /** Why there is another attempt, and when; not before SSE's `retry` has told. */
  let wait: StateDetails = {}
  let told = 0
  let wasRefreshed = false
  /** When a byte came last, and when the response was opened. */
  let heard = 0
  let opened = Infinity
  /** What the server has said of the end of the response. */
  let ending: string | undefined
  /** What is missing before the next message. */
  let gap: Gap | undefined
  /** What the head says of it, until the stream has said it, or something else; and whether that was told. */
  let gapOfHead: Gap | undefined
  let isGapTold = false
  let aborting = new AbortController()
  /** Ends the waiting for something; and the milliseconds that it may take, if there is a limit. */
  let interrupt = () => {}
  let limit = 0
  let letGo = () => {}

  const isOver = () => state === 'over'

  function become(next: State, details: StateDetails = {}): void {
    if (isOver()) return
    state = next
    onState?.(next, details)
  }

  function end(error?: unknown): void {
    if (isOver()) return
    state = 'over'
    signal?.removeEventListener('abort', close)
    letGo()
    aborting.abort()
    interrupt()
    onState?.('over', error === undefined ? {} : { error })
  }
  const close = () => end()

  /** Waits for something, until it is interrupted, and so long, if there is a limit. */
  function until<V>(work: V | PromiseLike<V>, milliseconds = 0): Promise<V> {
    limit = milliseconds
    return new Promise<V>((resolve, reject) => {
      const late = () => reject(new Error(`Nothing came for ${milliseconds} ms`))
      const cancel = milliseconds > 0 ? time.after(milliseconds, late) : late
      interrupt = () => {
        cancel()
        late()
      }
      if (isOver()) interrupt()
      Promise.resolve(work).then(resolve, reject).finally(cancel)
    })
  }

  /** Waits for what another attempt may bring, if this one does not. */
  async function got<V>(work: PromiseLike<V>, milliseconds?: number): Promise<V | undefined> {
    try {
      return await until(work, milliseconds)
    } catch (error) {
      again({ error })
    }
  }

  /** Another attempt, after some time, unless there is none to be made. */
  function again(why: { readonly error: unknown } | { readonly status: number }, seconds = 0): void {
    if (isOver()) return
    aborting.abort()
    if ('error' in why) {
      const { error } = why
      if (error instanceof FollowError) throw error
      if (!repeat) {
        const why = (error as Error)?.message
        throw new FollowError(`A ${method} is not made again without repeat: true: ${why}`, { cause: error })
      }
    }
    if (time.now() - opened >= 10_000) attempts = 0
    opened = Infinity
    const delay = Math.max(1e3 * seconds, told) + time.random() * Math.min(most, first * 2 ** attempts++ || 0)
    wait = { ...why, delay }
    then = pause
  }

  async function begin(): Promise<void> {
    letGo = whenAwake(() => {
      const isLost = limit > 0 && time.now() - heard > limit
      // a server that has answered has said when to come back
      if (state === 'waiting' ? wait.status === undefined : isLost) interrupt()
    })
    then = attempt
    if (store) lastEventId = (await until(store.get())) || lastEventId
  }

  async function pause(): Promise<void> {
    become('waiting', wait)
    then = attempt
    if (wait.delay) await until(new Promise(() => {}), wait.delay).catch(() => {})
  }

  async function attempt(): Promise<void> {
    become('connecting')
    if (isOver()) return
    aborting = new AbortController()
    heard = time.now()
    const response = await got(request(url, options, readers, lastEventId, aborting.signal), silence)
    if (!response) return
    const { status } = response
    if (status === 204) end()
    else if (response.ok) await open(response)
    else if (status === 401 && refresh && !wasRefreshed) {
      discard(response)
      await got(new Promise((resolve) => resolve(refresh())))
      wasRefreshed = then === attempt
    } else if (repeat && (status === 429 || status >= 500)) {
      discard(response)
      again({ status }, retryAfterOf(response))
    } else await fail(response)
  }

  async function fail(response: Response, why?: string): Promise<never> {
    throw refused(response, await until(problemOf(response), silence).catch(() => undefined), why)
  }

  /** Begins to read a response, if there is a reader for it. */
  async function open(response: Response): Promise<void> {
    const { headers, body } = response
    const type = headers.get('content-type') ?? ''
    const reader = readerOf(type, readers, options.accept)
    if (!reader) return fail(response, `its Content-Type is ${type || 'missing'}, which is not read`)
    const parser = reader.read(type, options)
    const bytes = body?.getReader()
    // for a fetch that ignores its signal
    aborting.signal.addEventListener('abort', () => bytes?.cancel().catch(() => {}))
    opened = time.now()
    then = async () => {
      const chunk = bytes ? await got(bytes.read(), silence) : { value: undefined }
      if (!chunk) return
      heard = time.now()
      const into: Received[] = []
      received = into
      at = 0
      try {
        if (chunk.value) parser.take(chunk.value, into)
        else then = parser.end(into) ? ended : cut
      } catch (error) {
        // what came whole before it is given first
        then = () => {
          throw error
        }
      }
    }
    wasRefreshed = false
    ending = undefined
    heedHead(headers.get('event-gap'), reader.tellsGaps || options.envelope)
    become('open')
  }

  const cut = () => again({ error: new Error('The response ended within a record') })

  /** The response has come to its proper end, which is that of the stream if the server or the options say so. */
  function ended(): void {
    if (ending === 'end' || (!ending && (options.over === 'complete' || !repeat))) end()
    else again({ error: new Error('The response ended, and the stream goes on') })
  }

  /** Heeds what is said between messages. */
  function heed({ notice, data, retry, id }: Received): undefined {
    given = id
    const details = data as Gap & { heartbeat: number }
    if (retry !== undefined) told = retry
    if (notice) settleGap(notice === 'gap' ? details : undefined)
    if (notice === 'dropped') tellGap({ ...details, reason: notice })
    if (notice === 'end' || notice === 'reconnect') ending = notice
    if (notice === 'position' && details.heartbeat > 0) silence = options.silence ?? 2.5 * details.heartbeat
  }

  function heedHead(reason: string | null, isToldAgain: boolean | undefined): void {
    gapOfHead = reason ? { reason, ...(lastEventId !== undefined && { requested: lastEventId }) } : undefined
    if (!isToldAgain) settleGap()
    isGapTold = !isToldAgain && reason !== null
  }

  /** One gap is told once, though the head and the stream both say it: by the stream, which knows more, if it will. */
  function settleGap(inBand?: Gap): void {
    const next = inBand ?? gapOfHead
    gapOfHead = undefined
    if (next && !isGapTold) tellGap(next)
    else gap = next ?? gap
    isGapTold = false
  }

  function tellGap(next: Gap): void {
    gap = next
    onGap?.(next)
  }

  /** The loop is done with what was given: something to wait for, if that is stored. An empty id is none (WHATWG HTML 9.2.6). */
  function doneWith(): unknown {
    const id = given
    given = undefined
    if (id === undefined) return
    lastEventId = id || undefined
    return store?.set(id)
  }

  /** A message, if that is what was read; else it is heeded. */
  function take(next: Received): Result<T> | undefined {
    const { data, id, type = data === undefined ? undefined : 'message' } = next
    at += 1
    if (type === undefined || next.notice !== undefined) return heed(next)
    attempts = 0
    settleGap()
    if (isOver()) return // by onGap
    given = id
    const message = { data: data as T, id, type }
    const value = gap ? { ...message, gap } : message
    gap = undefined
    return { value, done: false }
  }

  /** The next message. */
  async function come(): Promise<Result<T>> {
    try {
      for (;;) {
        const stored = doneWith()
        if (stored) await until(stored)
        if (isOver()) break
        const next = received[at]
        const message = next ? take(next) : await then()
        if (message) return message
      }
    } catch (error) {
      // what is interrupted fails, too
      if (!isOver()) {
        end(error)
        throw error
      }
    }
    return { value: undefined, done: true }
  }

  /** The same; a message that has come, and that nothing stands before, costs no promise of its own. */
  function step(): Result<T> | Promise<Result<T>> {
    const next = received[at]
    if (!next || next.notice || next.retry !== undefined || gapOfHead || store || isOver()) return come()
    doneWith()
    return take(next) ?? come()
  }

  if (signal?.aborted) end()
  else signal?.addEventListener('abort', close)
  let turn: Promise<unknown> = Promise.resolve()
  return {
    get state() {
      return state
    },
    get lastEventId() {
      return lastEventId
    },
    close,
    next() {
      const next = turn.then(step, step)
      turn = next
      return next
    },
    async return() {
      // the loop was left within its body: it is not done with the message
      given = undefined
      end()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
