// Checks a spec when it is declared: its keys, and the keys that need each other.
import { isFormat } from '../formats/format.js'
import { streamHeaders } from '../http/field.js'
import {
  aDelay,
  aFunction,
  checkKeys,
  isFunction,
  isObject,
  isWhole,
  type Rule,
  type Rules,
  wrong,
} from '../rules.js'
import { isFeed } from '../values/feed.js'
import type { Acceptors, Provided } from './answers.js'
import { callbacks } from './callbacks.js'
import { accepts, provides } from './media-types.js'
import { streamRules } from './options.js'
import type { Defaults } from './plan.js'
import type { AnyLoopSpec, AnySpec } from './spec.js'

const source = 'a function that feeds the response, or a channel'
const options: Rule = [isObject, 'an object of stream options']
const trace: Rule = [
  (value) => value === true || isFunction(value),
  'true, or a function that gets the decisions of a request',
]

const commonRules: Rules = {
  init: aFunction,
  subscribe: [isSource, source],
  info: aFunction,
  timeout: aDelay,
  terminate: aFunction,
  onGap: aFunction,
  stream: options,
  trace,
  bodyLimit: [isWhole, 'bytes, 0 or more'],
  decisionTimeout: aDelay,
}

/** The keys of a resource. */
export const resourceRules: Rules = {
  ...commonRules,
  negotiation: [(value) => value === 'strict' || value === 'lenient', "'strict' or 'lenient'"],
  ...Object.fromEntries(
    Object.entries(callbacks).map(([name, { expected, fits }]) => [name, orFunction(fits, expected)]),
  ),
}

/** The keys of a loop. */
export const loopRules: Rules = {
  ...commonRules,
  format: [isFormat, 'a format, such as sse()', 'needed'],
  subscribe: [isSource, source, 'needed'],
  status: [isStatusWithBody, 'a status with a body, 200 to 599 but 204, 205 and 304'],
  headers: orFunction(streamHeaders.fits, streamHeaders.expected),
}

const defaultsRules: Rules = { stream: options, trace }

function orFunction(fits: (value: unknown) => boolean, expected: string): Rule {
  return [
    (value) => isFunction(value) || fits(value),
    `${expected}, or a function of the context that returns that`,
  ]
}

/**
 * Checks the spec of a resource.
 *
 * @throws TypeError that names the place and the mistake
 */
export function checkResource(where: string, spec: unknown): asserts spec is AnySpec {
  checkPlain(where, spec)
  checkKeys(where, spec, resourceRules)
  checkCommon(where, spec as AnySpec)
  checkMediaTypes(where, spec as AnySpec)
  const { isAuthorized, forbidden, stream } = spec as AnySpec
  if (stream?.reauthorize !== undefined && !isFunction(isAuthorized) && !isFunction(forbidden)) {
    wrong(`${where}: stream: \`reauthorize\` has no function \`isAuthorized\` or \`forbidden\` to ask again`)
  }
}

/** Checks the spec of a loop. */
export function checkLoop(spec: unknown): asserts spec is AnyLoopSpec {
  checkPlain('loop', spec)
  checkKeys('loop', spec, loopRules)
  checkCommon('loop', spec as AnySpec)
  if ((spec as AnySpec).stream?.reauthorize !== undefined) {
    wrong(
      'loop: stream: `reauthorize` has nothing to ask again: a resource() has `isAuthorized` and `forbidden`',
    )
  }
}

/** Checks the defaults of a table. */
export function checkDefaults(where: string, defaults: Defaults): void {
  checkKeys(where, defaults, defaultsRules)
  if (defaults.stream !== undefined) checkStream(where, defaults.stream)
}

/** Methods of a class are not own keys and would be ignored. */
function checkPlain(where: string, spec: unknown): void {
  if (!isObject(spec)) return
  const prototype: unknown = Object.getPrototypeOf(spec)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    wrong(`${where}: expected a plain object, not an instance of a class or an object made from another`)
  }
}

function checkCommon(where: string, { stream, subscribe, info, timeout, onGap }: AnySpec): void {
  if (stream !== undefined) checkStream(where, stream)
  if (info && !subscribe) wrong(`${where}: \`info\` has no \`subscribe\` to get messages from`)
  if (onGap && !subscribe) wrong(`${where}: \`onGap\` has no \`subscribe\` that could miss events`)
  if (timeout !== undefined && !info) wrong(`${where}: \`timeout\` has no \`info\` to tell`)
}

function checkStream(where: string, given: unknown): void {
  checkKeys(`${where}: stream`, given, streamRules)
}

function checkMediaTypes(where: string, spec: AnySpec): void {
  const { contentTypesProvided: provided, contentTypesAccepted: accepted, subscribe } = spec
  if (typeof provided === 'object') {
    const streamed = provides(provided as Provided<unknown>, where).find(({ provider }) => isFormat(provider))
    if (streamed && !subscribe) {
      wrong(
        `${where}: contentTypesProvided streams ${streamed.name}, and there is no \`subscribe\` to feed it`,
      )
    }
  }
  if (typeof accepted === 'object') accepts(accepted as Acceptors<unknown>, where)
}

function isSource(value: unknown): boolean {
  return isFunction(value) || isFeed(value)
}

function isStatusWithBody(status: unknown): boolean {
  return (
    isWhole(status) && (status as number) >= 200 && (status as number) <= 599 && !bodiless.includes(status)
  )
}

const bodiless: readonly unknown[] = [204, 205, 304]
