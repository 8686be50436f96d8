import type { NextFunction, Response } from 'express'
import express from 'express'
import { checkLoop, checkResource, checkStream, traceRule } from './declare/check.js'
import type { Request } from './declare/context.js'
import { type Defaults, plan } from './declare/plan.js'
import type { AnySpec, LoopSpec, PlainSpec, ResourceSpec } from './declare/spec.js'
import { LariatError, Refusal, show } from './errors.js'
import { decideLoop } from './graph/onset.js'
import { type Decide, isTraced, TracedExchange, unsettled } from './graph/trace.js'
import { walk } from './graph/walk.js'
import { closeAfter } from './http/connection.js'
import { hold } from './loop/hold.js'
import { OpenStreams } from './loop/open-streams.js'
import { type Closing, checkClosing } from './loop/shutdown.js'
import { type Awaitable, isPromise } from './promise.js'
import { Exchange, type Outcome } from './request/exchange.js'
import { respond, respondStop } from './respond.js'
import { checkKeys, isObject, wrong } from './rules.js'
import type { OpenStream } from './values/open-stream.js'

type Handler = { bivariant(req: Request, res: Response, next: NextFunction): void }['bivariant']

/** A request handler for `app.use`, `app.all` or a table. It calls `next` only with an error. */
export type Endpoint = Handler & {
  /** The open streams. */
  readonly streams: Iterable<OpenStream>
  /**
   * Answers new requests 503 with Retry-After, ends the open streams cleanly, spread over `over` milliseconds
   * (default 0), and cuts what is left then; an end that a middleware carries out late has a second more. Resolves when
   * all are gone, and keeps the process until then; a second call is the first.
   *
   * @param how `over`; `retryAfter` in seconds (default 5), to which up to as much again is added at random
   */
  close(how?: Closing): Promise<void>
}

