// Makes request handlers of specs and tables: `resource`, `loop` and `resources`. The only file that imports Express.
import type { Express, NextFunction, RequestHandler, Response } from 'express'
import express from 'express'
import { checkDefaults, checkFormats, checkLoop, checkResource, checkTable } from './declare/check.js'
import type { Request } from './declare/context.js'
import { type Defaults, mergeDefaults, type Plan, plan } from './declare/plan.js'
import type { AnySpec, Informed, LoopSpec, PlainSpec, ResourceSpec, Snapped } from './declare/spec.js'
import { show } from './errors.js'
import { onset } from './graph/onset.js'
import { checkReach } from './graph/reach.js'
import { shorten, whole } from './graph/shorten.js'
import { type First, handle, type MountedHandler } from './handle.js'
import type { Endpoint, Requested, Table } from './loop/endpoint.js'
import { insideOf } from './loop/inside.js'
import { OpenStreams } from './loop/open-streams.js'
import { type Closing, checkClosing } from './loop/shutdown.js'
import { Exchange } from './request/exchange.js'
import { passOn } from './request/failure.js'
import type { Fail } from './request/outcome.js'
import { respond } from './respond.js'
import { wrong } from './rules.js'
import { inside, isHidden, type WithEndpoints } from './values/inside.js'
import type { Absent, SentBy } from './values/sends.js'

export type { Endpoint, Table }

/**
 * Middleware for one resource: REST first, loop after.
 *
 * Walks the decision graph with the spec's callbacks, then answers, or holds the response open and streams.
 * `app.use('/p', resource(spec))` answers everything at and below `/p`; `app.all('/p', …)` a whole path.
 *
 * @throws TypeError for a spec that is wrong: it names the key and says what was expected
 */
export function resource<
  State = undefined,
  Sent = unknown,
  Message = Sent,
  Timeout extends number | undefined = undefined,
  Answer extends Informed | Absent = Informed | Absent,
  Whole extends Snapped | Absent = Snapped | Absent,
>(
  spec: ResourceSpec<State, Sent, Message, Timeout, Answer, Whole>,
): Endpoint<NoInfer<State>, SentBy<Sent, Message, Answer, Whole>> {
  return makeResource('resource', spec) as Endpoint<State, SentBy<Sent, Message, Answer, Whole>>
}

/**
 * Middleware that is a loop from the onset: no negotiation; GET and HEAD, 405 for the rest.
 *
 * @throws TypeError for a spec that is wrong: it names the key and says what was expected
 */
export function loop<
  State = undefined,
  Sent = unknown,
  Message = Sent,
  Timeout extends number | undefined = undefined,
  Answer extends Informed | Absent = Informed | Absent,
  Whole extends Snapped | Absent = Snapped | Absent,
>(
  spec: LoopSpec<State, Sent, Message, Timeout, Answer, Whole>,
): Endpoint<NoInfer<State>, SentBy<Sent, Message, Answer, Whole>> {
  return makeLoop(spec) as Endpoint<State, SentBy<Sent, Message, Answer, Whole>>
}

/**
 * A router for a table of resources and loops, in the path syntax of the Express that is installed.
 *
 * Paths match as a whole; a request that matches none goes to `next()`. A path that cannot be decoded is answered 400.
 *
 * @param table paths and their specs or endpoints; a spec with `init` or `info` is written `resource({ … })`
 * @param defaults `stream` options, a `trace` and a `problem` for all entries, endpoints and tables among them; those of
 *   an entry win
 * @throws TypeError for an entry that is wrong: it names the path and the key; and the error of Express for a path that
 *   it cannot parse
 */
export function resources<const Entries extends { readonly [path: string]: Endpoint | PlainSpec }>(
  table: Entries,
  defaults: Defaults = {},
): Table<NoInfer<Entries>> {
  checkDefaults('resources: defaults', defaults)
  checkTable(table)
  const entries = Object.entries(table).map(([path, entry]) => [path, entryOf(path, entry)] as const)
  return endpoint(
    (outer) => route(entries, mergeDefaults(outer, defaults)),
    {
      *[Symbol.iterator]() {
        for (const [, entry] of entries) yield* entry.streams
      },
    },
    async (how = {}) => {
      checkClosing(how)
      await Promise.all(entries.map(([, entry]) => entry.close(how)))
    },
    () => entries.flatMap(([, entry]) => [...entry[inside]()]),
  )
}

