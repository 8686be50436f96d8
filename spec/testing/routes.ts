// Routes that keep all rules, one of each kind of source, as the suite is given them.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import {
  createHub,
  csv,
  event,
  jsonArray,
  jsonSeq,
  loop,
  merge,
  multipart,
  ndjson,
  resource,
  type StreamOptions,
  sse,
} from '../../lib/index.js'
import { type Staged, type Subject, stage } from '../../lib/testing.js'

interface Data {
  readonly n: number
  readonly key: string
  readonly pad: string
}

const formats = () => [
  sse(),
  ndjson(),
  jsonSeq(),
  jsonArray(),
  csv({ columns: ['n', 'key', 'pad'] }),
  multipart('application/json'),
]
const withIds = () => [
  sse(),
  ndjson({ envelope: true }),
  jsonSeq({ envelope: true }),
  csv({ columns: ['n'] }),
]

/** Data of which no two are alike, of a few keys. */
function data() {
  let n = 0
  return (size = 0): Data => {
    n += 1
    return { n, key: `k${n % 4}`, pad: '.'.repeat(size) }
  }
}

const many = (count: number, act: () => unknown) => Array.from({ length: count }, act)

const failure = () => new Error('the source has failed')

/** A subject on a stage of its own. */
async function on(app: Staged, rest: Omit<Subject, 'at' | 'path'>): Promise<Subject> {
  return { at: await stage(app), path: '/', ...rest }
}

/** A source that is pushed, and what drives it. */
function pushed() {
  const bus = new EventEmitter().setMaxListeners(0)
  const next = data()
  const subscribe = ({ send, fail }: { send(data: Data): unknown; fail(error: unknown): void }) => {
    bus.on('data', send).on('failure', fail)
    return () => void bus.off('data', send).off('failure', fail)
  }
  return {
    subscribe,
    publish: (count: number, size?: number) => many(count, () => bus.emit('data', next(size))),
    fail: () => void bus.emit('failure', failure()),
    subscribers: () => bus.listenerCount('data'),
  }
}

/** Sources that are pulled, one for each client, and what drives them. */
function pulled(make: (close: () => void) => { push(data: Data): unknown; fail(): void }) {
  const all = new Set<ReturnType<typeof make>>()
  const next = data()
  return {
    add() {
      const one = make(() => all.delete(one))
      all.add(one)
      return one
    },
    overflow: 'wait' as const,
    publish: (count: number, size?: number) =>
      many(count, () => next(size)).forEach((each) => {
        for (const one of all) one.push(each as Data)
      }),
    fail: () => {
      for (const one of all) one.fail()
    },
    subscribers: () => all.size,
  }
}

export const kinds: Readonly<Record<string, () => Promise<Subject>>> = {
  'a resource in many formats': () => {
    const { subscribe, ...drive } = pushed()
    return on(resource({ contentTypesProvided: formats(), subscribe }), { ...drive, overflow: 'close' })
  },

  'a loop': () => {
    const { subscribe, ...drive } = pushed()
    return on(loop({ format: sse(), subscribe }), { ...drive, negotiates: false })
  },

  'a channel with a history': () => channelled({}),

  'a channel with a snapshot': () => {
    const channel = createHub().channel<Data>('changes', { history: 50 })
    const next = data()
    return on(
      resource({
        contentTypesProvided: withIds(),
        subscribe: channel,
        snapshot: () => event({ n: 0, key: '', pad: '' }),
      }),
      {
        publish: async (count, size) =>
          void (await Promise.all(many(count, () => channel.publish(next(size))))),
        subscribers: () => channel.subscribers,
        resumes: true,
        history: 50,
        tellsGaps: false,
      },
    )
  },

  'merged channels': () => {
    const hub = createHub()
    const channels = ['one', 'other'].map((name) => hub.channel<Data>(name, { history: 50 }))
    const next = data()
    let turn = 0
    return on(
      resource({ contentTypesProvided: withIds(), subscribe: () => merge(channels[0]!, channels[1]!) }),
      {
        publish: async (count, size) => {
          for (let n = 0; n < count; n++) await channels[turn++ % 2]!.publish(next(size))
        },
        subscribers: () => channels[0]!.subscribers,
        isOrdered: false,
        resumes: true,
        history: 100,
      },
    )
  },

  'an async iterable': () => {
    const { add, ...drive } = pulled((close) => {
      const queue: (Data | Error)[] = []
      let wake = () => {}
      const put = (each: Data | Error) => {
        queue.push(each)
        wake()
      }
      async function* iterate() {
        try {
          for (;;) {
            while (queue.length === 0)
              await new Promise<void>((resolve) => {
                wake = resolve
              })
            const each = queue.shift()!
            if (each instanceof Error) throw each
            yield each
          }
        } finally {
          close()
        }
      }
      return { push: put, fail: () => put(failure()), stop: close, iterate }
    })
    return on(
      resource({
        contentTypesProvided: formats(),
        subscribe: ({ signal }) => {
          const { iterate, push, stop } = add() as never as {
            iterate(): AsyncGenerator<Data>
            push(each: Error): void
            stop(): void
          }
          // a generator that waits is not returned until it goes on
          signal.addEventListener('abort', () => {
            stop()
            push(failure())
          })
          return iterate()
        },
      }),
      drive,
    )
  },

  'a Node stream': () => {
    const { add, ...drive } = pulled((close) => {
      const stream = new PassThrough({ objectMode: true }).on('error', () => {}).on('close', close)
      return { push: (each) => stream.write(each), fail: () => void stream.destroy(failure()), stream }
    })
    return on(
      resource({
        contentTypesProvided: formats(),
        subscribe: () => (add() as never as { stream: PassThrough }).stream,
      }),
      drive,
    )
  },
}

/** A channel with a history, whose source may fail. */
export function channelled(
  { stream }: { stream?: StreamOptions },
  rest: Partial<Subject> = {},
  wrap: (endpoint: Staged) => Staged = (endpoint) => endpoint,
): Promise<Subject> {
  const channel = createHub().channel<Data>('numbers', { history: 50 })
  const source = new EventEmitter().setMaxListeners(0)
  const next = data()
  const endpoint = resource({
    contentTypesProvided: withIds(),
    subscribe: ({ monitor }) => {
      monitor(source)
      return channel
    },
    ...(stream && { stream }),
  })
  return on(wrap(endpoint), {
    publish: async (count, size) => void (await Promise.all(many(count, () => channel.publish(next(size))))),
    fail: () => void source.emit('error', failure()),
    subscribers: () => channel.subscribers,
    resumes: true,
    history: 50,
    ...rest,
  })
}
