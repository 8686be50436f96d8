import { Session } from 'node:inspector'

/** What a run has cost, in steps that are the same whenever it is run. */
export interface Work {
  /** How often the busiest block of each function was entered, by V8's own count. */
  readonly blocks: number
  /** Characters that went through the engine's own functions, which V8 does not count. */
  readonly characters: number
}

/**
 * Counts what is done in the files whose address matches. They have to be loaded after this is made: V8 counts the
 * blocks of what it compiles from then on.
 */
export function workIn(files: RegExp): (run: () => unknown) => Promise<Work> {
  const session = new Session()
  session.connect()
  const ask = (method: string, given: object = {}): unknown => {
    let said: unknown
    session.post(method, given, (error, result) => {
      if (error) throw error
      said = result
    })
    return said
  }
  ask('Profiler.enable')
  ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const take = () => ask('Profiler.takePreciseCoverage') as { result: readonly Script[] }
  // which also begins anew
  return async (run) => {
    const characters = countCharacters()
    try {
      await run()
    } finally {
      characters.stop()
    }
    const counts = take()
      .result.filter(({ url }) => files.test(url))
      .flatMap(({ functions }) =>
        functions.map(({ ranges }) => Math.max(...ranges.map(({ count }) => count))),
      )
    return { blocks: counts.reduce((sum, count) => sum + count, 0), characters: characters.count }
  }
}

interface Script {
  readonly url: string
  readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[]
}

type Cost = (self: unknown, given: readonly unknown[], result: unknown) => number

const length = (text: unknown) => String.prototype.valueOf.call(text).length
const ofResult: Cost = (_self, _given, result) => length(result)
const ofSelf: Cost = (self) => length(self)
const ofMatch: Cost = (_self, [text], result) => length(Array.isArray(result) ? result[0] : text)

/** The functions that parsing is made of, and how many characters each looks at. */
const natives: readonly (readonly [prototype: object, name: string, cost: Cost])[] = [
  ...['split', 'trim', 'toLowerCase', 'indexOf', 'includes', 'startsWith', 'endsWith', 'replace'].map(
    (name) => [String.prototype, name, ofSelf] as const,
  ),
  [String.prototype, 'slice', ofResult],
  // `test` calls it
  [RegExp.prototype, 'exec', ofMatch],
]

function countCharacters() {
  const counter = { count: 0, stop: () => undo.forEach((each) => void each()) }
  const undo = natives.map(([prototype, name, cost]) => {
    const own = Object.getOwnPropertyDescriptor(prototype, name)!
    const call = own.value as (...given: unknown[]) => unknown
    Object.defineProperty(prototype, name, {
      ...own,
      value(this: unknown, ...given: unknown[]) {
        const result = call.apply(this, given)
        counter.count += cost(this, given, result)
        return result
      },
    })
    return () => Object.defineProperty(prototype, name, own)
  })
  return counter
}
