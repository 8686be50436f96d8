// Checks the options of an inspector, and says what it shows: which endpoints and which hubs.
import type { Context } from '../declare/context.js'
import { show } from '../errors.js'
import type { Endpoint } from '../loop/endpoint.js'
import type { Awaitable } from '../promise.js'
import { aBoolean, checkKeys, hasMethod, isFunction, type Rules, wrong } from '../rules.js'
import type { Hub } from '../values/feed.js'
import {
  type EndpointInside,
  type HubInside,
  inside,
  type WithEndpoints,
  type WithHub,
} from '../values/inside.js'
import type { Stop } from '../values/stop.js'

/** What an inspector shows, and to whom. */
export interface InspectorOptions {
  /** What `resource()`, `loop()` or `resources()` returned: one, or a list. Nothing of other endpoints is shown. */
  readonly of: Endpoint | readonly Endpoint[]
  /** The hub whose channels are shown, or a list. Default: none. */
  readonly hub?: Hub | readonly Hub[]
  /**
   * Decides who may look: true; a challenge, or several, for 401; false for 403; or a `stop()`. Asked for every request,
   * and every 5 seconds on the inspector's own streams. Default: requests of this machine alone, that came through no
   * proxy; needed with `NODE_ENV=production`.
   */
  readonly isAuthorized?: (
    context: Context<undefined>,
  ) => Awaitable<boolean | string | readonly string[] | Stop>
  /** Lets those who may look close streams, end channels and publish. Default false. */
  readonly actions?: boolean
  /** Shows the data of events too, not only their ids, types and sizes. Default false. */
  readonly payloads?: boolean
}

/** The options, read. */
export interface Inspected {
  readonly endpoints: readonly EndpointInside[]
  readonly hubs: readonly Hub[]
  readonly isAuthorized: InspectorOptions['isAuthorized']
  readonly actions: boolean
  readonly payloads: boolean
}

const rules: Rules = {
  of: [
    (value) => isOneOrMore(value, isEndpoint),
    'an endpoint, or a list of endpoints: what resource(), loop() or resources() returned',
    'needed',
  ],
  hub: [(value) => isOneOrMore(value, isHub), 'a hub, or a list of hubs: what createHub() returned'],
  isAuthorized: [
    isFunction,
    'a function of the context that returns true, false, a challenge or a stop(); write () => true where everyone who comes this far may look',
  ],
  actions: aBoolean,
  payloads: aBoolean,
}

/**
 * Reads the options.
 *
 * @throws TypeError that names the option, says what came and what was expected
 */
export function inspected(options: InspectorOptions): Inspected {
  checkGiven(options)
  checkKeys('inspector', options, rules)
  const { of, hub = [], isAuthorized, actions = false, payloads = false } = options
  if (!isAuthorized && process.env.NODE_ENV === 'production')
    wrong(
      'inspector: `isAuthorized` is missing, and NODE_ENV is production: expected a function that decides who may look, ' +
        "such as ({ req }) => req.get('authorization') === 'Bearer …' || 'Bearer realm=\"inspector\"'",
    )
  return {
    endpoints: listOf(of).flatMap((each) => [...(each as unknown as WithEndpoints)[inside]()]),
    hubs: listOf(hub),
    isAuthorized,
    actions,
    payloads,
  }
}

/** What lies behind a hub at this moment. */
export function insideOf(hub: Hub): HubInside {
  return (hub as unknown as WithHub)[inside]
}

/** The likeliest mistake: the endpoint itself in the place of the options. */
function checkGiven(options: unknown): void {
  if (isEndpoint(options))
    wrong('inspector(endpoint): this is the endpoint itself: expected { of: endpoint }')
  if (isHub(options)) wrong('inspector(hub): this is the hub itself: expected { of: endpoint, hub }')
  if (Array.isArray(options)) wrong(`inspector(${show(options)}): expected { of: [endpoint, …] }`)
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T]
}

function isOneOrMore(value: unknown, is: (value: unknown) => boolean): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(is) : is(value)
}

function isEndpoint(value: unknown): boolean {
  return isFunction(value) && isFunction((value as { [inside]?: unknown })[inside])
}

function isHub(value: unknown): boolean {
  return hasMethod(value, 'channel') && typeof (value as { [inside]?: unknown })[inside] === 'object'
}
