// To copy: serves the subscriptions of a tRPC router by a resource of express-lariat, in tRPC's wire format.
import * as trpc from '@trpc/server'
import type { Request } from 'express'
import { event, type Feed, format, resource, type StreamOptions, sse } from '../../lib/index.js' // elsewhere: 'express-lariat'

const missed = () => new trpc.TRPCError({ code: 'PRECONDITION_FAILED', message: 'Events were missed' })

/** For a subscription to return: the resource takes the feed, and whoever else calls the procedure iterates. */
export function live<T>(feed: Feed<T>) {
  async function* events() {
    for await (const { id, type, data } of feed) {
      if (type === 'gap') throw missed()
      yield trpc.tracked(id!, data)
    }
  }
  return Object.assign(events(), { feed })
}

/** Mounted at a path with a `:path`, the name of the subscription. */
export function subscriptions<Router extends trpc.AnyTRPCRouter>(
  router: Router,
  createContext: (options: { req: Request }) => trpc.inferRouterContext<Router>,
  { heartbeat = 5000, ...stream }: StreamOptions = {},
  log = (_line: string) => {},
) {
  const config = router._def._config as trpc.TRPCRootConfig<trpc.AnyTRPCRootTypes>
  const { input, output } = config.transformer
  const { encode } = sse({ serialize: (data) => JSON.stringify(output.serialize(data)) })
  const frame = (data: unknown, type: string, id?: string) => encode(event(data, { type, id }))

  const failure = (cause: unknown, path?: string) => {
    const error = trpc.getTRPCErrorFromUnknown(cause)
    const call = { type: 'subscription', path, input: undefined, ctx: undefined } as const
    return trpc.getTRPCErrorShape({ config, error, ...call })
  }

  const client = heartbeat ? { reconnectAfterInactivityMs: 3 * heartbeat } : {}
  const wire = format({
    mediaType: 'text/event-stream',
    open: sse().encode(event(client, { type: 'connected', retry: 1000 })),
    heartbeat: frame('', 'ping'),
    encode,
    notice(kind, { id }) {
      if (kind === 'position') return frame('', 'ping', id) // a place to come back to, before the first event
      if (kind === 'gap') return frame(failure(missed()), 'serialized-error')
      return kind === 'end' ? frame('', 'return') : ''
    },
  })

  async function* pulled(path: string, values: Promise<AsyncIterable<unknown>>) {
    try {
      for await (const value of await values)
        yield trpc.isTrackedEnvelope(value) ? event(value[1], { id: value[0] }) : value
    } catch (error) {
      yield event(failure(error, path), { type: 'serialized-error' })
      throw error
    }
  }

  return resource({
    contentTypesProvided: [wire],
    subscribe: async ({ req, lastEventId, signal }) => {
      const path = String(req.params.path)
      const call = { router, path, type: 'subscription', signal, batchIndex: 0 } as const
      const getRawInput = async () => withPlace(read(req.query.input), lastEventId)
      const answer = async () =>
        trpc.callTRPCProcedure({ ...call, getRawInput, ctx: await createContext({ req }) })
      const values = answer()
      return (await values.catch(() => undefined))?.feed ?? pulled(path, values)
    },
    stream: { heartbeat, endEvent: true, ...stream },
    terminate: ({ kind, error }, { req }) => log(`${req.params.path}: ${error ?? kind}`),
  })

  function read(text: unknown): unknown {
    try {
      return text === undefined ? undefined : input.deserialize(JSON.parse(String(text)))
    } catch (cause) {
      throw new trpc.TRPCError({ code: 'BAD_REQUEST', cause })
    }
  }
}

/** As tRPC does: the last id of a client that comes back is in the input. */
const withPlace = (input: unknown, lastEventId?: string) =>
  lastEventId !== undefined && (input === undefined || typeof input === 'object')
    ? { ...input, lastEventId }
    : input
