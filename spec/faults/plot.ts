import { Readable } from 'node:stream'
import type { Context } from '../support/held.js'
import { Log } from '../support/log.js'

/** What one stream has got, and how it was let go. */
export class Given {
  /** There is something to be let go; how often it was. */
  taken = 0
  released = 0
  readonly reasons: { kind: string; error?: unknown }[] = []

  /** Let go exactly once, and terminated exactly once. */
  get isOver(): boolean {
    return this.reasons.length === 1 && this.released === this.taken
  }
}

/** What happens behind an endpoint: who was subscribed, what is told to them, and how each ended. */
export class Plot {
  readonly log = new Log()
  readonly given: Given[] = []
  readonly contexts: Context[] = []
  readonly #byRequest = new WeakMap<object, Given>()
  readonly #told = new Set<(data: string) => void>()
  readonly #steps = new Map<string, () => void>()
  /** `subscribe` waits for it. */
  gate: Promise<unknown> | undefined
  /** What was at fault is so no more. */
  isMended = false
  /** All that is streamed, in place of what happens. */
  script: readonly unknown[] | undefined

  subscribed(context: Context): Given {
    const given = new Given()
    this.given.push(given)
    this.contexts.push(context)
    this.#byRequest.set(context.req, given)
    this.log.add('subscribed')
    return given
  }

  terminated(reason: { kind: string; error?: unknown }, { req }: Pick<Context, 'req'>): void {
    this.of(req).reasons.push(reason)
    this.log.add(reason.kind)
  }

  of(request: object): Given {
    const given = this.#byRequest.get(request)
    if (!given) throw new Error('Never subscribed')
    return given
  }

  /** From now on what happens is told; returns how to take that back, which is to let go. */
  listen(given: Given, tell: (data: string) => void): () => void {
    given.taken += 1
    this.#told.add(tell)
    return () => {
      given.released += 1
      this.#told.delete(tell)
      this.log.add('released')
    }
  }

  /** Something happens. */
  emit(data: string): void {
    for (const tell of this.#told) tell(data)
  }

  /** How many listen. */
  get listening(): number {
    return this.#told.size
  }

  // ---- what happens, as something to be pulled

  generator(given: Given): AsyncGenerator<string> {
    const waiting: string[] = []
    let isOver = false
    let wake = () => {}
    const release = this.listen(given, (data) => {
      waiting.push(data)
      wake()
    })
    const items = async function* () {
      while (!isOver) {
        yield* waiting.splice(0)
        if (waiting.length > 0) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    return closing(items(), () => {
      release()
      isOver = true
      wake()
    })
  }

  /** Some things, each when its client says so, and then the end. */
  list(given: Given, { req }: Context, items: readonly unknown[]): AsyncGenerator<unknown> {
    let asked = 0
    let wake = () => {}
    this.#steps.set(String(req.headers['x-client']), () => {
      asked += 1
      wake()
    })
    const stepwise = async function* () {
      for (const item of [...items, undefined]) {
        while (asked === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        asked -= 1
        if (item !== undefined) yield item
      }
    }
    return closing(
      stepwise(),
      this.listen(given, () => {}),
    )
  }

  /** The client of that name is given the next of its list. */
  step(client: string): void {
    this.#steps.get(client)?.()
  }

  readable(given: Given): Readable {
    const readable = new Readable({
      read() {},
      destroy(error, done) {
        release()
        done(error)
      },
    })
    const release = this.listen(given, (data) => readable.push(data))
    return readable
  }

  web(given: Given): ReadableStream<string> {
    let release = () => {}
    return new ReadableStream<string>({
      start: (controller) => {
        release = this.listen(given, (data) => controller.enqueue(data))
      },
      cancel: () => release(),
    })
  }
}

/** A generator that says when it is closed. */
function closing<T>(items: AsyncGenerator<T>, close: () => void): AsyncGenerator<T> {
  const own = items.return.bind(items)
  items.return = (value) => {
    close()
    return own(value)
  }
  return items
}
