// Makes a question of the graph from its parts: the callback it asks, the methods it applies to, its default.
import { type CallbackName, callbacks, type Value } from '../declare/callbacks.js'
import type { Awaitable } from '../promise.js'
import { ask } from '../request/callback.js'
import type { Exchange } from '../request/exchange.js'
import type { Answer } from '../request/outcome.js'

/** Facts known before a request. Shortening, reachability and traces read them. */
interface Facts {
  /** The answer when the callback is absent or a constant equal to its default: the question is then skipped. */
  readonly byDefault?: boolean
  /** The methods for which the question is asked. For all others the answer is `otherwise`, no by default. */
  readonly onlyFor?: (method: string) => boolean
  readonly otherwise?: boolean
  /** The question does something, and its answer is always yes. */
  readonly isPassed?: boolean
  /** The choice made from the callback's offer. A trace shows it instead of the offer. */
  readonly choice?: (x: Exchange) => string | undefined
  /** The question decides nothing, so a trace leaves it out. */
  readonly isSilent?: boolean
}

/** A question of a graph. */
export interface Resolver extends Facts {
  /** The callback whose answer decides. */
  readonly asks?: CallbackName
  /** The other callbacks that may be asked on the way. */
  readonly also?: readonly CallbackName[]
  /** Callbacks that are asked only to describe what another method does: to be described is not to be reached. */
  readonly describes?: readonly CallbackName[]
  readonly answer: (x: Exchange) => Awaitable<Answer>
}

type Judge<Name extends CallbackName> = (value: Value<Name>, x: Exchange) => Awaitable<Answer>

/** Asks a callback that the question names, and no other. */
export type Ask<Names extends CallbackName> = <Name extends Names>(
  x: Exchange,
  name: Name,
  judge: Judge<Name>,
) => Awaitable<Answer>

interface Parts<Name extends CallbackName, Also extends CallbackName> extends Facts {
  readonly asks?: Name
  readonly also?: readonly Also[]
  readonly describes?: readonly Also[]
  readonly answer: (x: Exchange, ask: Ask<Name | Also>) => Awaitable<Answer>
}

/** A question that asks callbacks itself. Its `ask` accepts only the callbacks that it names. */
export function question<Name extends CallbackName = never, Also extends CallbackName = never>(
  parts: Parts<Name, Also>,
): Resolver {
  const { answer, onlyFor, otherwise = false } = parts
  if (!onlyFor) return { ...parts, answer: (x) => answer(x, ask) }
  return { ...parts, answer: (x) => (onlyFor(x.req.method) ? answer(x, ask) : otherwise) }
}

/** A question that one callback answers. */
export function byCallback<Name extends CallbackName>(
  name: Name,
  judge: Judge<Name>,
  facts: Facts = {},
): Resolver {
  return { ...facts, asks: name, answer: (x) => ask(x, name, judge) }
}

/** The callbacks that answer only true or false. */
type Flag = { [Name in CallbackName]: Value<Name> extends boolean ? Name : never }[CallbackName]

/** A question whose answer is the callback's answer. */
export function flag<Name extends Flag>(name: Name): Resolver {
  return byCallback(name, (value) => value as boolean, { byDefault: callbacks[name].fallback as boolean })
}

/** A question about the method alone. */
export function isMethod(onlyFor: (method: string) => boolean): Resolver {
  return question({ onlyFor, isPassed: true, answer: () => true })
}