/** An app that serves a handler, or a table, and nothing else. It prints no errors. */
export function appOf(handler: RequestHandler | { readonly [path: string]: Endpoint | PlainSpec }): Express {
  const app = express()
  app.set('env', 'test')
  app.use(typeof handler === 'function' ? handler : resources(handler))
  return app
}

// ---- making endpoints

/** A table mounts its entries under its defaults. */
const mount: unique symbol = Symbol.for('express-lariat.mount') as never
/** @param route the key of the endpoint in its table */
type Mount = (defaults: Defaults, route?: string) => MountedHandler
type Entry = Endpoint & WithEndpoints & { readonly [mount]: Mount }

function endpoint(
  mounted: Mount,
  streams: Endpoint['streams'],
  close: (how?: Closing) => Promise<void>,
  endpoints: WithEndpoints[typeof inside],
): Entry {
  const unmounted = mounted({})
  // Express tells handlers from error handlers by the number of their parameters
  const handler = (req: Requested, res: Response, next: NextFunction): void =>
    unmounted(req as Request, res, next)
  return Object.assign(handler, {
    streams,
    close: (how?: Closing) => close(how),
    [mount]: mounted,
    [inside]: endpoints,
  })
}

function entryOf(path: string, entry: Endpoint | PlainSpec): Entry {
  if (typeof entry !== 'function') return makeResource(`resources['${path}']`, entry)
  if (mount in entry) return entry as Entry
  wrong(
    `resources['${path}']: expected a spec, or what resource(), loop() or resources() returned, not ${show(entry)}` +
      `. A handler or a router of Express is mounted by app.use('${path}', …)`,
  )
}

function makeResource(where: string, spec: unknown): Entry {
  checkResource(where, spec)
  checkReach(where, spec)
  checkFormats(where, spec)
  const own = { ...spec }
  return walking(own, { usual: shorten(own), traced: whole })
}

function makeLoop(spec: unknown): Entry {
  checkLoop(spec)
  return walking({ ...spec } as unknown as AnySpec, { usual: onset, traced: onset })
}

/** An endpoint that walks a graph. It has one list of streams, wherever it is mounted. */
function walking(spec: AnySpec, first: First): Entry {
  const streams = new OpenStreams(isHidden(spec))
  const mounts: Plan[] = []
  const mounted: Mount = (defaults, route) => {
    const planned = plan(spec, defaults, route, streams)
    mounts.push(planned)
    return handle(planned, first, streams)
  }
  const close = (how?: Closing) => streams.close(how)
  const made = endpoint(mounted, streams, close, () => [insideOf(streams, mounts)])
  streams.endpoint = made
  return made
}

// ---- finding the entry of a table

/**
 * The router only finds the entry and sets `req.params`. The entry is called after the router has returned, and with
 * the `req.next` from before: a held response would otherwise keep all that the router made for its request.
 */
function route(
  entries: readonly (readonly [path: string, entry: Entry])[],
  defaults: Defaults,
): MountedHandler {
  const router = express.Router()
  const unmatched = plan({}, defaults)
  let found: MountedHandler | undefined
  /** Continues the router, if the entry that it found is a table without a match. */
  let onward: NextFunction
  for (const [path, entry] of entries) {
    const handler = entry[mount](defaults, path)
    router.all(path, (_req, _res, next) => {
      found = handler
      onward = next
    })
  }
  return (req, res, next, fail = restoring(req, next)) => {
    const { next: nextBefore } = req
    const enter = () => {
      const handler = found
      const goOn = onward
      if (!handler) return
      found = undefined
      if (nextBefore) req.next = nextBefore
      handler(
        req,
        res,
        () => {
          goOn()
          enter()
        },
        fail,
      )
    }
    found = undefined
    router(req as never, res, (error?: unknown) => {
      if (error === undefined || error === null) next()
      else if (error instanceof URIError && !res.headersSent) respondUndecodable(unmatched, req, res, fail)
      else fail(error)
    })
    enter()
  }
}

/** Passes an error to `next` with the request restored, as a router does for its handlers. */
function restoring(req: Request, next: NextFunction): NextFunction {
  const { baseUrl, params } = req
  return (error) => {
    req.baseUrl = baseUrl
    req.params = params
    next(error)
  }
}

function respondUndecodable(planned: Plan, req: Request, res: Response, fail: Fail): void {
  const x = new Exchange(planned, req, res)
  x.draft.detail = 'The path cannot be decoded.'
  respond(x, 400, (error) => passOn(res, error, fail))
}
