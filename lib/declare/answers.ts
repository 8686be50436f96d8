// What the callbacks of a spec may answer: the types.
import type { Format } from '../formats/format.js'
import type { Awaitable } from '../promise.js'
import type { Body } from '../values/body.js'
import type { Once } from '../values/once.js'
import type { Stop } from '../values/stop.js'
import type { Context } from './context.js'

/** A constant, or a function of the context, synchronous or not, that may also stop. */
export type Callback<State, T> = T | ((context: Context<State>) => Awaitable<T | Stop>)

/** What provides a media type: a format to stream in, or a function that returns what to answer. */
export type Provider<State> = Format | ((context: Context<State>) => Awaitable<Body | Format | Once | Stop>)
export type Provided<State> = readonly Format[] | { readonly [mediaType: string]: Provider<State> }

/** What an accept callback answers. */
export type Accepted =
  | boolean
  | { body: Body }
  | { created: string | URL; body?: Body }
  | { seeOther: string | URL; body?: Body }
  | Format
  | Once
  | Stop
export type Acceptors<State> = {
  readonly [mediaType: string]: (context: Context<State>) => Awaitable<Accepted>
}
