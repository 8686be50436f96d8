// The door to the test kit: `stage` runs an app for a test, and opens streams of it.
import { createServer, Server } from 'node:http'
import type { RequestHandler } from 'express'
import type { PlainSpec } from './declare/spec.js'
import { appOf, type Endpoint } from './endpoint.js'
import { show } from './errors.js'
import { wrong } from './rules.js'
import { Stage, type StageOptions } from './testing/stage.js'

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
export type { Answered, Asking, Stage, StageOptions } from './testing/stage.js'

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
  if (typeof app === 'function') return createServer('listen' in app ? (app as never) : appOf(app as never))
  if (typeof app === 'object' && app !== null) return createServer(appOf(app as never))
  wrong(`stage(${show(app)}): expected an app, an endpoint, a router, a table for resources(), or a server`)
}
