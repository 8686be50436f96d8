import { isFormat } from '../formats/format.js'
import { type Exit, first, graph, type Question } from '../graph/graph.js'
import { ofMethod } from '../graph/methods.js'
import { streamHeaders } from '../http/field.js'
import { checkKeys, isBoolean, isFunction, isObject, type Rule, type Rules, wrong } from '../rules.js'
import { isFeed } from '../values/feed.js'
import type { Acceptors, Provided } from './answers.js'
import { type CallbackName, callbacks } from './callbacks.js'
import { accepts, provides } from './plan.js'
import type { AnyLoopSpec, AnySpec } from './spec.js'

const isWhole = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
const isDelay = (value: unknown) => typeof value === 'number' && value > 0 && !Number.isNaN(value)

const aFunction: Rule = [isFunction, 'a function']
const aDelay: Rule = [isDelay, 'milliseconds, more than 0']
const aCount: Rule = [isDelay, 'a number, more than 0']
const aFlag: Rule = [isBoolean, 'true or false']

/** What listens to decisions. */
export const traceRule: Rule = [
  (value) => value === true || isFunction(value),
  'true, or a function that gets the decisions of a request',
]

const held: Rules = {
  init: aFunction,
  subscribe: [isSource, 'a function that feeds the response, or a channel'],
  info: aFunction,
  timeout: aDelay,
  terminate: aFunction,
  onGap: aFunction,
  stream: [isObject, 'an object of stream options'],
  trace: traceRule,
  bodyLimit: [isWhole, 'bytes, 0 or more'],
  decisionTimeout: aDelay,
}

const streamRules: Rules = {
  heartbeat: [(value) => value === false || isDelay(value), 'milliseconds, more than 0, or false'],
  retry: [isWhole, 'whole milliseconds, 0 or more'],
  maxQueuedBytes: aCount,
  maxQueued: aCount,
  overflow: [isOverflow, "'close', 'dropOldest', 'dropNewest' or { conflate: (data) => key }"],
  writeTimeout: aDelay,
  maxDuration: aDelay,
  reauthorize: aDelay,
  maxStreams: aCount,
  maxStreamsPerClient: aCount,
  clientKey: [isFunction, 'a function of the context that returns who a client is'],
  endEvent: aFlag,
  errorEvent: aFlag,
}

const resourceRules: Rules = {
  ...held,
  negotiation: [(value) => value === 'strict' || value === 'lenient', "'strict' or 'lenient'"],
  ...Object.fromEntries(
    Object.entries(callbacks).map(([name, { expected, fits }]) => [name, orFunction(fits, expected)]),
  ),
}

const loopRules: Rules = {
  ...held,
  format: [isFormat, 'a format, such as sse()', 'needed'],
  subscribe: [isSource, 'a function that feeds the response, or a channel', 'needed'],
  status: [isStatusWithBody, 'a status with a body, 200 to 599 but 204, 205 and 304'],
  headers: orFunction(streamHeaders.fits, streamHeaders.expected),
}

function orFunction(fits: (value: unknown) => boolean, expected: string): Rule {
  return [
    (value) => isFunction(value) || fits(value),
    `${expected}, or a function of the context that returns that`,
  ]
}

/** Checks the spec of a resource; throws a TypeError for what is wrong in it. */
export function checkResource(where: string, spec: unknown): asserts spec is AnySpec {
  checkPlain(where, spec)
  checkKeys(where, spec, resourceRules)
  checkHeld(where, spec as AnySpec)
  const { contentTypesProvided: provided, contentTypesAccepted: accepted, subscribe } = spec as AnySpec
  if (typeof provided === 'object') {
    const streams = provides(provided as Provided<unknown>, where).find(({ provider }) => isFormat(provider))
    if (streams && !subscribe) {
      wrong(
        `${where}: contentTypesProvided streams ${streams.name}, and there is no \`subscribe\` to feed it`,
      )
    }
  }
  if (typeof accepted === 'object') accepts(accepted as Acceptors<unknown>, where)
  const { isAuthorized, forbidden, stream } = spec as AnySpec
  if (stream?.reauthorize !== undefined && !isFunction(isAuthorized) && !isFunction(forbidden)) {
    wrong(`${where}: stream: \`reauthorize\` has no function \`isAuthorized\` or \`forbidden\` to ask again`)
  }
  checkMethods(where, spec as AnySpec)
}

