// Keeps the connection to Redis: opens it, notices its loss, comes back; and has scripts answer within their time.
import { setTimeout } from 'node:timers/promises'
import { clock } from '../clock.js'
import { LariatError, report } from '../errors.js'
import { safely } from '../guard.js'
import { Asked } from './asked.js'
import type { Link, Open } from './link.js'
import { isLost, isNoScript, isPassing, isUnanswered, reasonOf, warn } from './replies.js'
import type { Script } from './scripts.js'
import { StoreTime } from './time.js'
import { watched } from './watched.js'

/** What Redis is asked. */
export interface Question {
  readonly script: Script
  readonly keys: readonly string[]
  /** A function is called each time that it is asked: the store's time is not known before it is there. */
  readonly args: readonly string[] | (() => readonly string[])
  /** The time of the clock by which it is given up. Default: `publishTimeout` from now. */
  readonly due?: number
  /** It changes something: where no answer comes, nobody knows whether it did. */
  readonly isWrite?: boolean
  /** How many replicas have to have it. */
  readonly replicas?: number
}

/** What a script answers: the store's time, and what else it has to say. */
export type Answer = readonly unknown[]

/** Called for each link before it is used: what has to be done anew is done there. What it returns is called once it is up. */
type Restore = (link: Link) => Promise<() => void>

/** Milliseconds that an attempt to connect has, at least. */
const connecting = 5000

type State = 'connecting' | 'up' | 'down' | 'closed'

export class Store {
  readonly #open: Open
  /** Milliseconds. */
  readonly #patience: number
  readonly #restore: Restore
  readonly #listeners = { down: new Set<() => void>(), up: new Set<() => void>() }
  #state: State = 'connecting'
  #link: Link | undefined
  readonly #closing = new AbortController()
  /** Who waits until the state changes. */
  #waiting: (() => void)[] = []
  /** Why it is away. */
  #cause: unknown
  readonly time = new StoreTime()

  /**
   * @param patience `publishTimeout`
   */
  constructor(open: Open, patience: number, restore: Restore) {
    this.#open = open
    this.#patience = patience
    this.#restore = restore
    void this.#connect()
  }

  on(name: 'down' | 'up', listener: () => void): void {
    this.#listeners[name].add(listener)
  }

  close(): void {
    const link = this.#link
    this.#link = undefined
    this.#cause = undefined
    this.#turn('closed')
    this.#closing.abort()
    link?.close()
  }

  // ---- asking

  /** @throws LariatError `LARIAT_DOWN` while the store is away */
  check(): void {
    if (this.#state === 'down' || this.#state === 'closed') throw this.#away(this.#cause, false)
  }

  /**
   * Has a script answer. While the store is away it is refused; what is on its way when the connection is lost is asked
   * again once that is back.
   *
   * @throws LariatError `LARIAT_DOWN`: refused for certain, or, for a write, uncertain
   */
  ask(question: Question): Promise<Answer> {
    return this.using((link, asked) => this.evaluate(link, question, asked), question)
  }

  /** As `ask`, for whatever is done with a link. */
  async using<T>(
    work: (link: Link, asked: Asked) => Promise<T>,
    { due = clock.now() + this.#patience, isWrite = false }: Pick<Question, 'due' | 'isWrite'> = {},
  ): Promise<T> {
    const asked = new Asked(due)
    try {
      return await asked.limit(this.#using(work, asked, isWrite), () =>
        this.#late(asked, isWrite && asked.isSent),
      )
    } finally {
      asked.close()
    }
  }

  async #using<T>(
    work: (link: Link, asked: Asked) => Promise<T>,
    asked: Asked,
    isWrite: boolean,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const link = await this.#linkFor(attempt > 0, asked)
      const wasSent = asked.isSent
      try {
        return await work(link, asked)
      } catch (error) {
        if (error instanceof LariatError) throw error
        // what Redis has refused has not been done
        if (!isUnanswered(error)) asked.isSent = wasSent
        if (isLost(error)) this.lose(link, error)
        else if (isPassing(error)) {
          asked.cause = error
          await asked.pause(Math.min(250, 25 * 2 ** attempt))
        } else throw this.#refused(error, isWrite && asked.isSent)
      }
    }
  }

  /** Asks once, at a link that may not be up yet. */
  async evaluate(link: Link, question: Question, asked?: Asked): Promise<Answer> {
    const { script, keys, args, replicas = 0 } = question
    const rest = [String(keys.length), ...keys, ...(typeof args === 'function' ? args() : args)]
    const send = (command: readonly string[]) => {
      if (!asked) return link.run(keys[0] as string, command)
      asked.isSent = true
      return replicas === 0
        ? link.run(keys[0] as string, command)
        : this.#replicated(link, keys[0] as string, command, replicas, asked)
    }
    let sent = clock.now()
    const answer = (await send(['EVALSHA', script.sha, ...rest]).catch((error) => {
      if (!isNoScript(error)) throw error
      sent = clock.now()
      return send(['EVAL', script.text, ...rest])
    })) as Answer
    this.time.take(Number(answer[0]), sent)
    return answer
  }

