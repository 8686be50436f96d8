// The door to the test kit: `stage` runs an app for a test, and opens streams of it.
import { createServer, Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import type { RequestHandler } from 'express'
import type { PlainSpec } from './declare/spec.js'
import { appOf, type Endpoint } from './endpoint.js'
import { show } from './errors.js'
import { wrong } from './rules.js'
import type { StageOptions } from './testing/asking.js'
import { Stage } from './testing/stage.js'

export type { Asking, StageOptions } from './testing/asking.js'
export type { Abilities, Ability, BackendCase } from './testing/backends/abilities.js'
export { conformsAsBackend } from './testing/backends/conforms.js'
export { ManualTime } from './testing/clock.js'
export {
  type CaseName,
  type ConformsCase,
  type ConformsOptions,
  conforms,
} from './testing/conformance/conforms.js'
export type { Overflow, Subject } from './testing/conformance/subject.js'
export { type Leftover, LeftoversError } from './testing/leftovers.js'
export type { Ending, Opened } from './testing/opened.js'
export type { StreamEvent } from './testing/reading.js'
export type { Answered, Stage } from './testing/stage.js'
export {
  type AsyncMemory,
  type AsyncMemoryOptions,
  asyncMemory,
  type Fate,
} from './testing/store/async-memory.js'
export { type Lag, type Moment, randomLag } from './testing/store/moments.js'

/** What a stage serves: an app, an endpoint, a router, a table for `resources`, or a server that does not listen yet. */
export type Staged = RequestHandler | Endpoint | { readonly [path: string]: Endpoint | PlainSpec } | Server

/**
 * Runs an app for a test: it listens on a free port of this machine, and takes over the library's clock.
 *
 * ```ts
 * await using at = await stage(app)
 * const stream = await at.open('/prices', { accept: 'text/event-stream' })
 * await stream.next('tick')
 * ```
 *
 * @throws TypeError for what cannot be served
 */
export async function stage(app: Staged, options: StageOptions = {}): Promise<Stage> {
  return Stage.of(serverOf(app), options)
}

function serverOf(app: unknown): Server {
  if (app instanceof Server) return app
  if (app instanceof NetServer)
    wrong('stage: expected a server of node:http: what else listens (https, http2, net) is not read here')
  if (typeof app === 'function') return createServer('listen' in app ? (app as never) : appOf(app as never))
  if (typeof app === 'object' && app !== null) return createServer(appOf(app as never))
  wrong(
    `stage(${show(app)}): expected an app, an endpoint, a router, a table for resources(), or a server of node:http`,
  )
}
