// Appends events to one log: those that wait while others are on their way go together, in one step.
import { clock, type Deadline } from '../clock.js'
import { LariatError } from '../errors.js'
import { keyText, type Payload } from './payload.js'
import type { Keys } from './place.js'
import { idOf } from './place.js'
import { scripts } from './scripts.js'
import type { Answer, Question, Store } from './store.js'

export interface Draft {
  readonly payload: Payload
  readonly type: string | undefined
  readonly key: string | undefined
  readonly size: number
}

interface Pending {
  readonly draft: Draft
  readonly due: number
  readonly resolve: (id: string) => void
  readonly reject: (error: unknown) => void
}

/** The most that go together: a script holds up all others of the server. */
const most = { events: 256, bytes: 1_048_576 }

/** What a publisher knows of its log. */
export interface Of {
  readonly name: string
  readonly keys: Keys
  readonly limits: string
  readonly isSharded: boolean
  readonly replicas: number
  readonly patience: number
  /** The log has ended: what is published now comes in no other that the store has for the name. */
  isOver(): boolean
  /** Told the epoch of the log, and the limits that it had before. */
  told(epoch: string, limits: string): void
}

/** All that publish for a backend. */
export class Publishers {
  /** Its name in each log, where it is remembered with its latest call. */
  readonly name = newEpoch()
  readonly #busy = new Set<Publisher>()
  #calls = 0
  isClosing = false
  /** It was said that messages are refused. */
  hasWarned = false

  /** The number of a call: one after the other also where a log is let go and opened again. */
  nextCall(): number {
    this.#calls += 1
    return this.#calls
  }

  begin(publisher: Publisher): void {
    this.#busy.add(publisher)
  }

  end(publisher: Publisher): void {
    this.#busy.delete(publisher)
  }

