import { misuse, show } from './errors.js'
import { isFormat } from './formats/format.js'
import { type Exit, first, graph, type Question } from './graph/graph.js'
import { ofMethod } from './graph/methods.js'
import { accepts, provides } from './plan.js'
import { type Acceptors, type AnySpec, type CallbackName, callbacks, type Provided } from './spec.js'

/** What is expected of a key: words for the error, and the test. */
type Rule = readonly [expected: string, fits: (value: unknown) => boolean]
type Rules = Readonly<Record<string, Rule>>

const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isWhole = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
const isDelay = (value: unknown) => typeof value === 'number' && value > 0 && !Number.isNaN(value)
const isBoolean = (value: unknown) => typeof value === 'boolean'

const aFunction: Rule = ['a function', isFunction]
const aDelay: Rule = ['milliseconds, more than 0', isDelay]
const aCount: Rule = ['a number, more than 0', isDelay]

const held: Rules = {
  init: aFunction,
  subscribe: aFunction,
  info: aFunction,
  timeout: aDelay,
  terminate: aFunction,
  stream: ['an object of stream options', isObject],
  bodyLimit: ['bytes, 0 or more', isWhole],
  decisionTimeout: aDelay,
}

const streamRules: Rules = {
  heartbeat: ['milliseconds, more than 0, or false', (value) => value === false || isDelay(value)],
  retry: ['whole milliseconds, 0 or more', isWhole],
  maxQueuedBytes: aCount,
  maxQueued: aCount,
  writeTimeout: aDelay,
  endEvent: ['true or false', isBoolean],
  errorEvent: ['true or false', isBoolean],
}

const resourceRules: Rules = {
  ...held,
  negotiation: ["'strict' or 'lenient'", (value) => value === 'strict' || value === 'lenient'],
  ...Object.fromEntries(
    Object.entries(callbacks).map(([name, { expected, fits }]) => [
      name,
      [
        `${expected}, or a function of the context that returns that`,
        (value) => isFunction(value) || fits(value),
      ] satisfies Rule,
    ]),
  ),
}

const loopRules: Rules = {
  ...held,
  format: ['a format, such as sse()', isFormat],
  status: ['a status with a body, 200 to 599 but 204, 205 and 304', isStatusWithBody],
  headers: [
    `${callbacks.options.expected}, or a function of the context that returns that`,
    (value) => isFunction(value) || callbacks.options.fits(value),
  ],
}

/** Checks the spec of a resource; throws a TypeError for what is wrong in it. */
export function checkResource(where: string, spec: unknown): asserts spec is AnySpec {
  checkKeys(where, spec, resourceRules)
  checkHeld(where, spec as AnySpec)
  const { contentTypesProvided: provided, contentTypesAccepted: accepted, subscribe } = spec as AnySpec
  if (typeof provided === 'object') {
    const streams = provides(provided as Provided<unknown>).find(({ provider }) => isFormat(provider))
    if (streams && !subscribe) {
      throw wrong(
        `${where}: contentTypesProvided streams ${streams.name}, and there is no \`subscribe\` to feed it`,
      )
    }
  }
  if (typeof accepted === 'object') accepts(accepted as Acceptors<unknown>)
  checkMethods(where, spec as AnySpec)
}

/** Checks the spec of a loop. */
export function checkLoop(spec: unknown): void {
  checkKeys('loop', spec, loopRules)
  const { format, subscribe } = spec as { format?: unknown; subscribe?: unknown }
  if (!format) throw wrong('loop: `format` is missing: expected a format, such as sse()')
  if (!subscribe) throw wrong('loop: `subscribe` is missing: expected a function that feeds the response')
  checkHeld('loop', spec as AnySpec)
}

/** Checks stream options where they are given on their own. */
export function checkStream(where: string, options: unknown): void {
  checkKeys(`${where}: stream`, options, streamRules)
}

/** Checks an object's keys and their values; keys that are undefined count as absent. */
export function checkKeys(where: string, value: unknown, rules: Rules): void {
  if (!isObject(value)) throw wrong(`${where}: expected an object, not ${show(value)}`)
  for (const [key, given] of Object.entries(value as object)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
    if (!rule) throw wrong(`${where}: unknown key \`${key}\`${suggest(key, Object.keys(rules))}`)
    const [expected, fits] = rule
    if (given !== undefined && !fits(given)) {
      throw wrong(`${where}: \`${key}\` is ${show(given)}: expected ${expected}`)
    }
  }
}