/** How an endpoint is made again with a table's defaults. */
const under: unique symbol = Symbol('under')
type Remake = (defaults: Defaults) => Handler
type Made = Endpoint & { [under]: Remake }

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
>(spec: ResourceSpec<State, Sent, Message, Timeout>): Endpoint {
  return makeResource('resource', spec)
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
>(spec: LoopSpec<State, Sent, Message, Timeout>): Endpoint {
  return makeLoop(spec)
}

/**
 * A router for a table of resources and loops, in the path syntax of the Express that is installed.
 *
 * Paths match as a whole; what matches none goes to `next()`. A path that cannot be decoded is answered 400.
 *
 * @param table paths and their specs or endpoints; a spec with `init` or `info` is written `resource({ … })`
 * @param defaults `stream` options and a `trace` for all entries; what an entry has of its own wins
 * @throws TypeError for an entry that is wrong: it names the path and the key; whatever Express throws for a path
 *   that it cannot parse
 */
export function resources(
  table: { readonly [path: string]: Endpoint | PlainSpec },
  defaults: Defaults = {},
): Endpoint {
  checkKeys('resources: defaults', defaults, {
    stream: [isObject, 'an object of stream options'],
    trace: traceRule,
  })
  if (defaults.stream !== undefined) checkStream('resources: defaults', defaults.stream)
  if (!isObject(table)) wrong(`resources: expected a table of paths, not ${show(table)}`)
  const entries = Object.entries(table).map(([path, entry]) => [path, entryOf(path, entry)] as const)
  const make: Remake = (outer) => route(entries, merge(outer, defaults))
  return made(
    make({}),
    {
      *[Symbol.iterator]() {
        for (const [, entry] of entries) yield* entry.streams
      },
    },
    async (how = {}) => {
      checkClosing(how)
      await Promise.all(entries.map(([, entry]) => entry.close(how)))
    },
    make,
  )
}

function route(entries: readonly (readonly [path: string, entry: Made])[], defaults: Defaults): Handler {
  const router = express.Router()
  const passed = new WeakSet<object>()
  for (const [path, entry] of entries) {
    const handler = entry[under](defaults)
    router.all(path, (req, res, next) => {
      handler(req as unknown as Request, res, (error?: unknown) => {
        if (typeof error === 'object' && error !== null) passed.add(error)
        next(error)
      })
    })
  }
  const isUndecodable = (error: unknown) => error instanceof URIError && !passed.has(error)
  return (req, res, next) => {
    router(req as never, res, (error?: unknown) => {
      if (!isUndecodable(error) || res.headersSent) return next(error)
      const x = new Exchange(plain, req, res)
      x.detail = 'The path cannot be decoded.'
      respond(x, 400, next)
    })
  }
}

const plain = plan({})

function entryOf(path: string, entry: Endpoint | PlainSpec): Made {
  if (typeof entry !== 'function') return makeResource(`resources['${path}']`, entry)
  if (under in entry) return entry as Made
  wrong(
    `resources['${path}']: expected a spec, or what resource(), loop() or resources() returned, not ${show(entry)}`,
  )
}

function makeResource(where: string, spec: unknown): Made {
  checkResource(where, spec)
  return endpoint({ ...spec }, walk)
}

function makeLoop(spec: unknown): Made {
  checkLoop(spec)
  const own = { ...spec }
  return endpoint(own, (x, onStep) => decideLoop(x, own, onStep))
}

type Fail = (error: unknown) => void

/** Its streams are its own, wherever it is mounted, and by whichever table. */
function endpoint(spec: AnySpec, decide: Decide): Made {
  const streams = new OpenStreams()
  const make: Remake = (defaults) => handle(spec, defaults, streams, decide)
  return made(make({}), streams, (how) => streams.close(how), make)
}

function handle(spec: AnySpec, defaults: Defaults, streams: OpenStreams, decide: Decide): Handler {
  const planned = plan(spec, defaults)
  const whole = unsettled(planned)
  const { init } = spec
  const begin: Decide = init
    ? (x, onStep) =>
        x.call('init', init, (state) => {
          x.state = state
          return decide(x, onStep)
        }) as Awaitable<Outcome>
    : decide
  return (req, res, next) => {
    if (res.headersSent) {
      return next(new LariatError('LARIAT_SENT', `The head was sent before ${req.originalUrl} was reached`))
    }
    const traced = isTraced(planned) ? new TracedExchange(whole, req, res) : undefined
    const x = traced ?? new Exchange(planned, req, res)
    const fail = (error: unknown) => failed(x, error, next)
    try {
      if (streams.isClosing) return refuse(x, streams, fail)
      const outcome = traced ? traced.decide(begin) : begin(x)
      if (isPromise(outcome))
        outcome.then((each) => act(x, each as Outcome, streams, fail)).then(undefined, fail)
      else act(x, outcome, streams, fail)
    } catch (error) {
      fail(error)
    }
  }
}

function made(
  handler: Handler,
  streams: Endpoint['streams'],
  close: Endpoint['close'],
  remake: Remake,
): Made {
  return Object.assign(handler, {
    streams,
    close: (how?: Closing) => close(how),
    [under]: remake,
  })
}

/** The endpoint is closing: whoever comes is told to come back. */
function refuse(x: Exchange, streams: OpenStreams, fail: Fail): void {
  x.headers['Retry-After'] = String(streams.retryAfter)
  x.detail = 'The server is closing this resource.'
  closeAfter(x.res)
  respond(x, 503, fail)
}

function merge(outer: Defaults, inner: Defaults): Defaults {
  const trace = inner.trace ?? outer.trace
  return { stream: { ...outer.stream, ...inner.stream }, ...(trace && { trace }) }
}

/** Does what a request has come to. */
function act(x: Exchange, outcome: Outcome, streams: OpenStreams, fail: Fail): void {
  switch (outcome.kind) {
    case 'status':
      return respond(x, outcome.status, fail)
    case 'stop':
      return respondStop(x, outcome.stop, fail)
    case 'loop':
      return hold(x, outcome, streams, fail)
    case 'left':
  }
}

/** A refusal is answered; any other error is for the app's own error handler. */
function failed(x: Exchange, error: unknown, next: NextFunction): void {
  if (x.hasLeft && (error instanceof Refusal || isAbort(error))) return
  if (!(error instanceof Refusal) || x.res.headersSent) return next(asError(error))
  x.detail = error.detail
  try {
    respond(x, error.status, next)
  } catch (unsendable) {
    next(unsendable)
  }
}

/** What the signal makes of what it was given to, once the client has gone. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Express takes some values for something else than an error. */
function asError(error: unknown): unknown {
  return error && error !== 'route' && error !== 'router'
    ? error
    : new LariatError('LARIAT_THREW', `A callback threw ${show(error)}: throw an Error`, { cause: error })
}
