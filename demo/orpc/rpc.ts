// To copy: serves an oRPC router, what event iterators yield by a resource of express-lariat, all else by oRPC.
import { COMMON_ORPC_ERROR_DEFS, toORPCError } from '@orpc/client'
import { StandardRPCJsonSerializer, StandardRPCSerializer } from '@orpc/client/standard'
import { type AnyRouter, getEventMeta, ORPCError, withEventMeta } from '@orpc/server'
import { BodyLimitPlugin, RPCHandler } from '@orpc/server/node'
import type { NextFunction, Request, Response } from 'express'
import { event, type Feed, resource, type StreamOptions, sse } from '../../lib/index.js' // elsewhere: 'express-lariat'

const missed = () => new ORPCError('PRECONDITION_FAILED', { message: 'Events were missed' })

/** For a procedure to return: the resource takes the feed, and whoever else calls the procedure iterates. */
export function live<T extends object>(feed: Feed<T>) {
  async function* events() {
    for await (const { id, type, data } of feed) {
      if (type === 'gap') throw missed()
      yield withEventMeta(data, { id })
    }
  }
  return Object.assign(events(), { feed })
}

const serializer = new StandardRPCSerializer(new StandardRPCJsonSerializer())
const failure = (error: unknown, id?: string) => event(toORPCError(error).toJSON(), { type: 'error', id })

const wire = sse({
  serialize: (data) => JSON.stringify(serializer.serialize(data)),
  notice(kind, { id }) {
    if (kind === 'end') return event(undefined, { type: 'done' })
    if (kind === 'gap') return failure(missed(), id)
    // an error, which the retry plugin comes back from: its client takes an end for the end
    return kind === 'reconnect' ? failure(new ORPCError('SERVICE_UNAVAILABLE')) : undefined
  },
})

async function* pulled(iterator: AsyncIterator<unknown>): AsyncGenerator<unknown, void, void> {
  try {
    for (;;) {
      const { done, value } = await iterator.next()
      const { id, retry } = getEventMeta(value) ?? {}
      yield event(value, { id, retry, type: done ? 'done' : undefined })
      if (done) return
    }
  } catch (error) {
    yield failure(error)
    throw error
  } finally {
    await iterator.return?.()
  }
}

type Output = AsyncIterator<unknown> & { feed?: Feed<unknown> }

/** Mounted at a path: `app.use('/rpc', rpc(router, …))`. A procedure's context has the request besides. */
export function rpc(
  router: AnyRouter,
  createContext: (req: Request) => object,
  stream: StreamOptions = {},
  log = (_line: string) => {},
) {
  const outputs = new WeakMap<Request, Output>()
  const handler = new RPCHandler(router, {
    plugins: [new BodyLimitPlugin({ maxBodySize: 1 << 20 })],
    clientInterceptors: [
      async ({ context, next }) => {
        const output = await next()
        if (typeof Object(output).next === 'function') outputs.set(context.req, output as Output)
        return output
      },
    ],
    interceptors: [
      async ({ context, next }) => {
        const result = await next()
        return outputs.has(context.req) ? { matched: false, response: undefined } : result
      },
    ],
  })

  const streams = resource({
    allowedMethods: ['GET', 'HEAD', 'POST'],
    negotiation: 'lenient',
    contentTypesProvided: [wire],
    contentTypesAccepted: { '*/*': () => wire },
    subscribe: ({ req }) => outputs.get(req)?.feed ?? pulled(outputs.get(req)!),
    stream: { heartbeat: 5000, endEvent: true, ...stream },
    terminate: ({ kind, error }, { req }) => log(`${req.path}: ${error ?? kind}`),
    problem: ({ status, detail = '' }) => {
      const code = Object.entries(COMMON_ORPC_ERROR_DEFS).find(([, each]) => each.status === status)?.[0]
      const error = new ORPCError(code ?? 'REFUSED', { status, message: detail })
      return { body: { json: error.toJSON() }, headers: { 'Content-Type': 'application/json' } }
    },
  })

  function serve(req: Request, res: Response, next: NextFunction) {
    const context = { ...createContext(req), req }
    handler.handle(req, res, { prefix: req.baseUrl as `/${string}`, context }).then(({ matched }) => {
      if (outputs.has(req)) streams(req, res, next)
      else if (!matched) next()
    }, next)
  }
  return Object.assign(serve, { close: streams.close })
}