  async #replicated(
    link: Link,
    key: string,
    command: readonly string[],
    replicas: number,
    asked: Asked,
  ): Promise<unknown> {
    // its answer has to come in time, and before the link is taken for dead
    const patience = Math.max(1, Math.floor((asked.due - clock.now()) / 2))
    const [answer, have] = await link.runAndWait(key, command, replicas, patience)
    if (have >= replicas) return answer
    const message = `Redis has it, but only ${have} replicas of ${replicas} do: it may be lost with the master`
    throw new LariatError('LARIAT_DOWN', message, { isUncertain: true })
  }

  /** Resolves to a link that is up. A first attempt is refused while there is none; at the start it waits for the first. */
  async #linkFor(isRetry: boolean, asked: Asked): Promise<Link> {
    for (;;) {
      // its asker was told what became of it
      if (asked.isOver) throw this.#late(asked, asked.isSent)
      if (this.#link && this.#state === 'up') return this.#link
      const waits = this.#state === 'connecting' || (this.#state === 'down' && isRetry)
      if (!waits) throw this.#away(this.#cause, isRetry && asked.isSent)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        asked.onLate(resolve)
      })
    }
  }

  #away(cause: unknown, isUncertain: boolean): LariatError {
    const what = this.#state === 'closed' ? 'The connection to Redis is closed' : 'Redis is away'
    return failure(what, cause, isUncertain)
  }

  #late({ cause }: Asked, isUncertain: boolean): LariatError {
    if (this.#state !== 'up') return this.#away(this.#cause, isUncertain)
    return failure(`Redis has not answered for ${this.#patience} ms`, cause, isUncertain)
  }

  #refused(cause: unknown, isUncertain: boolean): LariatError {
    return failure('Redis refuses', cause, isUncertain)
  }

  // ---- its life

  /** A link of which one connection is lost is over as a whole. */
  lose(link: Link, error: unknown): void {
    if (link !== this.#link) return
    this.#link = undefined
    link.close()
    this.#down(error)
    void this.#connect()
  }

  async #connect(): Promise<void> {
    for (let attempt = 0; this.#state !== 'closed'; attempt++) {
      try {
        const { link, over, begin } = await this.#opened()
        if (over.aborted) throw over.reason
        if (this.#closing.signal.aborted) return link.close()
        this.#link = link
        const wasDown = this.#state === 'down'
        this.#turn('up')
        begin()
        if (wasDown) this.#tell('up')
        return
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#cause = error
        if (this.#state === 'connecting') this.#down(error)
      }
      await this.#pause(Math.min(2000, 50 * 2 ** attempt) * (0.5 + Math.random() / 2))
    }
  }

  /** Keeps the process alive, which has something to come back to, unless it is closed. */
  #pause(milliseconds: number): Promise<unknown> {
    return setTimeout(milliseconds, undefined, { signal: this.#closing.signal }).catch(() => {})
  }

  /** A link on which all is restored, and what is aborted once it is over. */
  #opened(): Promise<Opened> {
    return new Promise((resolve, reject) => {
      const life = new AbortController()
      let link: Link | undefined
      const lost = (error: unknown) => {
        if (life.signal.aborted) return
        life.abort(error)
        link?.close()
        reject(error)
        if (link) this.lose(link, error)
      }
      const closed = () => lost(new Error('closed'))
      this.#closing.signal.addEventListener('abort', closed)
      // a server that is frozen takes connections, and answers nothing
      const silent = () => new Error(`no answer within ${this.#patience} ms`)
      const slow = clock.after(this.#patience, () => this.#state === 'connecting' && this.#down(silent()))
      // a short patience for answers is none for connecting
      const late = clock.after(Math.max(this.#patience, connecting), () => lost(silent()))
      const open = async () => {
        link = watched(await this.#open(lost, life.signal), this.#patience, lost)
        for (const each of [slow, late]) each.cancel()
        if (life.signal.aborted) return link.close()
        resolve({ link, over: life.signal, begin: await this.#restore(link) })
      }
      open()
        .catch(lost)
        .finally(() => {
          for (const each of [slow, late]) each.cancel()
          this.#closing.signal.removeEventListener('abort', closed)
        })
    })
  }

  #down(error: unknown): void {
    this.#cause = error
    this.#turn('down')
    warn('Redis is away', error)
    this.#tell('down')
  }

  #turn(state: State): void {
    this.#state = state
    for (const goOn of this.#waiting.splice(0)) goOn()
  }

  #tell(name: 'down' | 'up'): void {
    for (const listener of this.#listeners[name]) {
      safely(listener, (error) => report(`A listener for '${name}' failed`, error))
    }
  }
}

interface Opened {
  readonly link: Link
  /** Aborted once the link is lost. */
  readonly over: AbortSignal
  readonly begin: () => void
}

function failure(what: string, cause: unknown, isUncertain: boolean): LariatError {
  const outcome = isUncertain ? `${what}, and what was on its way may have come` : what
  const message = cause === undefined ? outcome : `${outcome}: ${reasonOf(cause)}`
  return new LariatError('LARIAT_DOWN', message, {
    ...(cause !== undefined && { cause }),
    ...(isUncertain && { isUncertain: true }),
  })
}
