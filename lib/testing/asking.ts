// What a test says of a stage, and of a request to it: checked, so that a slip of the pen is told, and made into a request.
import { checkKeys, isFunction, isObject, type Rule, type Rules } from '../rules.js'
import type { Ask } from './connection.js'
import type { ReadAs } from './reading.js'

export interface StageOptions {
  /** Milliseconds of real time that something may take to come. Default 5,000. */
  readonly within?: number
  /**
   * Closes what the app has beside its connections, such as a hub. Called by `close()` when all clients of the stage have
   * left, and waited for before it looks for what is left.
   */
  readonly onClose?: () => unknown
}

/** A request. */
export interface Asking extends ReadAs {
  /** Default GET. */
  readonly method?: string
  /** The Accept field. */
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as Last-Event-ID. */
  readonly lastEventId?: string | undefined
  /** Text and bytes are sent as they are; anything else as JSON, with its Content-Type. */
  readonly body?: unknown
  /** Default 1.1. */
  readonly http?: '1.0' | '1.1'
  /** Milliseconds of real time that something may take to come. Default: as the stage says. */
  readonly within?: number
}

const text: Rule = [(value) => typeof value === 'string', 'a string']
const milliseconds: Rule = [(value) => typeof value === 'number' && value > 0, 'milliseconds, more than 0']
const callback: Rule = [isFunction, 'a function']

const ofStage: Rules = { within: milliseconds, onClose: callback }

const ofRequest: Rules = {
  method: text,
  accept: text,
  headers: [isObject, 'an object of names and values'],
  lastEventId: text,
  body: [() => true, 'anything'],
  http: [(value) => value === '1.0' || value === '1.1', "'1.0' or '1.1'"],
  within: milliseconds,
  parse: callback,
  envelope: [(value) => typeof value === 'boolean', 'true or false'],
}

/** @throws TypeError */
export function checkOptions(options: StageOptions): void {
  checkKeys('stage', options, ofStage)
}

/** @throws TypeError */
export function checkAsking(path: string, asking: Asking): void {
  checkKeys(path, asking, ofRequest)
}

export function askOf({ method, accept, headers, lastEventId, body, http = '1.1' }: Asking): Ask {
  const isPlain = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  return {
    ...(method !== undefined && { method }),
    version: http,
    headers: {
      ...(accept !== undefined && { Accept: accept }),
      ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
      ...(!isPlain && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: isPlain ? (body as string | Uint8Array) : JSON.stringify(body) }),
  }
}
