// Starts a channel's source for the first subscriber, and stops it some time after the last has left.
import { clock, type Deadline } from '../clock.js'
import { LariatError, misuse, report, show } from '../errors.js'
import { safely } from '../guard.js'
import { type Entry, ledger } from '../ledger.js'
import { isPromise } from '../promise.js'
import { apart } from '../scope.js'

/** A run of a source, from its start to its stop. */
interface Run {
  stop: (() => unknown) | undefined
  isOver: boolean
}

/** The sources that wait until all feeds of a merged one are attached. */
let waiting: Supply[] | undefined

/** Attaches to several channels. Their sources start afterwards, since one may publish to another's channel at once. */
export function attachAll(attach: () => void): void {
  if (waiting) return attach()
  const due: Supply[] = []
  waiting = due
  try {
    attach()
  } finally {
    waiting = undefined
    for (const supply of due) supply.startDue()
  }
}

/** A channel's source. The source runs outside the async context of the subscriber that started it. */
export class Supply {
  readonly #name: string
  readonly #source: () => unknown
  readonly #linger: number
  readonly #died: (error: unknown) => void
  readonly #over: () => void
  #run: Run | undefined
  #stopping: Deadline | undefined
  /** It starts once all are attached. */
  #isDue = false

  /**
   * @param died the source has failed
   * @param over the source is stopped, or has failed
   */
  constructor(
    name: string,
    source: () => unknown,
    linger: number,
    died: (error: unknown) => void,
    over: () => void,
  ) {
    this.#name = name
    this.#source = source
    this.#linger = linger
    this.#died = died
    this.#over = over
  }

  /** The source runs, or is about to: also while it lingers. */
  get isRunning(): boolean {
    return this.#run !== undefined
  }

  get state(): 'running' | 'lingering' | 'stopped' {
    if (!this.isRunning) return 'stopped'
    return this.#stopping ? 'lingering' : 'running'
  }

  get #entry(): Entry {
    const details = this.#linger > 0 ? `linger ${this.#linger} ms` : ''
    return {
      kind: 'source',
      path: this.#name,
      details,
      since: clock.now(),
      end: () => this.stopNow(),
    }
  }

  start(): void {
    this.#stopping?.cancel()
    this.#stopping = undefined
    if (this.#run) return
    if (waiting) {
      this.#isDue = true
      waiting.push(this)
      return
    }
    const run: Run = { stop: undefined, isOver: false }
    this.#run = run
    ledger.entries?.set(this, this.#entry)
    apart(() => this.#begin(run))
  }

  /** Starts what has waited, unless it was stopped meanwhile. */
  startDue(): void {
    if (!this.#isDue) return
    this.#isDue = false
    this.start()
  }

  #begin(run: Run): void {
    try {
      const stop = this.#source()
      if (isPromise(stop)) {
        // a thenable of the user's may call back twice
        Promise.resolve(stop).then(
          (value) => this.#started(run, value),
          (error) => this.#failed(run, error),
        )
      } else this.#started(run, stop)
    } catch (error) {
      this.#failed(run, error)
    }
  }

  /** Stops the source after `linger`, unless it is started again by then. */
  stop(): void {
    this.#isDue = false
    if (!this.#run) return
    if (this.#linger === 0) this.stopNow()
    else this.#stopping ??= clock.after(this.#linger, () => this.stopNow())
  }

  stopNow(): void {
    this.#isDue = false
    this.#stopping?.cancel()
    this.#stopping = undefined
    const run = this.#run
    this.#run = undefined
    ledger.entries?.delete(this)
    if (run) this.#end(run)
    this.#over()
  }

  #started(run: Run, stop: unknown): void {
    if (stop !== undefined && typeof stop !== 'function') {
      const expected = 'expected nothing, or a function that stops it'
      return this.#failed(
        run,
        misuse('LARIAT_ANSWER', `source of channel '${this.#name}' returned ${show(stop)}: ${expected}`),
      )
    }
    run.stop = stop as Run['stop']
    if (run.isOver) this.#end(run)
  }

  #failed(run: Run, error: unknown): void {
    if (run.isOver) return report(`The source of channel '${this.#name}' failed after its end`, error)
    run.isOver = true
    this.#run = undefined
    ledger.entries?.delete(this)
    this.#died(error)
    this.#over()
  }

  #end(run: Run): void {
    run.isOver = true
    const { stop } = run
    run.stop = undefined
    if (!stop) return
    safely(
      () => apart(stop),
      (error) => report(`Stopping the source of channel '${this.#name}' failed`, error),
    )
  }
}

/** What the streams of a channel are told. */
export function died(name: string, cause: unknown): LariatError {
  return new LariatError('LARIAT_DOWN', `The source of channel '${name}' died`, { cause })
}
