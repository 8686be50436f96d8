import { type Code, LariatError, misuse, Refusal, report, show } from '../errors.js'
import { type Exchange, tooLate, wrongAnswer } from '../exchange.js'
import { type Format, type Notice, type Wire, wire } from '../formats/format.js'
import type {
  AnySpec,
  OpenStream,
  LoopContext as PublicLoopContext,
  Reason,
  Watched,
  Wrote,
} from '../spec.js'
import { event, isEvent, isPromise, isStop, type StopValue, timeout } from '../values.js'
import { clock, type Deadline } from './clock.js'
import { LoopContext } from './context.js'
import { Mailbox } from './mailbox.js'
import { type Watch, watch } from './monitor.js'
import { open, type Pull } from './source.js'
import { Stream } from './stream.js'
import { Writer } from './writer.js'

/** What a loop does with messages: the spec's own callbacks, or those of a list. */
export interface Handlers extends Pick<AnySpec, 'info' | 'terminate' | 'timeout'> {
  readonly subscribe: (context: PublicLoopContext<unknown>) => unknown
}

/** How a loop meets its request before the head is out. */
export interface Before {
  /** Puts the headers onto the response. */
  head(): void
  /** Answers with what `subscribe` has stopped with. */
  stop(stop: StopValue): void
  /** Answers with an error, which may be a refusal. */
  fail(error: unknown): void
}

const nothing = Buffer.alloc(0)

/** So many messages are handled before others get their turn. */
const turn = 1000

/** The endings that the client is to see as whole. */
const complete: ReadonlySet<Reason['kind']> = new Set([
  'stop',
  'end',
  'down',
  'expired',
  'revoked',
  'shutdown',
])

/** The life of one held response: subscribe → info → write → terminate. Every end passes `end`. */
export class Loop {
  readonly #x: Exchange
  readonly #format: Format & { readonly [wire]?: Wire }
  readonly #status: number
  readonly #handlers: Handlers
  readonly #before: Before
  readonly #writer: Writer
  readonly #context: PublicLoopContext<unknown>
  readonly #stream: Stream
  /** Messages for `info`; without it, the bytes that they have become. */
  readonly #mailbox = new Mailbox<unknown>()
  /** Whether a record is on the wire, so that the next one is separated from it. */
  #hasRecord = false
  readonly #watches: Watch[] = []
  #drains: ((result: 'ok' | 'closed') => void)[] = []
  #unsubscribe: (() => unknown) | undefined
  #source: Pull | undefined
  #reason: Reason | undefined
  /** `subscribe` has answered, or is no longer waited for. */
  #isSubscribed = false
  #isFinished = false
  #isHeadOut = false
  #isOpen = false
  /** Messages are being handled; `info` is at work; the source is being asked. */
  #isRunning = false
  #isBusy = false
  #isPulling = false
  #subscribing: Deadline | undefined
  #heartbeat: Deadline | undefined
  #timeout: Deadline | undefined
  #lastMessage = 0

