import http from 'node:http'
import { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import { plan } from '../../lib/declare/plan.js'
import type { Question } from '../../lib/graph/graph.js'
import { shorten } from '../../lib/graph/shorten.js'
import { type Listener, walk } from '../../lib/graph/walk.js'
import { isPromise } from '../../lib/promise.js'
import { Exchange } from '../../lib/request/exchange.js'
import type { Outcome } from '../../lib/request/outcome.js'
import { type Asked, Site, type Spec, withSite } from './http.js'

export type Step = readonly [question: Question, answer: boolean]

/** Listens to a walk, and notes its steps. */
export function toSteps(steps: Step[]): Listener {
  return {
    asking() {},
    answered: ({ question }, answer) => steps.push([question as Question, answer]),
  }
}

export interface Walked {
  readonly steps: readonly Step[]
  /** What the walk came to: a status, or the kind of another outcome. */
  readonly end: number | Exclude<Outcome['kind'], 'status'>
  /** Whether a promise was made on the way. */
  readonly isAsync: boolean
}

/** A site that walks the graph for a request, without a connection, and answers with nothing of it. */
export class WalkSite extends Site {
  #walked: Walked | undefined
  #failed: unknown

  constructor(spec: () => Spec) {
    const handler: RequestHandler = (req, res, next) => {
      const steps: Step[] = []
      const done = (outcome: Outcome, isAsync: boolean) => {
        this.#walked = { steps, end: outcome.kind === 'status' ? outcome.status : outcome.kind, isAsync }
        res.end()
      }
      const failed = (error: unknown) => {
        this.#failed = error
        next(error)
      }
      try {
        const given = spec() as never
        const exchange = new Exchange(plan(given), req as never, res)
        const outcome = walk(exchange, shorten(given), toSteps(steps))
        if (isPromise(outcome)) outcome.then((each) => done(each as Outcome, true)).then(undefined, failed)
        else done(outcome, false)
      } catch (error) {
        failed(error)
      }
    }
    super({ mount: (app) => app.use(handler) })
  }

  /** There is nothing to listen on. */
  override async open(): Promise<this> {
    return this
  }

  override close(): void {}

  async walk(asked: Asked): Promise<Walked> {
    this.#walked = undefined
    this.#failed = undefined
    const req = requestOf(asked)
    const res = new http.ServerResponse(req)
    res.assignSocket(req.socket)
    await new Promise((resolve) => {
      res.once('finish', resolve)
      this.app(req as never, res as never)
    })
    if (!this.#walked) throw this.#failed
    return this.#walked
  }
}

/** A socket that is connected to nothing, and takes what is written. */
class Nowhere extends Socket {
  override _writev(_chunks: unknown, done: () => void): void {
    done()
  }

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done()
  }
}

/** A request as Node's parser makes it, on a socket that is connected to nothing. */
function requestOf({ method = 'GET', url = '/', headers = {}, body }: Asked): http.IncomingMessage {
  const fields = Object.entries({
    host: 'spec',
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  })
  const req = new http.IncomingMessage(new Nowhere())
  req.httpVersion = '1.1'
  req.httpVersionMajor = 1
  req.httpVersionMinor = 1
  req.method = method
  req.url = url
  req.headers = Object.fromEntries(
    fields.map(([name, value]) => [name.toLowerCase(), [value].flat().join(', ')]),
  )
  req.rawHeaders = fields.flatMap(([name, value]) => [value].flat().flatMap((each) => [name, each]))
  if (body !== undefined) req.push(body)
  req.push(null)
  req.complete = true
  return req
}

/** The walk of one request. */
export function walked(spec: Spec, asked: Asked = {}): Promise<Walked> {
  return withSite(new WalkSite(() => spec), (site) => (site as WalkSite).walk(asked))
}