function checkHeld(where: string, { stream, subscribe, info, timeout }: AnySpec): void {
  if (stream !== undefined) checkStream(where, stream)
  if (info && !subscribe) throw wrong(`${where}: \`info\` has no \`subscribe\` to get messages from`)
  if (timeout !== undefined && !info) throw wrong(`${where}: \`timeout\` has no \`info\` to tell`)
}

/** The questions that ask a callback, where they have another name than it. */
const askedBy: Partial<Record<CallbackName, readonly Question[]>> = {
  knownMethods: ['knownMethod'],
  allowedMethods: ['methodAllowed'],
  contentTypesProvided: ['acceptableMediaType'],
  languagesProvided: ['acceptableLanguage'],
  charsetsProvided: ['acceptableCharset'],
  encodingsProvided: ['acceptableEncoding'],
  generateEtag: ['ifMatch'],
  lastModified: ['ifUnmodifiedSince'],
  expires: ['provide'],
  contentTypesAccepted: ['contentTypeAccepted'],
}

/** What a constant `allowedMethods` asks for, and what it can never reach. */
function checkMethods(where: string, spec: AnySpec): void {
  const { allowedMethods = callbacks.allowedMethods.fallback } = spec
  if (typeof allowedMethods === 'function') return
  const methods = allowedMethods as readonly string[]
  const needs = (method: string, callback: CallbackName) => {
    if (methods.includes(method) && spec[callback] === undefined) {
      throw wrong(`${where}: allowedMethods has ${method}, and there is no \`${callback}\` to answer it`)
    }
  }
  needs('DELETE', 'deleteResource')
  for (const method of ['POST', 'PUT', 'PATCH']) needs(method, 'contentTypesAccepted')

  const reached = new Set(methods.flatMap((method) => [...reachable(method)]))
  for (const name of Object.keys(callbacks) as CallbackName[]) {
    const questions = askedBy[name] ?? [name as Question]
    const isReached =
      name === 'options' ? methods.includes('OPTIONS') : questions.some((each) => reached.has(each))
    if (spec[name] !== undefined && !isReached) throw unreachable(where, name, methods)
  }
  const holds = reached.has('provide') || reached.has('accept')
  if (spec.subscribe && !holds) throw unreachable(where, 'subscribe', methods)
}

/** The questions that a method can come to, whatever the callbacks answer. */
function reachable(method: string): ReadonlySet<Question> {
  const reached = new Set<Question>()
  const visit = (exit: Exit) => {
    if (typeof exit === 'number' || reached.has(exit)) return
    reached.add(exit)
    const [yes, no] = graph[exit]
    const answer =
      exit === 'isOptions' ? method === 'OPTIONS' : ofMethod[exit as keyof typeof ofMethod]?.(method)
    if (answer !== false) visit(yes)
    if (answer !== true) visit(no)
  }
  visit(first)
  return reached
}

function unreachable(where: string, name: string, methods: readonly string[]): TypeError {
  return wrong(`${where}: \`${name}\` can never be reached: allowedMethods is ${methods.join(', ')}`)
}

function isStatusWithBody(status: unknown): boolean {
  return (
    isWhole(status) &&
    (status as number) >= 200 &&
    (status as number) <= 599 &&
    ![204, 205, 304].includes(status as number)
  )
}

function wrong(message: string): TypeError {
  return misuse('LARIAT_SPEC', message)
}

/** The known name that is nearest to a misspelt one. */
export function suggest(key: string, known: readonly string[]): string {
  const [nearest, distance] = known
    .map((name) => [name, editDistance(key.toLowerCase(), name.toLowerCase())] as const)
    .reduce((best, each) => (each[1] < best[1] ? each : best), ['', Infinity] as const)
  return distance <= Math.max(2, key.length / 2)
    ? `. Did you mean \`${nearest}\`?`
    : `. Known are ${known.join(', ')}.`
}

/** Levenshtein's distance. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}
