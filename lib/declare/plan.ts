// Precomputes the constant parts of a spec, so that a request pays only for parts that depend on the request.

import type { Awaitable } from '../promise.js'
import type { Acceptors, Problem, ProblemAnswer, Provided } from './answers.js'
import type { ProblemContext } from './context.js'
import type { Trace } from './decisions.js'
import { type Accepts, accepts, type Provides, provides } from './media-types.js'
import { type ResolvedOptions, resolveOptions, type StreamOptions } from './options.js'
import type { AnySpec } from './spec.js'

/** A spec, with its precomputed parts. */
export interface Plan {
  readonly spec: AnySpec
  /** The provided and accepted media types, if they are constant. */
  readonly provided: readonly Provides[] | undefined
  readonly accepted: readonly Accepts[] | undefined
  /** The request headers that the negotiation depends on, and the Vary field that names them. */
  readonly vary: { readonly names: readonly string[]; readonly field: string }
  readonly stream: ResolvedOptions
  readonly bodyLimit: number
  readonly decisionTimeout: number
  readonly trace: Trace | undefined
  readonly problem: Defaults['problem'] | undefined
  /** The key of the spec in its table. */
  readonly route: string | undefined
  readonly owner: Owner
}

/** Whose requests are answered by a plan. */
export interface Owner {
  /** The endpoint, as diagnostics messages name it. */
  readonly endpoint: object
  /** Nobody is told of its requests and streams. */
  readonly isHidden: boolean
}

/** Of answers that belong to no endpoint. */
const nobody: Owner = { endpoint: {}, isHidden: true }

/** The defaults of a table, for all of its entries. */
export interface Defaults {
  /** Options of the held responses of all entries; those of an entry win. */
  stream?: StreamOptions
  /** Listens to the decisions of all entries; the `trace` of an entry wins. */
  trace?: Trace
  /** Gives refusals another body, also that of a path which cannot be decoded; the `problem` of an entry wins. */
  problem?: (problem: Problem, context: ProblemContext<unknown>) => Awaitable<ProblemAnswer>
}

/** Resolves a spec under the defaults of the tables around it. */
export function plan(spec: AnySpec, defaults: Defaults = {}, route?: string, owner = nobody): Plan {
  const names = varyNames(spec)
  return {
    spec,
    provided: isConstant(spec.contentTypesProvided)
      ? provides(spec.contentTypesProvided as Provided<unknown>)
      : undefined,
    accepted: isConstant(spec.contentTypesAccepted)
      ? accepts(spec.contentTypesAccepted as Acceptors<unknown>)
      : undefined,
    vary: { names, field: names.join(', ') },
    stream: resolveOptions(defaults.stream, spec.stream),
    bodyLimit: spec.bodyLimit ?? 2 ** 20,
    decisionTimeout: spec.decisionTimeout ?? 30_000,
    trace: spec.trace ?? defaults.trace,
    problem: spec.problem ?? defaults.problem,
    route,
    owner,
  }
}

/** The defaults of a table within a table: the inner ones win. */
export function mergeDefaults(outer: Defaults, inner: Defaults): Defaults {
  const trace = inner.trace ?? outer.trace
  const problem = inner.problem ?? outer.problem
  return {
    stream: { ...outer.stream, ...inner.stream },
    ...(trace && { trace }),
    ...(problem && { problem }),
  }
}

function isConstant(callback: unknown): boolean {
  return callback !== undefined && typeof callback !== 'function'
}

function varyNames(spec: AnySpec): readonly string[] {
  const names = []
  if (spec.contentTypesProvided !== undefined) names.push('Accept')
  if (spec.languagesProvided !== undefined) names.push('Accept-Language')
  if (spec.charsetsProvided !== undefined) names.push('Accept-Charset')
  if (spec.encodingsProvided !== undefined) names.push('Accept-Encoding')
  return names
}
