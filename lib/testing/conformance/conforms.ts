// Puts a streaming route to the test: `conforms` yields a case for each rule, for any runner.
import { LeftOut } from './breach.js'
import { endings } from './endings.js'
import { requests } from './requests.js'
import { resumption } from './resumption.js'
import type { Rule } from './rules.js'
import { slow } from './slow.js'
import type { Subject } from './subject.js'
import { Trial } from './trial.js'

const rules = { ...requests, ...endings, ...slow, ...resumption }

/** The name of a case: a sentence with the rule that it cites. */
export type CaseName = keyof typeof rules

export interface ConformsOptions {
  /**
   * What is asked of the route. Default: all that this library promises. `'http'`: only what HTTP and the formats demand of
   * any route, hand-written or of another library.
   */
  readonly only?: 'http'
  /** Cases that are left out, by name, and why. */
  readonly skip?: { readonly [Name in CaseName]?: string }
  /** Milliseconds that whatever is awaited may take. Default: 5,000. */
  readonly within?: number
}

/** A case, for any runner: `it(name, run)`. */
export interface ConformsCase {
  readonly name: CaseName
  /**
   * Resolves when the route keeps the rule, and rejects with an AssertionError of `node:assert` that says the rule, what came
   * and what was expected.
   *
   * Where the case does not apply, it skips the test of mocha, node:test and vitest, and resolves to the reason. Jest has no
   * such skip: there the test passes.
   */
  run(this: unknown, ...context: readonly unknown[]): Promise<string | undefined>
}

/**
 * Cases that any streaming route can be put through, one for each rule.
 *
 * ```ts
 * describe('/prices', () => {
 *   for (const { name, run } of conforms(open)) it(name, run)
 * })
 * ```
 *
 * With `{ at, path }` alone: HEAD, OPTIONS, methods that are not allowed, 406, Content-Types, fields, HTTP/1.0, hostile
 * Last-Event-IDs, a hundred streams that leave. With `subscribers`: whoever leaves is unsubscribed, once. With `publish`: all
 * clients get the same, slow clients get the policy and slow nobody, and those that come back miss nothing, get nothing
 * twice, have a place to come back to and are told of gaps; with `history` also of those that are too old. With `fail`: a
 * source that fails cuts its streams. With the clock of a stage: heartbeats.
 *
 * Single events are followed in SSE, NDJSON, JSON text sequences and CSV. Of a JSON array and of multipart, of which one is
 * whole only when the next begins, of text and of bytes, all but that is tried.
 *
 * @param open called for each case: a subject of its own, which is closed after it by `close`, else by `at.close()`
 * @throws TypeError for an unknown option, or a case to skip that there is none of
 */
export function conforms(
  open: () => Subject | Promise<Subject>,
  options: ConformsOptions = {},
): readonly ConformsCase[] {
  check(open, options)
  const { only, skip = {}, within = 5000 } = options
  const entries = Object.entries(rules) as [CaseName, Rule][]
  return entries
    .filter(([, rule]) => only !== 'http' || !rule.isOurs)
    .map(([name, rule]) => ({
      name,
      async run(...context) {
        const reason = skip[name] ?? (await tried(name, rule))
        if (reason !== undefined) skipIn([...context, this], reason)
        return reason
      },
    }))

  /** Tries a route by a rule. A text: why the rule does not apply to it. */
  async function tried(name: CaseName, rule: Rule): Promise<string | undefined> {
    const subject = await open()
    const trial = new Trial(subject, only !== 'http', within)
    let reason: string | undefined
    try {
      const lacking = rule.needs?.find((need) => subject[need] === undefined)
      if (lacking === undefined) await rule.try(trial, name)
      else reason = `the subject has no ${lacking}`
    } catch (error) {
      if (!(error instanceof LeftOut)) {
        // what is left over by a case that failed is no news
        await put(trial, subject).catch(() => {})
        throw error
      }
      reason = error.message
    }
    await put(trial, subject)
    return reason
  }
}

async function put(trial: Trial, subject: Subject): Promise<void> {
  trial.end()
  await (subject.close ? subject.close() : subject.at.close?.())
}

/** Tells the runner that a test is skipped, if the runner has handed over something to tell it by. */
function skipIn(contexts: readonly unknown[], reason: string): void {
  for (const context of contexts) {
    const { skip } = Object(context) as { skip?: unknown }
    if (typeof skip === 'function') return skip.call(context, reason)
  }
}

const known = ['only', 'skip', 'within']

function check(open: unknown, options: ConformsOptions): void {
  if (typeof open !== 'function')
    throw new TypeError(`conforms(open): expected a function that opens a subject, not ${typeof open}`)
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new TypeError(`conforms: unknown option ${key}; there are ${known.join(', ')}`)
  for (const name of Object.keys(options.skip ?? {}))
    if (!Object.hasOwn(rules, name))
      throw new TypeError(
        `conforms: skip: there is no case '${name}'. The cases:\n${Object.keys(rules).join('\n')}`,
      )
}
