// Follows a stream: one attempt at a time, each read to its end before there is another.
import { type Reader, type Received, readerOf } from '../readers/reader.js'
import { FollowError, problemOf, refused, retryAfterOf, typeOf } from './failure.js'
import type { Followed, FollowOptions, Gap, Message, State, StateDetails } from './options.js'
import { request } from './request.js'
import { time } from './time.js'
import { whenAwake } from './wake.js'

export function followed<T>(url: string, options: FollowOptions, readers: readonly Reader[]): Followed<T> {
  const { onGap, onState, refresh, signal, store, retry: { first = 500, most = 30_000 } = {} } = options
  const { method = options.body === undefined ? 'GET' : 'POST' } = options
  const { repeat = /^(?:GET|QUERY)$/i.test(method) } = options
  let { lastEventId, silence = 45_000 } = options
  let state: State = 'connecting'
  /** Attempts since one that has brought something. */
  let attempts = 0
  /** Why there is another attempt, and when; not before SSE's `retry` has told. */
  let wait: StateDetails = {}
  let told = 0
  let wasRefreshed = false
  /** When a byte came last, and when the response was opened. */
  let heard = 0
  let opened = Infinity
  /** What was read last. */
  const received: Received[] = []
  /** Whether the end of the response is that of the stream. */
  let isLast = false
  /** What is missing before the next message; and what the head says of it, until the stream says more, or something else. */
  let gap: Gap | undefined
  let gapOfHead: Gap | undefined
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
    onState?.(state, error === undefined ? {} : { error })
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
  const got = <V>(work: V | PromiseLike<V>, milliseconds?: number) =>
    until(work, milliseconds).catch((error) => again({ error }))

  /** Gives up an attempt for another, after some time, unless there is none to be made. */
  function again(details: StateDetails, seconds = 0): never {
    const { error } = details
    if (error instanceof FollowError) throw error
    if (!repeat) {
      const why = (error as Error | undefined)?.message
      throw new FollowError(`${why}. A ${method} is repeated with repeat: true only`, {
        cause: error,
      })
    }
    if (time.now() - opened >= 10_000) attempts = 0
    opened = Infinity
    const delay =
      Math.max(1000 * seconds, told) + time.random() * Math.min(most, first * 2 ** attempts++ || 0)
    wait = { ...details, delay }
    throw wait
  }

  /** A gap is told once, though the head and the stream both say it: by the stream, which knows more, if it will. */
  function tellGap(next = gapOfHead): void {
    gapOfHead = undefined
    if (!next) return
    gap = next
    onGap?.(next)
  }

  /** A message, if that is what was read; else it is heeded. */
  function take({
    data,
    id,
    type = data === undefined ? undefined : 'message',
    notice,
    retry = told,
  }: Received) {
    told = retry
    if (notice) {
      const details = data as Gap & { heartbeat: number }
      tellGap(notice === 'gap' ? details : undefined)
      if (notice === 'dropped') tellGap({ ...details, reason: notice })
      if (notice === 'end' || notice === 'reconnect') isLast = notice === 'end'
      if (details.heartbeat > 0) silence = options.silence ?? 2.5 * details.heartbeat
    } else if (type) {
      attempts = 0
      tellGap()
      if (isOver()) return // by onGap
      const message: Message<T> = gap ? { data: data as T, id, type, gap } : { data: data as T, id, type }
      gap = undefined
      return message
    }
  }

  async function* messages(): AsyncGenerator<Message<T>, undefined> {
    // nothing is called back within the first step itself
    await undefined
    if (isOver()) return
    letGo = whenAwake(() => {
      const isLost = limit > 0 && time.now() - heard > limit
      // a server that has answered has said when to come back
      if (state === 'waiting' ? !wait.status : isLost) interrupt()
    })
    try {
      if (store) lastEventId = (await until(store.get())) || lastEventId
      while (!isOver()) {
        try {
          aborting = new AbortController()
          become('connecting')
          if (isOver()) return
          heard = time.now()
          const answer = await got(
            request(url, { ...options, method, lastEventId }, readers, aborting.signal),
            silence,
          )
          const { response, body } = answer
          const { status, ok, headers } = response
          if (status === 204) return void end()
          if (status === 401 && refresh && !wasRefreshed) {
            aborting.abort()
            await got(Promise.resolve().then(refresh))
            wasRefreshed = true
            continue
          }
          if (repeat && (status === 429 || status >= 500)) again({ status }, retryAfterOf(response))
          const reader = ok && readerOf(typeOf(response), readers, options.accept)
          if (!reader) {
            throw refused(response, await until(problemOf(answer), silence).catch(() => undefined))
          }
          const parser = reader.read(typeOf(response), options, received)
          wasRefreshed = false
          isLast = options.over === 'complete' || !repeat
          const reason = headers.get('event-gap')
          gapOfHead = reason ? { reason, ...(lastEventId && { requested: lastEventId }) } : undefined
          opened = time.now()
          become('open')
          for (;;) {
            const value = (await got(body?.read(), silence))?.value
            heard = time.now()
            received.length = 0
            let isWhole = true
            let failure: unknown
            try {
              if (value) parser.take(value)
              else isWhole = parser.end()
            } catch (error) {
              failure = error
            }
            for (const next of received) {
              const message = take(next)
              if (message) yield message
              // the loop is done with it
              const { id } = next
              if (isOver() && !message) return
              if (id !== undefined) {
                // an empty id is none (WHATWG HTML 9.2.6)
                lastEventId = id || undefined
                if (store) await until(store.set(id))
              }
              if (isOver()) return
            }
            // what came whole before it was given first
            if (failure) throw failure
            if (value) continue
            if (isWhole && isLast) return void end()
            const how = isWhole ? ', and the stream goes on' : ' within a record'
            again({ error: new Error(`The response ended${how}`) })
          }
        } catch (error) {
          if (error !== wait || isOver()) throw error
          aborting.abort()
          become('waiting', wait)
          if (wait.delay) await until(new Promise(() => {}), wait.delay).catch(() => {})
        }
      }
    } catch (error) {
      // what is interrupted fails, too
      if (!isOver()) {
        end(error)
        throw error
      }
    }
  }

  if (signal?.aborted) end()
  else signal?.addEventListener('abort', close)
  const steps = messages()
  return {
    get state() {
      return state
    },
    get lastEventId() {
      return lastEventId
    },
    close,
    next: () => steps.next(),
    return() {
      end()
      return steps.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
