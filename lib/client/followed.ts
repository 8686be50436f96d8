// Follows a stream: one attempt at a time, each read to its end before there is another.
import type { Reader, Received } from '../readers/reader.js'
import { discard, FollowError, refused, retryAfterOf } from './failure.js'
import type { Followed, FollowOptions, Gap, Message, State, StateDetails } from './options.js'
import { isRepeatable, methodOf, request } from './request.js'
import { time } from './time.js'
import { whenAwake } from './wake.js'

/** What something came to, or why it did not. */
type Came<T> = { readonly value: T } | { readonly error: unknown }

export function followed<T>(url: string, options: FollowOptions, readers: readonly Reader[]): Followed<T> {
  const { onGap, onState, refresh, signal, store, retry: { first = 500, most = 30_000 } = {} } = options
  let { lastEventId, silence = 45_000 } = options
  let state: State = 'connecting'
  /** Attempts since one that has brought something. */
  let attempts = 0
  /** Milliseconds until the next attempt, and why; never fewer than SSE's `retry` has told. */
  let wait: StateDetails & { readonly delay: number } = { delay: 0 }
  let told = 0
  let wasRefreshed = false
  /** When a byte came last. */
  let heard = 0
  /** What the server has said of the end of the response. */
  let ending: string | undefined
  /** What is missing before the next message; and what the head says of it, until the stream says more, or something else. */
  let gap: Gap | undefined
  let gapOfHead: Gap | undefined
  let aborting = new AbortController()
  /** Ends the waiting for something. */
  let interrupt = () => {}

  const become = (next: State, details: StateDetails = {}) => {
    state = next
    onState?.(next, details)
  }
  const isOver = () => state === 'over'

  function end(error?: unknown): void {
    if (isOver()) return
    signal?.removeEventListener('abort', close)
    become('over', error === undefined ? {} : { error })
    aborting.abort()
    interrupt()
  }
  const close = () => end()

  /** Waits for something, for so many milliseconds at most if they are some, and until it is interrupted. */
  function until<V>(work: Promise<V>, milliseconds: number): Promise<Came<V>> {
    return new Promise((resolve) => {
      const late = () => resolve({ error: new Error(`Nothing came for ${milliseconds} ms`) })
      const cancel = milliseconds > 0 ? time.after(milliseconds, late) : () => {}
      interrupt = () => {
        cancel()
        late()
      }
      if (isOver()) interrupt()
      work
        .then(
          (value) => resolve({ value }),
          (error) => resolve({ error }),
        )
        .finally(cancel)
    })
  }

  /** Another attempt, after some time, unless there is none to be made. */
  function again(error: unknown, status?: number, seconds = 0): undefined {
    if (isOver()) return
    aborting.abort()
    if (error instanceof FollowError) throw error
    if (!isRepeatable(options)) {
      const why = `A ${methodOf(options)} is not made again; say repeat: true if it may`
      throw new FollowError(`${why}: ${(error as Error).message}`, error)
    }
    const delay = Math.max(1000 * seconds, told) + time.random() * Math.min(most, first * 2 ** attempts++)
    wait = status === undefined ? { delay, error } : { delay, status }
  }

  /** The answer to a request, if it is one to read. */
  async function answer(): Promise<Response | undefined> {
    become('connecting')
    aborting = new AbortController()
    heard = time.now()
    const came = await until(request(url, options, readers, lastEventId, aborting.signal), silence)
    if ('error' in came) return again(came.error)
    const { value: response } = came
    const { status } = response
    if (response.ok) return status === 204 ? (end() as undefined) : response
    if (status === 401 && refresh && !wasRefreshed) {
      discard(response)
      wasRefreshed = true
      wait = { delay: 0 }
      const refreshed = await until(Promise.resolve().then(refresh), 0)
      return 'error' in refreshed ? again(refreshed.error) : undefined
    }
    if (!isRepeatable(options) || (status !== 429 && status < 500)) return fail(response)
    discard(response)
    again(undefined, status, retryAfterOf(response))
  }

  async function fail(response: Response, why?: string): Promise<undefined> {
    const came = await until(refused(response, why), silence)
    throw 'error' in came ? came.error : came.value
  }

  /** Reads a response to its end. */
  async function* read(response: Response): AsyncGenerator<Message<T>, undefined> {
    const { headers, body } = response
    const contentType = headers.get('content-type') ?? ''
    const type = contentType.replace(/\s*;.*/, '').toLowerCase()
    const reader = readers.find(({ mediaTypes }) => mediaTypes.includes(type))
    if (!reader) return fail(response, `its Content-Type is ${contentType || 'missing'}, which is not read`)
    const parser = reader.read(contentType, options)
    const reason = headers.get('event-gap')
    if (reason) gapOfHead = lastEventId === undefined ? { reason } : { reason, requested: lastEventId }
    if (!reader.tellsGaps) settleGap()
    wasRefreshed = false
    ending = undefined
    become('open')
    const since = time.now()
    const bytes = body?.getReader()
    for (let isDone = false; !isDone; ) {
      const came = bytes ? await until(bytes.read(), silence) : { value: { value: undefined, done: true } }
      if (isOver()) return
      if (time.now() - since >= 10_000) attempts = 0
      if ('error' in came) return again(came.error)
      heard = time.now()
      isDone = came.value.done
      const received: Received[] = []
      let isWhole = true
      if (came.value.value) parser.take(came.value.value, received)
      else isWhole = parser.end(received)
      for (const each of received) {
        const { data, id, type = 'message' } = each
        if (each.notice === undefined && data !== undefined) {
          attempts = 0
          settleGap()
          yield { data: data as T, id, type, ...(gap && { gap }) }
          gap = undefined
        } else heed(each)
        if (id !== undefined) await goOn(id)
        if (isOver()) return
      }
      if (!isWhole) return again(new Error('The response ended within a record'))
    }
    const isLast = options.over === 'complete' || !isRepeatable(options)
    if (ending === 'end' || (!ending && isLast)) end()
    else again(new Error('The response has ended, and the stream goes on'))
  }

  /** Heeds what is said between messages. */
  function heed({ notice, data, retry }: Received): void {
    const details = data as { reason: string; heartbeat?: number }
    if (retry !== undefined) told = retry
    if (notice === 'gap') tellGap(details)
    if (notice === 'dropped') tellGap({ ...details, reason: notice })
    if (notice === 'end' || notice === 'reconnect') ending = notice
    if (notice === 'position' && details.heartbeat && options.silence === undefined)
      silence = 2.5 * details.heartbeat
  }

  /** One gap is told once, though the head and the stream both say it. */
  function tellGap(next: Gap): void {
    if (next.reason === 'dropped') settleGap()
    gapOfHead = undefined
    gap = next
    onGap?.(next)
  }

  function settleGap(): void {
    if (gapOfHead) tellGap(gapOfHead)
  }

  /** An empty id is none to come back with (WHATWG HTML 9.2.6). */
  async function goOn(id: string): Promise<void> {
    lastEventId = id || undefined
    await store?.set(id)
  }

  async function* messages(): AsyncGenerator<Message<T>, undefined> {
    const letGo = whenAwake(() => {
      if (state === 'waiting' || (silence > 0 && time.now() - heard > silence)) interrupt()
    })
    try {
      lastEventId ??= (await store?.get()) ?? undefined
      while (!isOver()) {
        if (wait.delay > 0) {
          become('waiting', wait)
          await until(new Promise(() => {}), wait.delay)
        }
        const response = isOver() ? undefined : await answer()
        if (response) yield* read(response)
      }
    } catch (error) {
      end(error)
      throw error
    } finally {
      letGo()
      end()
    }
  }

  const iterator = messages()
  if (signal?.aborted) end()
  else signal?.addEventListener('abort', close)
  return {
    get state() {
      return state
    },
    get lastEventId() {
      return lastEventId
    },
    close,
    next: () => iterator.next(),
    // a step that waits is not waited for
    return() {
      end()
      return iterator.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
