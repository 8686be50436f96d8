// To copy: serves a GraphQL schema over Server-Sent Events by a resource of express-lariat: the protocol of graphql-sse, in
// distinct connections mode.
import type { Request } from 'express'
import * as graphql from 'graphql'
import { type Event, event, resource, type StreamOptions, sse, stop } from '../../lib/index.js' // elsewhere: 'express-lariat'

const missed = { message: 'Events were missed', extensions: { code: 'MISSED' } }

const next = sse({
  notice(kind, { id }) {
    if (kind === 'end') return event('', { type: 'complete' })
    return kind === 'gap' ? event({ errors: [missed], extensions: { id } }, { type: 'next', id }) : undefined
  },
})

interface Served {
  schema: graphql.GraphQLSchema
  rootValue?: unknown
  createContext?(req: Request): unknown
  /** Gets a line for each operation that has ended. */
  log?(line: string): void
}

interface Params {
  query: string
  variables?: unknown
  operationName?: string
}

/** Mounted at a path: `app.use('/graphql', overSse({ schema }))`. */
export function overSse({ schema, rootValue, createContext, log }: Served, stream: StreamOptions = {}) {
  /** The arguments of an operation; or what is wrong with it, which the protocol wants told in the stream. */
  function read({ query, variables, operationName }: Params, contextValue: unknown) {
    try {
      const document = graphql.parse(query)
      const errors = graphql.validate(schema, document)
      if (errors.length > 0) return { errors }
      const variableValues = Object(typeof variables === 'string' ? JSON.parse(variables) : variables)
      return { args: { schema, document, rootValue, contextValue, variableValues, operationName } }
    } catch (error) {
      return { errors: [error instanceof graphql.GraphQLError ? error : { message: String(error) }] }
    }
  }

  return resource({
    allowedMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
    negotiation: 'lenient',
    init: () => ({ subscription: undefined as graphql.ExecutionArgs | undefined, isFeed: false }),
    contentTypesProvided: [next],
    contentTypesAccepted: { 'application/json': () => next },
    subscribe: async ({ req, json, state }) => {
      const params: Params = Object(req.method === 'GET' ? req.query : await json())
      if (typeof params.query !== 'string') return stop(400, { detail: 'query: expected a string' })
      const { args, errors } = read(params, await createContext?.(req))
      if (errors) return [{ errors }]
      const kind = graphql.getOperationAST(args.document, args.operationName)?.operation
      if (kind === 'mutation' && req.method === 'GET') return stop(405, { headers: { Allow: 'POST' } })
      if (kind !== 'subscription') return [await graphql.execute(args)]
      const source = await graphql.createSourceEventStream(args)
      if (!(Symbol.asyncIterator in source)) return [source]
      Object.assign(state, { subscription: args, isFeed: 'subscribers' in source })
      return source
    },
    // one event at a time: a resolver that takes its time delays this client alone
    info: async (message: unknown, { state: { subscription, isFeed }, write }) => {
      if (!subscription) return write(event(message, { type: 'next' }))
      const { id, data } = isFeed ? (message as Event) : { id: undefined, data: message }
      const result = await graphql.execute({ ...subscription, rootValue: data })
      // the client of graphql-sse shows no ids: they are in the extensions too
      const extensions = id === undefined ? result.extensions : { ...result.extensions, id }
      return write(event({ ...result, extensions }, { type: 'next', id }))
    },
    stream: { endEvent: true, ...stream },
    terminate: ({ kind, error }, { req }) => log?.(`${req.baseUrl}: ${error ?? kind}`),
  })
}
