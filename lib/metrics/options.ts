// Checks what `metrics` and `openTelemetry` are given.
import { show } from '../errors.js'
import { checkKeys, hasMethod, isFunction, isObject, type Rule, wrong } from '../rules.js'
import type { Hub } from '../values/feed.js'
import { inside } from '../values/inside.js'
import type { ChannelLabels } from './labels.js'
import type { Subjects } from './watched.js'

/** What is measured, as a user writes it. */
export interface Measured<Endpoint> {
  /** The endpoints and tables that are measured. */
  readonly of: Endpoint | readonly Endpoint[]
  /** The hub, or the hubs, whose channels and backends are measured. Default: none. */
  readonly hub?: Hub | readonly Hub[] | undefined
  /**
   * The channels that have a label of their own: their names, or a function that gives the label for a name, such as
   * `user` for `user:17`; it may give 100 labels. All other channels are `other`, which is the default.
   */
  readonly channels?: ChannelLabels | undefined
}

const isEndpoint = (value: unknown) => typeof value === 'function' && inside in value
const isHub = (value: unknown) => isObject(value) && inside in value
const isName = (value: unknown) => typeof value === 'string' && value !== ''

const measured = {
  of: [(value) => value !== undefined, 'an endpoint, or a list of them', 'needed'],
  hub: [(value) => listOf(value).every(isHub), 'a hub of createHub(), or a list of them'],
  channels: [
    (value) => isFunction(value) || (Array.isArray(value) && value.every(isName)),
    "a list of names, or a function such as (name) => name.split(':')[0]",
  ],
} as const satisfies Record<string, Rule>

const ofPrometheus = {
  ...measured,
  prefix: [(value) => /^[a-zA-Z_:][\w:]*$/.test(String(value)) || value === '', "text such as 'lariat_'"],
  register: [(value) => hasMethod(value, 'getSingleMetric'), 'a Registry of prom-client'],
  client: [
    (value) => isObject(value) && isFunction(value.Histogram),
    'prom-client itself, as it is imported',
  ],
} as const satisfies Record<string, Rule>

const ofOpenTelemetry = {
  ...measured,
  meter: [
    (value) => hasMethod(value, 'addBatchObservableCallback'),
    "a meter of OpenTelemetry, such as metrics.getMeter('app')",
    'needed',
  ],
} as const satisfies Record<string, Rule>

/** @throws TypeError that says which option is wrong, and what was expected */
export function checkPrometheus(given: Measured<object>): Subjects {
  return checked('metrics', given, ofPrometheus)
}

/** @throws TypeError that says which option is wrong, and what was expected */
export function checkOpenTelemetry(given: Measured<object>): Subjects {
  return checked('openTelemetry', given, ofOpenTelemetry)
}

function checked(where: string, given: Measured<object>, rules: Readonly<Record<string, Rule>>): Subjects {
  if (isEndpoint(given)) wrong(`${where}(endpoint): expected options: write ${where}({ of: endpoint })`)
  checkKeys(where, given, rules)
  const of = listOf<object>(given.of)
  const stranger = of.find((each) => !isEndpoint(each))
  if (stranger !== undefined)
    wrong(`${where}: \`of\` has ${show(stranger)}: expected what resource(), loop() or resources() returned`)
  return { of, hubs: listOf(given.hub), channels: given.channels ?? [] }
}

function listOf<Each>(value: Each | readonly Each[] | undefined): readonly Each[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as Each]
}
