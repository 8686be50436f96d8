import { isMediaType } from '../formats/check.js'
import type { Format } from '../formats/format.js'
import { first, type Graph, graph, type Question } from '../graph/graph.js'
import { isFieldValue } from '../http/field.js'
import { type MediaType, parseMediaType, sameParameter } from '../http/media-type.js'
import { wrong } from '../rules.js'
import type { Acceptors, Provided, Provider } from './answers.js'
import { type CallbackName, callbacks } from './callbacks.js'
import type { Trace } from './decisions.js'
import type { StreamOptions } from './options.js'
import type { AnySpec } from './spec.js'

/** A media type that is provided, and by whom. */
export interface Provides {
  readonly name: string
  readonly media: MediaType
  readonly provider: Provider<unknown>
}

/** A range of media types that is accepted, and by whom. */
export interface Accepts {
  readonly name: string
  readonly acceptor: Acceptors<unknown>[string]
  matches(contentType: string | undefined): boolean
}

/** A spec with all that can be known of it before a request comes. */
export interface Plan {
  readonly spec: AnySpec
  /** The graph without the questions that the spec answers once and for all. */
  readonly graph: Graph
  readonly first: Question
  /** What is provided and accepted, where that is constant. */
  readonly provided: readonly Provides[] | undefined
  readonly accepted: readonly Accepts[] | undefined
  /** The names in Vary that are known, as a list and as a field value. */
  readonly vary: readonly string[]
  readonly varyHeader: string
  readonly stream: Readonly<typeof streamDefaults & StreamOptions>
  readonly bodyLimit: number
  readonly decisionTimeout: number
  readonly trace: Trace | undefined
}

/** What a table gives to all of its entries. */
export interface Defaults {
  /** Options of the held responses of all entries; those of an entry win. */
  stream?: StreamOptions
  /** Listens to the decisions of all entries; what an entry has of its own wins. */
  trace?: Trace
}

type Defaulted = 'heartbeat' | 'maxQueuedBytes' | 'maxQueued' | 'overflow' | 'writeTimeout'

const streamDefaults: Required<Pick<StreamOptions, Defaulted>> = {
  heartbeat: 15_000,
  maxQueuedBytes: 2 ** 20,
  maxQueued: 10_000,
  overflow: 'close',
  writeTimeout: 30_000,
}

/** Resolves what is constant in a spec, so that a request pays for what its resource really asks. */
export function plan(spec: AnySpec, defaults: Defaults = {}): Plan {
  const settled = settle(spec)
  const vary = varyNames(spec)
  return {
    spec,
    graph: without(settled),
    first: skip(first, settled) as Question,
    provided: isConstant(spec.contentTypesProvided)
      ? provides(spec.contentTypesProvided as Provided<unknown>)
      : undefined,
    accepted: isConstant(spec.contentTypesAccepted)
      ? accepts(spec.contentTypesAccepted as Acceptors<unknown>)
      : undefined,
    vary,
    varyHeader: vary.join(', '),
    stream: { ...streamDefaults, ...defined(defaults.stream ?? {}), ...defined(spec.stream ?? {}) },
    bodyLimit: spec.bodyLimit ?? 2 ** 20,
    decisionTimeout: spec.decisionTimeout ?? 30_000,
    trace: spec.trace ?? defaults.trace,
  }
}

/** The media types that are provided, in the server's order; a format may have several. */
export function provides(provided: Provided<unknown>, where = 'resource'): readonly Provides[] {
  const entries: (readonly [string, Provider<unknown>])[] = Array.isArray(provided)
    ? (provided as readonly Format[]).flatMap((each) =>
        [each.mediaType].flat().map((type) => [type, each] as const),
      )
    : Object.entries(provided)
  return entries.map(([name, provider]) => {
    const media = isMediaType(name) ? parseMediaType(name) : undefined
    if (!media)
      wrong(`${where}: contentTypesProvided has '${name}': expected a media type such as 'application/json'`)
    return { name, media, provider }
  })
}

/** The media types that are accepted, in the server's order. */
export function accepts(accepted: Acceptors<unknown> | undefined, where = 'resource'): readonly Accepts[] {
  return Object.entries(accepted ?? {}).map(([name, acceptor]) => {
    // a refusal names it in a header
    const range = isFieldValue(name) ? parseMediaType(name) : undefined
    if (!range) {
      wrong(
        `${where}: contentTypesAccepted has '${name}': expected a media type or a range, such as 'text/*'`,
      )
    }
    return { name, acceptor, matches: (type) => type !== undefined && isWithin(parseMediaType(type), range) }
  })
}

/** Whether a Content-Type is within a range: the parameters that the range has must match. */
function isWithin(media: MediaType | undefined, range: MediaType): boolean {
  if (!media) return false
  return (
    (range.type === '*' || range.type === media.type) &&
    (range.subtype === '*' || range.subtype === media.subtype) &&
    range.parameters.every(
      ([name, value]) =>
        name === 'boundary' ||
        media.parameters.some(([own, has]) => own === name && sameParameter(has, value)),
    )
  )
}

function isConstant(callback: unknown): boolean {
  return callback !== undefined && typeof callback !== 'function'
}

/** Questions that are settled when their callback is absent: none of the steps that negotiate is left. */
const skipped: Partial<Record<Question, readonly [CallbackName, answer: boolean]>> = {
  acceptableLanguage: ['languagesProvided', true],
  acceptableCharset: ['charsetsProvided', true],
  acceptableEncoding: ['encodingsProvided', true],
  rangesProvided: ['rangesProvided', false],
  variances: ['variances', true],
}

/** The questions whose answer is known: their callback is absent, or constant and its own default. */
function settle(spec: AnySpec): ReadonlyMap<Question, boolean> {
  const settled = new Map<Question, boolean>()
  for (const question of Object.keys(graph) as Question[]) {
    const skip = skipped[question]
    if (skip) {
      if (spec[skip[0]] === undefined) settled.set(question, skip[1])
      continue
    }
    const callback = callbacks[question as CallbackName] as (typeof callbacks)['forbidden'] | undefined
    if (!callback || typeof callback.fallback !== 'boolean') continue
    const value = spec[question as CallbackName]
    if (value === undefined || value === callback.fallback) settled.set(question, callback.fallback)
  }
  return settled
}

function without(settled: ReadonlyMap<Question, boolean>): Graph {
  return Object.fromEntries(
    Object.entries(graph).map(([question, [yes, no]]) => [question, [skip(yes, settled), skip(no, settled)]]),
  ) as unknown as Graph
}

function skip(exit: Question | number, settled: ReadonlyMap<Question, boolean>): Question | number {
  let at = exit
  while (typeof at !== 'number') {
    const answer = settled.get(at)
    if (answer === undefined) return at
    at = graph[at][answer ? 0 : 1]
  }
  return at
}

function varyNames(spec: AnySpec): readonly string[] {
  const names = []
  if (spec.contentTypesProvided !== undefined) names.push('Accept')
  if (spec.languagesProvided !== undefined) names.push('Accept-Language')
  if (spec.charsetsProvided !== undefined) names.push('Accept-Charset')
  if (spec.encodingsProvided !== undefined) names.push('Accept-Encoding')
  return names
}

function defined(options: StreamOptions): StreamOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
