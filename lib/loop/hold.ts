// Turns an outcome into a held response: checks the caps, answers HEAD with the head alone, else starts the loop.
import { misuse } from '../errors.js'
import { discardList } from '../request/discard.js'
import type { Exchange } from '../request/exchange.js'
import type { Fail, Held } from '../request/outcome.js'
import type { Handlers } from './actor.js'
import { clientOf } from './client.js'
import { Head } from './head.js'
import { Loop } from './loop.js'
import type { OpenStreams } from './open-streams.js'

export function hold(x: Exchange, held: Held, streams: OpenStreams, fail: Fail): void {
  const { list } = held
  const handlers = handlersOf(x, list)
  const closeList = () => {
    if (list) discardList(list)
  }
  if (x.hasLeft) return closeList()
  let client: string | undefined
  try {
    client = clientOf(x)
  } catch (error) {
    closeList()
    throw error
  }
  // clientKey may have dropped the connection
  if (x.hasLeft) return closeList()
  const refusal = streams.refusal(client ?? '', x.plan.stream)
  if (refusal) {
    closeList()
    return fail(refusal)
  }
  const head = new Head(x, held, streams, fail)
  if (x.req.method === 'HEAD') {
    closeList()
    return head.finish()
  }
  if (!list) x.asked = 'subscribe'
  new Loop(x, handlers, head, client, streams).start()
}

function handlersOf(x: Exchange, list: Held['list']): Handlers {
  if (list) return { subscribe: () => list }
  const { spec } = x.plan
  if (spec.subscribe) return spec as Handlers
  throw misuse(
    'LARIAT_ANSWER',
    'A callback returned a format, and the spec has no `subscribe` to feed the stream',
  )
}