  /** Takes no more, and resolves once all are answered. */
  async idle(): Promise<void> {
    this.isClosing = true
    await Promise.all([...this.#busy].map((publisher) => publisher.idle()))
  }
}

/** One call is on its way at a time: what is asked again can overtake nothing, and nothing can overtake it. */
export class Publisher {
  readonly #store: Store
  readonly #of: Of
  readonly #all: Publishers
  #waiting: Pending[] = []
  /** What was published while something is done in line: it comes behind that. */
  #behind: Pending[] | undefined
  #inLine: Promise<void> | undefined
  #flushing: Promise<void> | undefined
  #alarm: Deadline | undefined

  constructor(store: Store, all: Publishers, of: Of) {
    this.#store = store
    this.#all = all
    this.#of = of
  }

  publish(draft: Draft): Promise<string> {
    // behind one that is asked again once the store is back it would wait
    this.#store.check()
    if (this.#all.isClosing) throw new LariatError('LARIAT_DOWN', 'The hub is closed')
    return new Promise((resolve, reject) => {
      const pending = { draft, due: clock.now() + this.#of.patience, resolve, reject }
      if (this.#behind) this.#behind.push(pending)
      else this.#add([pending])
    })
  }

  #add(pending: readonly Pending[]): void {
    if (pending.length === 0) return
    this.#waiting.push(...pending)
    this.#flushing ??= this.#flush()
    this.#await()
  }

  /** Does something behind all that was published, and before what is published from now on; together with another. */
  inLine(work: () => Promise<void>): Promise<void> {
    this.#inLine ??= this.#doInLine(work).finally(() => {
      const behind = this.#behind as readonly Pending[]
      this.#inLine = this.#behind = undefined
      this.#add(behind)
      this.#rest()
    })
    return this.#inLine
  }

  async #doInLine(work: () => Promise<void>): Promise<void> {
    this.#behind = []
    this.#all.begin(this)
    await this.#flushing
    await work()
  }

  /** Until all that was published is answered. */
  async idle(): Promise<void> {
    while (this.#flushing || this.#inLine) {
      await this.#inLine?.catch(() => {})
      await this.#flushing
    }
  }

  async #flush(): Promise<void> {
    this.#all.begin(this)
    // what is published in one go goes together
    await undefined
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) await this.#send(batch)
    this.#flushing = undefined
    this.#rest()
    this.#alarm?.cancel()
    this.#alarm = undefined
  }

  /** All that was asked of it is answered, unless there is more. */
  #rest(): void {
    if (!this.#flushing && !this.#inLine) this.#all.end(this)
  }

  #next(): readonly Pending[] {
    let bytes = 0
    let count = 0
    for (const { draft } of this.#waiting) {
      bytes += draft.size
      if (count > 0 && (bytes > most.bytes || count === most.events)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    const due = (batch.at(-1) as Pending).due
    const call = this.#all.nextCall()
    let attempts = 0
    let asked: number | undefined
    const question: Question = {
      script: scripts.publish,
      keys: [this.#of.keys.meta, this.#of.keys.log],
      args: () => {
        attempts += 1
        const again = attempts > 1 ? asked : undefined
        asked ??= clock.now()
        return this.#arguments(batch, { due, call, again })
      },
      due,
      isWrite: true,
      replicas: this.#of.replicas,
    }
    try {
      let answer = await this.#store.ask(question)
      // its time was taken for another one, as where its clock was set
      if (isLate(answer) && clock.now() < due && attempts === 1) {
        attempts = 0
        answer = await this.#store.ask(question)
      }
      if (isLate(answer)) throw late(attempts > 1)
      if (answer[1] === 'stale') throw stale()
      this.#settle(batch, answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  /** @param again when it was asked first, if it is asked again */
  #arguments(
    batch: readonly Pending[],
    { due, call, again }: { readonly due: number; readonly call: number; readonly again: number | undefined },
  ): readonly string[] {
    const storeTime = (time: number) => String(Math.floor(this.#store.time.at(time)))
    const { limits, keys, isSharded, replicas } = this.#of
    return [
      ...[newEpoch(), limits, keys.channel, isSharded ? '1' : ''],
      // rounded down: too early is refused for certain, and said so
      ...[
        this.#all.name,
        String(call),
        storeTime(due),
        replicas > 0 ? '1' : '',
        again === undefined ? '' : storeTime(again),
        this.#of.isOver() ? '1' : '',
      ],
      ...batch.flatMap(({ draft: { payload, type, key = '', size } }) => [
        ...payload,
        type === undefined ? '' : `=${type}`,
        keyText(key),
        String(size),
      ]),
    ]
  }

  #settle(batch: readonly Pending[], [, , epoch, limits, problem, ...answers]: Answer): void {
    this.#of.told(epoch as string, limits as string)
    if (problem !== '' && !this.#all.hasWarned) {
      this.#all.hasWarned = true
      const message = `Channel '${this.#of.name}': Redis refuses a part of what publishing does, and listeners may be late: ${problem}`
      process.emitWarning(message, { type: 'LariatWarning' })
    }
    for (const [at, { resolve, reject }] of batch.entries()) {
      const said = answers[at] as string
      const [number, ms] = said.split('-')
      if (said === 'ended') reject(new LariatError('LARIAT_ENDED', `Channel '${this.#of.name}' has ended`))
      else if (said.startsWith('failed '))
        reject(new LariatError('LARIAT_DOWN', `Redis refuses: ${said.slice(7)}`))
      else resolve(idOf({ epoch: epoch as string, ms: Number(ms), number: Number(number) }))
    }
  }

  /** What waits behind others that are not answered is refused at its time: it was never on its way. */
  #await(): void {
    if (this.#alarm || this.#waiting.length === 0) return
    const { due } = this.#waiting[0] as Pending
    this.#alarm = clock.after(Math.max(0, due - clock.now()), () => {
      this.#alarm = undefined
      const now = clock.now()
      const inTime = this.#waiting.findIndex((pending) => pending.due > now)
      const late = this.#waiting.splice(0, inTime < 0 ? Infinity : inTime)
      const message = `Redis has not answered for ${this.#of.patience} ms: this was not sent, and never will be`
      for (const { reject } of late) reject(new LariatError('LARIAT_DOWN', message))
      this.#await()
    })
  }
}

/** Another object for the same channel has published meanwhile, and what is remembered is its call. */
function stale(): LariatError {
  const message = 'Redis has had a later publish of this process: nobody knows whether this one has come'
  return new LariatError('LARIAT_DOWN', message, { isUncertain: true })
}

const isLate = ([, outcome]: Answer) => outcome === 'late'

/** @param wasAsked the store was lost with what it was asked before: it may have had that, and lost it as well */
function late(wasAsked: boolean): LariatError {
  return wasAsked
    ? new LariatError('LARIAT_DOWN', 'Redis was lost: it does not have this, but may have had it', {
        isUncertain: true,
      })
    : new LariatError('LARIAT_DOWN', 'Redis was asked too late: it is not published, and never will be')
}

/** For a log that has none yet. */
export function newEpoch(): string {
  return Math.random().toString(36).slice(2, 12).padEnd(10, '0')
}
