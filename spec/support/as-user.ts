import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestHandler } from 'express'
import { type Context, type LoopContext, type ResourceSpec, resource, sse } from '../../lib/index.js'
import { Log } from './log.js'
import type { Client } from './raw.js'
import { type ServeOptions, stage, turns } from './stage.js'

export interface Store {
  user: string
}

export const als = new AsyncLocalStorage<Store>()
export const asUser: RequestHandler = (req, _res, next) => als.run({ user: req.get('x-user') ?? '' }, next)

/** Runs something as somebody who is neither of the two who listen. */
export const elsewhere = <T>(run: () => T): T => als.run({ user: 'eve' }, run)

export type Spec = ResourceSpec<undefined, unknown, unknown, number | undefined>
type Held = LoopContext<undefined, unknown>

/** Notes for whom a callback is called, and as whom it runs. */
type Say = (name: string, context: Context<undefined>) => void

export interface Scene {
  readonly log: Log
  readonly contexts: Record<string, Held>
  readonly clients: Record<string, Client>
  readonly endpoint: ReturnType<typeof resource>
}

/** Whose store is found here. */
export const who = () => als.getStore()?.user ?? 'nobody'

/** Two streams that are held, of Ada and then of Bob; the log has what was called since. */
export async function two(make: (say: Say, log: Log) => Spec, options: ServeOptions = {}): Promise<Scene> {
  const log = new Log()
  const contexts: Scene['contexts'] = {}
  const clients: Scene['clients'] = {}
  const say: Say = (name, { req }) => log.add(`${req.get('x-user')}: ${name} as ${who()}`)
  const { subscribe = () => {}, ...spec } = make(say, log)
  const endpoint = resource<undefined, unknown, unknown, number | undefined>({
    contentTypesProvided: [sse()],
    ...spec,
    subscribe:
      typeof subscribe !== 'function'
        ? subscribe
        : (context) => {
            contexts[context.req.get('x-user') as string] = context
            return (subscribe as (context: Held) => undefined)(context)
          },
  })
  const site = await stage.now.serve(endpoint, { before: [asUser], ...options })
  for (const user of ['ada', 'bob']) {
    const client = site.get('/', { headers: { 'x-user': user } })
    await client.head()
    clients[user] = client
  }
  await turns()
  log.entries.length = 0
  return { log, contexts, clients, endpoint }
}
