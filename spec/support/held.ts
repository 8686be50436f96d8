import { type LoopContext, type LoopSpec, loop, ndjson } from '../../lib/index.js'
import { Log } from './log.js'
import type { Ask } from './raw.js'
import { type ServeOptions, stage } from './stage.js'

export type Context = LoopContext<undefined, unknown>
export type Loop = Partial<LoopSpec<undefined, unknown, unknown, number | undefined>>

/**
 * A held response, its client and the context of its `subscribe`. The log has what the loop did: `subscribe`,
 * `unsubscribe` where the spec brings no `subscribe` of its own, and the kind of the reason.
 */
export async function hold(spec: Loop = {}, ask: Ask & { reads?: boolean } = {}, options: ServeOptions = {}) {
  const log = new Log()
  const contexts: Context[] = []
  const reasons: { kind: string; error?: unknown }[] = []
  const { subscribe = () => () => log.add('unsubscribe'), terminate } = spec
  const site = await stage.now.serve(
    loop<undefined, unknown, unknown, number | undefined>({
      format: ndjson(),
      ...spec,
      subscribe(context) {
        contexts.push(context)
        log.add('subscribe')
        return (subscribe as (context: Context) => undefined)(context)
      },
      terminate(reason, context) {
        reasons.push(reason)
        log.add(reason.kind)
        return terminate?.(reason, context)
      },
    }),
    options,
  )
  const client = site.get('/', ask)
  await log.until('subscribe')
  return { site, client, context: contexts[0] as Context, contexts, log, reasons }
}
