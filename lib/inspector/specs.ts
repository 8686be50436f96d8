// Describes the inspector's own resources, as specs: the page, its feeds, and its actions.
import type { Context, LoopContext } from '../declare/context.js'
import type { ResourceSpec } from '../declare/spec.js'
import { sse } from '../formats/sse.js'
import { event } from '../values/event.js'
import { hidden } from '../values/inside.js'
import { stop } from '../values/stop.js'
import { end, publish } from './actions.js'
import { Closing } from './closing.js'
import { entrance, furnish, isForOthers, isFromElsewhere } from './entrance.js'
import { Items } from './items.js'
import { Looking } from './looking.js'
import type { Inspected } from './options.js'
import { type Asset, withSlash } from './page.js'
import { isMistake, parametersOf, type Query, queryOf } from './query.js'
import type { Recorder } from './record.js'
import { tailChannel, tailStream } from './tail.js'
import { Views } from './views.js'

type Spec = ResourceSpec<undefined, unknown, unknown, undefined>
type Asked = Context<undefined>

/** Sent to a stream of the inspector's own: it is over. */
const over = Symbol('over')

/** A slow looker gets what is new; the page must not be what fills the memory. */
const stream = {
  reauthorize: 5000,
  maxStreams: 100,
  maxQueuedBytes: 2 ** 18,
  overflow: 'dropOldest',
} as const

const info = (message: unknown, { write }: LoopContext<undefined>) =>
  message === over ? stop() : write(message)

/** The specs by their paths, below the mount. */
export function specsOf(
  inspected: Inspected,
  record: Recorder,
  assets: ReadonlyMap<string, Asset>,
): Record<string, Spec> {
  const { actions, payloads, isAuthorized } = inspected
  const views = new Views(inspected, record)
  const looking = new Looking((query) => views.make(query))
  const closing = new Closing(() => views.streams.isClosing)
  const guard = { isAuthorized: entrance(isAuthorized) }
  const data = { ...guard, init: furnish('no-store'), forbidden: isForOthers }
  const acting = { ...data, forbidden: actions ? isFromElsewhere : false }
  const file = { ...guard, init: furnish('no-cache') }
  record.onRest = () => views.channels.rest()

  const snapshot = async (query: Query): Promise<string> => {
    record.look()()
    await views.ready(query)
    return looking.now(query)
  }
  // what is acted on: nothing, without leave
  const channelOf = ({ req }: Asked) => (actions ? views.channels.find(req.params.name ?? '') : undefined)
  const streamOf = ({ req }: Asked) => (actions ? views.streams.find(req.params.id ?? '') : undefined)

  const feed: Spec = {
    ...data,
    malformedRequest: ({ req }) => {
      const query = queryOf(req.url)
      return isMistake(query) ? stop(400, { detail: query.detail }) : false
    },
    contentTypesProvided: {
      'application/json': ({ req }) => snapshot(queryOf(req.url) as Query),
      'text/event-stream': sse(),
    },
    subscribe: ({ req, send }) => {
      const query = queryOf(req.url) as Query
      const tell = (text: string) => send(event(text, { type: 'view' }))
      const away = [
        record.look(),
        looking.attach(query, tell),
        closing.watch(() => {
          tell(looking.now(query))
          send(over)
        }),
      ]
      return () => {
        for (const each of away) each()
      }
    },
    info,
    stream,
  }

  const tail: Spec = {
    ...data,
    malformedRequest: ({ req }) => {
      const { stream, channel } = tailed(req.url)
      return (stream === undefined) === (channel === undefined)
        ? stop(400, { detail: 'expected either stream, an id, or channel, a name' })
        : false
    },
    resourceExists: ({ req }) => {
      const { stream, channel } = tailed(req.url)
      return (
        (stream === undefined ? views.channels.find(channel ?? '') : views.streams.find(stream)) !== undefined
      )
    },
    contentTypesProvided: [sse()],
    subscribe: ({ req, send }) => {
      const asked = tailed(req.url)
      const items = new Items((batch) => send(event(batch, { type: 'item' })), payloads)
      const finish = () => {
        items.flush()
        send(over)
      }
      const watched = asked.stream === undefined ? undefined : views.streams.find(asked.stream)
      const channel = asked.channel === undefined ? undefined : views.channels.find(asked.channel)
      if (!watched && !channel) return stop(404)
      const away = [
        watched ? tailStream(watched, items, finish) : () => {},
        channel ? tailChannel(channel, items) : () => {},
        closing.watch(finish),
        () => items.stop(),
      ]
      return () => {
        for (const each of away) each()
      }
    },
    info,
    stream,
  }

  const specs: Record<string, Spec> = {
    '/feed': feed,
    '/tail': tail,
    '/decisions/:id': {
      ...data,
      resourceExists: ({ req }) => record.asked.inFull(req.params.id ?? '') !== undefined,
      contentTypesProvided: {
        'application/json': ({ req }) => record.asked.inFull(req.params.id ?? '') ?? stop(404),
      },
    },
    '/streams/:id': {
      ...acting,
      allowedMethods: ['DELETE', 'OPTIONS'],
      resourceExists: (asked) => streamOf(asked) !== undefined,
      deleteResource: (asked) => {
        streamOf(asked)?.close()
        return true
      },
    },
    '/channels/:name': {
      ...acting,
      allowedMethods: ['POST', 'DELETE', 'OPTIONS'],
      allowMissingPost: false,
      resourceExists: (asked) => channelOf(asked) !== undefined,
      deleteResource: (asked) => {
        const found = channelOf(asked)
        return found ? end(found.channel) : stop(404)
      },
      contentTypesAccepted: {
        'application/json': (asked) => {
          const found = channelOf(asked)
          return found ? publish(found.channel, asked) : stop(404)
        },
      },
    },
  }
  for (const [name, asset] of assets) {
    const path = name === 'index.html' ? '/' : `/${name}`
    const isPage = path === '/'
    specs[path] = {
      ...file,
      ...asset,
      ...(isPage && {
        resourceExists: ({ req }) => withSlash(req) === undefined,
        previouslyExisted: true,
        movedPermanently: ({ req }) => withSlash(req) ?? false,
      }),
    }
  }
  return Object.fromEntries(Object.entries(specs).map(([path, spec]) => [path, hidden(spec)]))
}

/** What a tail is of. */
function tailed(url: string): { readonly stream: string | undefined; readonly channel: string | undefined } {
  const given = parametersOf(url)
  return { stream: given.get('stream') ?? undefined, channel: given.get('channel') ?? undefined }
}