  constructor(x: Exchange, format: Format, type: string, status: number, handlers: Handlers, before: Before) {
    this.#x = x
    this.#format = format
    this.#status = status
    this.#handlers = handlers
    this.#before = before
    this.#stream = new Stream(x.req, type, this)
    this.#context = new LoopContext(x, this)
    this.#writer = new Writer(
      x.req,
      x.res,
      {
        gone: () => this.end({ kind: 'disconnect' }),
        stalled: () => this.end(overflow(`The client took no byte for ${x.plan.stream.writeTimeout} ms`)),
        drained: () => this.#caughtUp(),
      },
      x.plan.stream.writeTimeout,
    )
  }

  /** Calls `subscribe`, unless the client has already gone. */
  start(): void {
    if (this.#x.isGone) return this.#writer.release()
    let answer: unknown
    try {
      answer = this.#handlers.subscribe(this.#context)
    } catch (error) {
      return this.#failed(error)
    }
    if (!isPromise(answer)) return this.#subscribed(answer)
    const { decisionTimeout } = this.#x.plan
    this.#subscribing = clock.after(decisionTimeout, () =>
      this.#failed(tooLate('subscribe', decisionTimeout)),
    )
    answer.then(
      (value) => this.#subscribed(value),
      (error) => this.#failed(error),
    )
  }

  // ---- what the context offers

  send(message: unknown): void {
    if (this.#reason) return
    this.#enqueue(this.#handlers.info ? message : this.#encode(message))
  }

  write(data: unknown): Wrote {
    if (this.#reason) return 'closed'
    return this.#put(this.#encode(data))
  }

  drained(): Promise<'ok' | 'closed'> {
    if (this.#reason) return Promise.resolve('closed')
    if (!this.#writer.isBehind) return Promise.resolve('ok')
    return new Promise((resolve) => this.#drains.push(resolve))
  }

  monitor(target: Watched, message?: unknown): void {
    if (this.#reason) return
    this.#watches.push(
      watch(target, (error) => {
        if (message === undefined) return this.end(withError('down', error))
        this.#guard(() => this.send(message))
      }),
    )
  }

  get stream(): OpenStream {
    return this.#stream
  }

  /** Messages in the mailbox, and events that wait for the client. */
  get queued(): number {
    return this.#mailbox.size + this.#writer.queued
  }

  // ---- subscribe has answered

  #subscribed(answer: unknown): void {
    this.#settle()
    if (!this.#reason && isStop(answer)) return this.end({ kind: 'stop' }, answer)
    this.#guard(() => this.#adopt(answer))
    if (this.#reason) return this.#finish()
    const known = this.#watches.flatMap((each) => each.known ?? [])
    if (known.length === 0) return this.#open()
    Promise.all(known).then(() => this.#open())
  }

  #failed(error: unknown): void {
    this.#settle()
    this.end({ kind: 'error', error })
    this.#finish()
  }

  #settle(): void {
    this.#isSubscribed = true
    this.#subscribing?.cancel()
  }

  /** Takes what `subscribe` returned: how to unsubscribe, or what to pull from. */
  #adopt(answer: unknown): void {
    if (typeof answer === 'function') {
      this.#unsubscribe = answer as () => unknown
    } else if (answer !== undefined && !isStop(answer)) {
      this.#source = open(answer)
      if (!this.#source) {
        throw wrongAnswer(
          'subscribe',
          answer,
          'nothing, a function that unsubscribes, an iterable, an async iterable or a stream',
        )
      }
    }
  }

  /** From here on messages are handled. */
  #open(): void {
    if (this.#reason) return
    this.#openHead()
    if (this.#reason) return
    this.#isOpen = true
    this.#startHeartbeat()
    this.#lastMessage = clock.now()
    this.#awaitTimeout()
    this.#run()
  }

  /** The head goes out once: with the first write, or when `subscribe` has answered. */
  #openHead(): void {
    if (this.#isHeadOut) return
    this.#guard(() => {
      this.#before.head()
      const { retry } = this.#x.plan.stream
      const told = retry === undefined ? '' : (this.#format[wire]?.retry?.(retry) ?? '')
      const opening = Buffer.concat([toBuffer(this.#format.open ?? ''), toBuffer(told)])
      this.#isHeadOut = true
      this.#writer.open(this.#status, opening)
      this.#stream.bytes += opening.length
    })
  }

  // ---- messages

  #enqueue(item: unknown): void {
    const { maxQueued } = this.#x.plan.stream
    if (this.queued >= maxQueued) return this.end(overflow(`More than ${maxQueued} messages wait`))
    this.#mailbox.put(item)
    this.#run()
  }

  /** Handles what is there, one message at a time, and pulls when nothing is and the client has caught up. */
  #run(): void {
    if (this.#isRunning || !this.#isOpen) return
    this.#isRunning = true
    for (let handled = 0; this.#isReady; handled++) {
      if (handled === turn) {
        setImmediate(() => this.#run())
        break
      }
      if (this.#mailbox.size > 0) this.#handle(this.#mailbox.take())
      else this.#pull()
    }
    this.#isRunning = false
  }

  get #isReady(): boolean {
    if (this.#reason || this.#isBusy) return false
    return (
      this.#mailbox.size > 0 || (this.#source !== undefined && !this.#isPulling && !this.#writer.isBehind)
    )
  }

  #handle(message: unknown): void {
    this.#lastMessage = clock.now()
    const { info } = this.#handlers
    this.#guard(() => {
      if (!info) return void this.#put(message as Buffer)
      const answer = info(message, this.#context)
      if (!isPromise(answer)) return this.#handled(answer)
      this.#isBusy = true
      answer.then(
        (value) => {
          this.#isBusy = false
          this.#lastMessage = clock.now()
          this.#guard(() => this.#handled(value))
          this.#run()
        },
        (error) => this.end({ kind: 'error', error }),
      )
    })
  }

  #handled(answer: unknown): void {
    if (isStop(answer)) return this.end({ kind: 'stop' })
    if (answer !== undefined && answer !== 'ok' && answer !== 'wait' && answer !== 'closed') {
      throw wrongAnswer('info', answer, "nothing, or what write() returned ('ok', 'wait' or 'closed')")
    }
  }

  #pull(): void {
    this.#guard(() => {
      const next = (this.#source as Pull).next()
      if (!isPromise(next)) return this.#pulled(next)
      this.#isPulling = true
      next.then(
        (result) => {
          this.#isPulling = false
          this.#guard(() => this.#pulled(result))
          this.#run()
        },
        (error) => this.end({ kind: 'error', error }),
      )
    })
  }

  #pulled({ done, value }: IteratorResult<unknown>): void {
    if (this.#reason) return
    if (done) return this.end({ kind: 'end' })
    this.#mailbox.put(this.#handlers.info ? value : this.#encode(value))
  }

  #caughtUp(): void {
    const drains = this.#drains
    this.#drains = []
    for (const resolve of drains) resolve('ok')
    this.#run()
  }

  // ---- the wire

  /** The bytes of data or of an event; a TypeError for what is neither. */
  #encode(data: unknown): Buffer {
    const each = isEvent(data) ? data : event(data)
    const encoded: unknown = this.#format.encode(each)
    if (typeof encoded !== 'string' && !(encoded instanceof Uint8Array)) {
      throw misuse(
        'LARIAT_DATA',
        `encode of the format returned ${show(encoded)}: expected a string or bytes`,
      )
    }
    return toBuffer(encoded)
  }

  /** Writes an event's bytes, unless the client is past its limits. */
  #put(bytes: Buffer): Wrote {
    this.#openHead()
    if (this.#reason) return 'closed'
    if (bytes.length === 0) return this.#writer.isBehind ? 'wait' : 'ok'
    const separated = this.#separated(bytes)
    if (this.#writer.isBehind) this.#limit(separated.length)
    const wrote = this.#writer.write(separated)
    if (wrote !== 'closed') {
      this.#stream.sent += 1
      this.#stream.bytes += separated.length
    }
    return wrote
  }

  #separated(bytes: Buffer): Buffer {
    const separator = this.#format[wire]?.separator
    const isFirst = !this.#hasRecord
    this.#hasRecord = true
    return separator && !isFirst ? Buffer.concat([Buffer.from(separator), bytes]) : bytes
  }

  #limit(length: number): void {
    const { maxQueuedBytes, maxQueued } = this.#x.plan.stream
    const { waiting } = this.#writer
    if (waiting > 0 && waiting + length > maxQueuedBytes) {
      this.end(overflow(`More than ${maxQueuedBytes} bytes wait for the client`))
    } else if (this.queued >= maxQueued)
      this.end(overflow(`More than ${maxQueued} events wait for the client`))
  }

  #notice(kind: Notice, details: object): Buffer {
    const bytes = toBuffer(this.#format.notice?.(kind, details) ?? '')
    return bytes.length > 0 ? this.#separated(bytes) : bytes
  }

  #startHeartbeat(): void {
    const { heartbeat } = this.#x.plan.stream
    const bytes = toBuffer(this.#format.heartbeat ?? '')
    if (heartbeat === false || bytes.length === 0) return
    const beat = () => {
      const idle = clock.now() - this.#writer.lastWrite
      if (idle >= heartbeat && !this.#writer.isBehind) {
        this.#writer.write(bytes)
        this.#stream.bytes += bytes.length
      }
      const rest = heartbeat - (clock.now() - this.#writer.lastWrite)
      this.#heartbeat = clock.after(rest > 0 ? rest : heartbeat, beat)
    }
    this.#heartbeat = clock.after(heartbeat, beat)
  }

  /** Tells `info` when nothing came for the spec's `timeout`; while it works, or the client is behind, nothing is due. */
  #awaitTimeout(): void {
    const { timeout: milliseconds } = this.#handlers
    if (milliseconds === undefined) return
    const look = () => {
      const isWaiting = !this.#isBusy && (this.#source === undefined || this.#isPulling)
      if (!isWaiting) this.#lastMessage = clock.now()
      const rest = milliseconds - (clock.now() - this.#lastMessage)
      if (rest <= 0) {
        this.#lastMessage = clock.now()
        this.#enqueue(timeout)
      }
      if (!this.#reason) this.#timeout = clock.after(rest > 0 ? rest : milliseconds, look)
    }
    this.#timeout = clock.after(milliseconds, look)
  }

  // ---- the end

  /** The one exit: the first reason counts. */
  end(reason: Reason, stop?: StopValue): void {
    if (this.#reason) return
    this.#reason = reason
    this.#heartbeat?.cancel()
    this.#timeout?.cancel()
    for (const each of this.#watches) each.stop()
    this.#mailbox.clear()
    this.#endResponse(reason, stop)
    const drains = this.#drains
    this.#drains = []
    for (const resolve of drains) resolve('closed')
    this.#x.abort()
    this.#finish()
  }

  #endResponse(reason: Reason, stop?: StopValue): void {
    const { kind } = reason
    const { endEvent, errorEvent } = this.#x.plan.stream
    if (kind === 'disconnect') return this.#writer.release()
    if (!this.#isHeadOut) {
      this.#writer.release()
      if (stop) this.#before.stop(stop)
      else this.#before.fail(beforeHead(reason))
    } else if (complete.has(kind)) {
      const notice = endEvent ? this.#notice('end', { reason: kind }) : nothing
      this.#writer.complete(Buffer.concat([notice, toBuffer(this.#format.close ?? '')]))
    } else if (kind === 'error') {
      if (errorEvent) this.#writer.write(this.#notice('error', {}))
      this.#writer.cut('flush')
    } else this.#writer.cut('now')
  }

  /** Unsubscribes, then terminates: once, when the loop has ended and `subscribe` has answered. */
  #finish(): void {
    if (!this.#reason || !this.#isSubscribed) return
    const unsubscribe = this.#unsubscribe
    const source = this.#source
    this.#unsubscribe = undefined
    this.#source = undefined
    if (unsubscribe) this.#safely('unsubscribe', unsubscribe)
    source?.close()
    if (this.#isFinished) return
    this.#isFinished = true
    const { terminate } = this.#handlers
    const { kind, error } = this.#reason
    if (terminate) this.#safely('terminate', () => terminate(this.#reason as Reason, this.#context))
    else if (kind === 'error' && this.#isHeadOut) report(`${this.#stream.path} was cut`, error)
  }

  /** Runs what may end the loop by failing. */
  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.end({ kind: 'error', error })
    }
  }

  /** Runs what may fail without a consequence but a warning. */
  #safely(name: string, run: () => unknown): void {
    const failed = (error: unknown) => report(`${name} of ${this.#stream.path} failed`, error)
    try {
      const result = run()
      if (isPromise(result)) result.then(undefined, failed)
    } catch (error) {
      failed(error)
    }
  }
}

function toBuffer(bytes: string | Uint8Array): Buffer {
  if (typeof bytes === 'string') return bytes === '' ? nothing : Buffer.from(bytes)
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function overflow(message: string): Reason {
  return { kind: 'overflow', error: new LariatError('LARIAT_OVERFLOW', message) }
}

function withError(kind: Reason['kind'], error: unknown): Reason {
  return error === undefined ? { kind } : { kind, error }
}

const codes: Partial<Record<Reason['kind'], Code>> = { down: 'LARIAT_DOWN', overflow: 'LARIAT_OVERFLOW' }

/** What an end that comes before the head is to the client. */
function beforeHead({ kind, error }: Reason): unknown {
  return kind === 'error' ? error : new Refusal(503, 'The stream is not available.', codes[kind])
}
