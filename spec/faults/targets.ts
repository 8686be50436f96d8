import {
  type Channel,
  createHub,
  type Endpoint,
  type Feed,
  type Format,
  type LoopSpec,
  loop,
  ndjson,
  type ResourceSpec,
  raw,
  resource,
  sse,
  text,
} from '../../lib/index.js'
import type { Context } from '../support/held.js'
import type { Ask } from '../support/raw.js'
import type { Given, Plot } from './plot.js'

export type Reason = { readonly kind: string; readonly error?: unknown }

/** What of a spec a fault may choose. */
export type Options = Pick<
  LoopSpec<undefined, unknown, unknown, number | undefined>,
  'stream' | 'decisionTimeout' | 'terminate' | 'timeout' | 'trace' | 'problem'
> & {
  /** In place of what would be done with a message. */
  info?: (message: unknown, context: Context) => unknown
  /** What is done beside letting go. */
  unsubscribe?: () => unknown
}

/** A kind of endpoint that faults are tried on. */
export interface Target {
  /** How a stream is asked for. */
  readonly ask?: Ask
  /** Its events wait for a slow client; those of the others are pulled, and wait in the source. */
  readonly pushes?: boolean
  make(plot: Plot, options: Options): Endpoint
}

type Spec = ResourceSpec<undefined, unknown, unknown, number | undefined>

/** What of a spec all targets share. */
function common(plot: Plot, { info: _, unsubscribe: __, ...options }: Options) {
  return {
    ...options,
    terminate(reason: Reason, context: Context) {
      plot.terminated(reason, context)
      return options.terminate?.(reason as never, context)
    },
  }
}

/** A channel whose streams are known to the plot: they are let go when they leave it. */
export function channelOf(plot: Plot): Channel<string> {
  const channel = createHub().channel<string>('events', { history: 100 })
  const all = new Map<string, () => void>()
  channel.on('join', ({ id }) => {
    const context = plot.contexts.find(({ stream }) => stream.id === id) as Context
    const given = plot.of(context.req)
    // all are told by one
    const release = plot.listen(given, (data) => {
      if (all.keys().next().value === id) void channel.publish(data)
    })
    all.set(id, release)
  })
  channel.on('leave', ({ id }) => {
    all.get(id)?.()
    all.delete(id)
  })
  return channel
}

function pulled(format: Format, source: (plot: Plot, given: Given) => unknown): Target {
  return {
    make: (plot, options) =>
      loop({
        ...common(plot, options),
        format,
        async subscribe(context: Context) {
          const given = plot.subscribed(context)
          await plot.gate
          return source(plot, given) as undefined
        },
        ...(options.info && { info: options.info as never }),
      } as LoopSpec<undefined, unknown, unknown, number | undefined>),
  }
}

/** A stream of a feed, which a plot has made for it; once that is mended, what happens is streamed in its place. */
export function following(feedOf: (plot: Plot) => Feed<string>, more: object = {}): Target {
  return {
    make(plot, options) {
      const feed = feedOf(plot)
      return loop({
        ...common(plot, options),
        format: sse(),
        subscribe(context: Context) {
          const given = plot.subscribed(context)
          return plot.isMended ? plot.generator(given) : feed
        },
        ...more,
      } as LoopSpec<undefined, unknown, unknown, number | undefined>)
    },
  }
}

/** Subscribes to what happens, and sends it. */
async function sending(plot: Plot, options: Options, context: Context): Promise<() => unknown> {
  const given = plot.subscribed(context)
  await plot.gate
  const release = plot.listen(given, (data) => context.send(data))
  return () => {
    release()
    return options.unsubscribe?.()
  }
}

export const targets = {
  'SSE on a channel with history': {
    pushes: true,
    make(plot, options) {
      const channel = channelOf(plot)
      return resource({
        ...common(plot, options),
        isAuthorized: async () => true,
        contentTypesProvided: [sse(), ndjson()],
        subscribe(context: Context) {
          plot.subscribed(context)
          return (plot.gate ? plot.gate.then(() => channel) : channel) as Channel<string>
        },
      } as Spec)
    },
  },
  'ndjson with info and an asynchronous subscribe': {
    pushes: true,
    make: (plot, options) =>
      resource({
        ...common(plot, options),
        contentTypesProvided: [ndjson()],
        subscribe: (context: Context) => sending(plot, options, context),
        info: options.info ?? (async (message: unknown, { write }: Context) => void write(message)),
      } as Spec),
  },
  'an async generator': pulled(ndjson(), (plot, given) => plot.generator(given)),
  'a Node Readable': pulled(raw('application/octet-stream'), (plot, given) => plot.readable(given)),
  'a Web stream': pulled(text(), (plot, given) => plot.web(given)),
  'a POST answered by a stream': {
    pushes: true,
    ask: { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"prompt":"tell"}' },
    make: (plot, options) =>
      resource({
        ...common(plot, options),
        allowedMethods: ['POST'],
        contentTypesProvided: [sse()],
        contentTypesAccepted: {
          'application/json': async ({ json, negotiated }: Context) => {
            await json()
            return negotiated.format
          },
        },
        subscribe: (context: Context) => sending(plot, options, context),
        ...(options.info && { info: options.info }),
      } as unknown as Spec),
  },
} as const satisfies Record<string, Target>

/** Those whose events come whether or not the client reads. */
export const pushing = only(({ pushes = false }) => pushes)
export const pulling = only(({ pushes = false }) => !pushes)

/** One whose events wait here, and one whose source waits. */
export const oneOfEach = {
  'SSE on a channel with history': targets['SSE on a channel with history'],
  'an async generator': targets['an async generator'],
}

function only(fits: (target: Target) => boolean): Readonly<Record<string, Target>> {
  return Object.fromEntries(Object.entries(targets).filter(([, target]) => fits(target)))
}
