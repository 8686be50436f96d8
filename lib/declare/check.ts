// Checks a spec when it is declared: its keys, and the keys that need each other.
import { show } from '../errors.js'
import { isFormat } from '../formats/format.js'
import { isMiscased } from '../http/method.js'
import {
  aDelay,
  checkKeys,
  isFunction,
  isObject,
  isPlainObject,
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
import { advise, byMethod, isCallback, placed, remedy } from './remedies.js'
import type { AnyLoopSpec, AnySpec, Negotiable } from './spec.js'

const aCallback: Rule = [isCallback, 'a function']
const source = 'a function that feeds the response, or a channel'
const options: Rule = [isPlainObject, 'an object of stream options']
const trace: Rule = [
  (value) => value === true || isCallback(value),
  'true, or a function that gets the decisions of a request',
]

const commonRules: Rules = {
  init: aCallback,
  subscribe: [isSource, source],
  info: aCallback,
  timeout: aDelay,
  terminate: aCallback,
  onGap: aCallback,
  snapshot: aCallback,
  stream: options,
  trace,
  problem: aCallback,
  bodyLimit: [isWhole, 'bytes, 0 or more'],
  decisionTimeout: aDelay,
}

/** The keys of a resource. */
export const resourceRules: Rules = {
  ...commonRules,
  negotiation: [
    (value) => isStrictness(value) || isPlainObject(value),
    "'strict' or 'lenient', or an object of them by type, language, charset and encoding",
  ],
  ...Object.fromEntries(
    Object.entries(callbacks).map(([name, { expected, fits }]) => [name, orFunction(fits, expected)]),
  ),
  knownMethods: orFunction(isMethods, callbacks.knownMethods.expected),
  allowedMethods: orFunction(isMethods, callbacks.allowedMethods.expected),
}

/** The keys of a loop. */
export const loopRules: Rules = {
  ...commonRules,
  format: [isFormat, 'a format, such as sse()', 'needed'],
  subscribe: [isSource, source, 'needed'],
  status: [isStatusWithBody, 'a status with a body, 200 to 599 but 204, 205 and 304'],
  headers: orFunction(callbacks.headers.fits, callbacks.headers.expected),
}

const strictness: Rule = [isStrictness, "'strict' or 'lenient'"]
const negotiationRules: Rules = {
  type: strictness,
  language: strictness,
  charset: strictness,
  encoding: strictness,
} satisfies Record<Negotiable, Rule>

const defaultsRules: Rules = { stream: options, trace, problem: aCallback }

// ---- keys that stand in the wrong place

const ofStream = placed(
  Object.keys(streamRules),
  (key) => `it is an option of the stream: write stream: { ${key}: … }`,
)
const inResource = advise(ofStream, byMethod, {
  format: 'it is a key of loop(): write contentTypesProvided: [sse()]',
  status: 'it is a key of loop(): a callback of a resource sets another status by stop()',
})
const inLoop = advise(
  ofStream,
  byMethod,
  { contentTypesProvided: 'it is a key of resource(): write format: sse()' },
  placed(
    Object.keys(resourceRules),
    () => 'it is a key of resource(), which negotiates and decides: a loop does neither',
  ),
)
const inStream = advise(
  placed(
    Object.keys({ ...resourceRules, ...loopRules }),
    (key) => `it is a key of the spec: write it beside \`stream\`, as ${key}: …`,
  ),
)
const inDefaults = advise(
  ofStream,
  placed(
    Object.keys({ ...resourceRules, ...loopRules }),
    () => 'it is a key of a spec: write it in each entry',
  ),
)

function orFunction(fits: (value: unknown) => boolean, expected: string): Rule {
  return [
    (value) => (isFunction(value) ? isCallback(value) : fits(value)),
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
  checkKeys(where, spec, resourceRules, inResource)
  checkCommon(where, spec as AnySpec)
  checkMediaTypes(where, spec as AnySpec)
  const { negotiation } = spec as AnySpec
  if (typeof negotiation === 'object') checkKeys(`${where}: negotiation`, negotiation, negotiationRules)
  const { isAuthorized, forbidden, stream } = spec as AnySpec
  if (stream?.reauthorize !== undefined && !isFunction(isAuthorized) && !isFunction(forbidden)) {
    wrong(`${where}: stream: \`reauthorize\` has no function \`isAuthorized\` or \`forbidden\` to ask again`)
  }
}

/** Checks the spec of a loop. */
export function checkLoop(spec: unknown): asserts spec is AnyLoopSpec {
  checkPlain('loop', spec)
  checkKeys('loop', spec, loopRules, inLoop)
  checkCommon('loop', spec as AnySpec)
  if ((spec as AnySpec).stream?.reauthorize !== undefined) {
    wrong(
      'loop: stream: `reauthorize` has nothing to ask again: a resource() has `isAuthorized` and `forbidden`',
    )
  }
}

/** The same for paths that match the same requests: case, a last slash and names of parameters make no difference. */
function shapeOf(path: string): string {
  if (!/^[\w/.:-]*$/.test(path)) return path
  return path
    .toLowerCase()
    .replace(/:\w+/g, ':')
    .replace(/(.)\/$/, '$1')
}

/** Checks the defaults of a table. */
export function checkDefaults(where: string, defaults: Defaults): void {
  checkPlain(where, defaults)
  checkKeys(where, defaults, defaultsRules, inDefaults)
  if (defaults.stream !== undefined) checkStream(where, defaults.stream)
}

/** Methods of a class are not own keys and would be ignored. */
function checkPlain(where: string, spec: unknown): void {
  if (isFormat(spec))
    wrong(`${where}: this is a format: write { contentTypesProvided: [sse()], subscribe: … }`)
  if (isFeed(spec))
    wrong(`${where}: this is a feed: write { contentTypesProvided: [sse()], subscribe: feed }`)
  if (!isObject(spec) || isPlainObject(spec)) return
  const hint = remedy('', spec)
  wrong(
    `${where}: expected a plain object, not an instance of a class or an object made from another${hint ? `; ${hint}` : ''}`,
  )
}

/** Checks the table of `resources()`: its paths, not its entries. */
export function checkTable(table: unknown): void {
  if (!isObject(table)) {
    const hint = typeof table === 'string' ? `; write resources({ ${show(table)}: … })` : ''
    wrong(`resources: expected a table of paths, not ${show(table)}${hint}`)
  }
  checkPlain('resources', table)
  const earlier = new Map<string, string>()
  for (const [path, entry] of Object.entries(table)) {
    // Express takes a group that holds the slash, too
    if (/^[{(]*\//.test(path)) {
      const shape = shapeOf(path)
      const same = earlier.get(shape)
      if (same !== undefined)
        wrong(`resources: the path ${show(path)} is never reached: ${show(same)} before it matches the same`)
      // an entry that is a table leaves what it does not match to those that follow
      if (isPlainObject(entry)) earlier.set(shape, path)
      continue
    }
    const [, method, rest] = /^([A-Z]+) +(\/.*)$/.exec(path) ?? []
    wrong(
      method === undefined
        ? `resources: expected a path that begins with a slash, not ${show(path)}; write ${show(`/${path.trim()}`)}`
        : `resources: expected a path, not ${show(path)}; write ${show(rest)}, and allowedMethods: [${show(method)}] in its spec`,
    )
  }
}

function checkCommon(where: string, { stream, subscribe, info, timeout, onGap, snapshot }: AnySpec): void {
  if (stream !== undefined) checkStream(where, stream)
  if (info && !subscribe) wrong(`${where}: \`info\` has no \`subscribe\` to get messages from`)
  if (onGap && !subscribe) wrong(`${where}: \`onGap\` has no \`subscribe\` that could miss events`)
  if (snapshot && !subscribe) wrong(`${where}: \`snapshot\` has no \`subscribe\` to go on with`)
  if (snapshot && onGap)
    wrong(
      `${where}: \`onGap\` is never called beside a \`snapshot\`, which is given in place of a gap; expected one of them`,
    )
  if (timeout !== undefined && !info) wrong(`${where}: \`timeout\` has no \`info\` to tell`)
}

function checkStream(where: string, given: unknown): void {
  checkKeys(`${where}: stream`, given, streamRules, inStream)
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

function isStrictness(value: unknown): boolean {
  return value === 'strict' || value === 'lenient'
}

/**
 * Checks that a `subscribe` that requests can reach has something to stream in. A function may return a format,
 * whether it is the callback, a provider or an accept callback.
 */
export function checkFormats(where: string, spec: AnySpec): void {
  const { contentTypesProvided: provided, contentTypesAccepted: accepted, subscribe } = spec
  if (!subscribe || !isEmpty(provided) || !isEmpty(accepted)) return
  wrong(
    `${where}: \`subscribe\` has no format to stream in: write contentTypesProvided: [sse()], or loop({ format: sse(), subscribe: … })`,
  )
}

function isEmpty(offer: unknown): boolean {
  return offer === undefined || (typeof offer === 'object' && Object.keys(offer as object).length === 0)
}

/** A constant with a method in the wrong case is a mistake: no request would ever have it. */
function isMethods(value: unknown): boolean {
  return callbacks.allowedMethods.fits(value) && !(value as readonly unknown[]).some(isMiscased)
}

function isSource(value: unknown): boolean {
  return isCallback(value) || isFeed(value)
}

function isStatusWithBody(status: unknown): boolean {
  return (
    isWhole(status) && (status as number) >= 200 && (status as number) <= 599 && !bodiless.includes(status)
  )
}

const bodiless: readonly unknown[] = [204, 205, 304]