/** Checks the spec of a loop. */
export function checkLoop(spec: unknown): asserts spec is AnyLoopSpec {
  checkPlain('loop', spec)
  checkKeys('loop', spec, loopRules)
  checkHeld('loop', spec as AnySpec)
  if ((spec as AnySpec).stream?.reauthorize !== undefined) {
    wrong(
      'loop: stream: `reauthorize` has nothing to ask again: a resource() has `isAuthorized` and `forbidden`',
    )
  }
}

/** A class keeps its methods where no key is seen: a callback there would silently not be asked. */
function checkPlain(where: string, spec: unknown): void {
  if (!isObject(spec)) return
  const prototype: unknown = Object.getPrototypeOf(spec)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    wrong(`${where}: expected a plain object, not an instance of a class or an object made from another`)
  }
}

/** Checks stream options where they are given on their own. */
export function checkStream(where: string, options: unknown): void {
  checkKeys(`${where}: stream`, options, streamRules)
}

function isSource(value: unknown): boolean {
  return isFunction(value) || isFeed(value)
}

function isOverflow(value: unknown): boolean {
  if (value === 'close' || value === 'dropOldest' || value === 'dropNewest') return true
  return isObject(value) && Object.keys(value).join() === 'conflate' && isFunction(value.conflate)
}

function checkHeld(where: string, { stream, subscribe, info, timeout, onGap }: AnySpec): void {
  if (stream !== undefined) checkStream(where, stream)
  if (info && !subscribe) wrong(`${where}: \`info\` has no \`subscribe\` to get messages from`)
  if (onGap && !subscribe) wrong(`${where}: \`onGap\` has no \`subscribe\` to miss events of`)
  if (timeout !== undefined && !info) wrong(`${where}: \`timeout\` has no \`info\` to tell`)
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

/** What is asked before a method is refused, even where none is allowed. */
const refusable: readonly Question[] = ['serviceAvailable', 'knownMethod', 'uriTooLong', 'methodAllowed']

/** What a constant `allowedMethods` asks for, and what it can never reach. */
function checkMethods(where: string, spec: AnySpec): void {
  const { allowedMethods = callbacks.allowedMethods.fallback } = spec
  if (typeof allowedMethods === 'function') return
  const methods = allowedMethods as readonly string[]
  const needs = (method: string, callback: CallbackName) => {
    if (methods.includes(method) && spec[callback] === undefined) {
      wrong(`${where}: allowedMethods has ${method}, and there is no \`${callback}\` to answer it`)
    }
  }
  needs('DELETE', 'deleteResource')
  for (const method of ['POST', 'PUT', 'PATCH']) needs(method, 'contentTypesAccepted')

  const reached = new Set([...refusable, ...methods.flatMap((method) => [...reachable(method)])])
  for (const name of Object.keys(callbacks) as CallbackName[]) {
    const questions = askedBy[name] ?? [name as Question]
    const isReached =
      name === 'options' ? methods.includes('OPTIONS') : questions.some((each) => reached.has(each))
    if (spec[name] !== undefined && !isReached) unreachable(where, name, methods)
  }
  const holds = reached.has('provide') || reached.has('accept')
  if (spec.subscribe && !holds) unreachable(where, 'subscribe', methods)
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

function unreachable(where: string, name: string, methods: readonly string[]): never {
  wrong(`${where}: \`${name}\` can never be reached: allowedMethods is ${methods.join(', ') || 'empty'}`)
}

function isStatusWithBody(status: unknown): boolean {
  return (
    isWhole(status) &&
    (status as number) >= 200 &&
    (status as number) <= 599 &&
    ![204, 205, 304].includes(status as number)
  )
}
