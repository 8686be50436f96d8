// Acts on what is shown: closes a stream, ends a channel, publishes to one.
import type { Context } from '../declare/context.js'
import { LariatError, show } from '../errors.js'
import { isObject } from '../rules.js'
import type { Channel } from '../values/feed.js'
import { type Stop, stop } from '../values/stop.js'
import { cut } from './text.js'

/** Ends a channel for good. A store that is away says so. */
export async function end(channel: Channel<unknown>): Promise<true | Stop> {
  try {
    await channel.end()
    return true
  } catch (error) {
    return refusalOf(error)
  }
}

/** Publishes `{ data, type? }`, and answers `{ id }`. */
export async function publish(
  channel: Channel<unknown>,
  { json }: Context<undefined>,
): Promise<{ readonly body: { readonly id: string } } | Stop> {
  const message = await json()
  if (!isObject(message) || !('data' in message))
    return stop(400, { detail: `The body is ${cut(show(message), 60)}: expected { data, type? }` })
  const { data, type } = message
  if (type !== undefined && typeof type !== 'string')
    return stop(400, { detail: `type is ${cut(show(type), 60)}: expected text` })
  try {
    return { body: { id: await channel.publish(data, type === undefined ? {} : { type }) } }
  } catch (error) {
    return refusalOf(error)
  }
}

function refusalOf(error: unknown): Stop {
  if (error instanceof LariatError)
    return stop(error.code === 'LARIAT_ENDED' ? 409 : 503, { detail: cut(error.message) })
  if (error instanceof TypeError) return stop(400, { detail: cut(error.message) })
  throw error
}
