// Connects to Redis by duplicates of the user's client: one life of all that is needed, single, cluster or sentinel.

import { misuse, show } from '../errors.js'
import { quietly } from '../guard.js'

/** One life of the connections: it ends with the first that is lost. */
export interface Link {
  /** A command for the server that has the key. */
  run(key: string, command: readonly string[]): Promise<unknown>
  /** A write, and how many replicas have it within so many milliseconds. */
  runAndWait(
    key: string,
    command: readonly string[],
    replicas: number,
    milliseconds: number,
  ): Promise<readonly [answer: unknown, replicas: number]>
  /** @param heard called with the pub/sub channel that something was published to, and what */
  subscribe(channels: readonly string[], heard: (channel: string, message: string) => void): Promise<unknown>
  unsubscribe(channels: readonly string[]): Promise<unknown>
  /** A command has keys of one slot only, and pub/sub is sharded where the server has that. */
  readonly isCluster: boolean
  close(): void
}

/**
 * What is needed of a client of `@redis/client`: of `createClient`, `createCluster` or `createSentinel`. It is duplicated,
 * and otherwise left alone.
 */
export interface RedisClient {
  duplicate(overrides?: never): unknown
}

type Listener = (message: string, channel: string) => void

/** What the three kinds have in common, as far as it is used. */
interface Connection {
  connect(): Promise<unknown>
  destroy(): unknown
  on(event: string, listener: (...given: never[]) => void): unknown
  subscribe(channels: string[], listener: Listener): Promise<unknown>
  unsubscribe(channels: string[]): Promise<unknown>
}

interface Single extends Connection {
  sendCommand(command: readonly string[]): Promise<unknown>
}

interface Cluster extends Connection {
  sendCommand(key: string, isReadonly: boolean, command: readonly string[]): Promise<unknown>
  /** Since version 6. */
  getNodeClientForKey?(key: string): Promise<Single>
  sSubscribe(channel: string, listener: Listener): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
}

interface Sentinel extends Connection {
  sendCommand(isReadonly: boolean, command: readonly string[]): Promise<unknown>
  use<T>(call: (lease: Sentinel) => Promise<T>): Promise<T>
}

type Kind = 'single' | 'cluster' | 'sentinel'

/** @throws TypeError for what is no client of `@redis/client` */
export function kindOf(client: unknown): Kind {
  const has = (name: string) => typeof (client as Record<string, unknown> | undefined)?.[name]
  const isClient =
    has('duplicate') === 'function' && has('sSubscribe') !== 'undefined' && has('sendCommand') === 'function'
  if (has('nodeClient') === 'function' && isClient) return 'cluster'
  if (has('getMasterNode') === 'function' || has('getSentinelNode') === 'function') return 'sentinel'
  if (isClient && has('isPubSubActive') === 'boolean') return 'single'
  const hint = has('psubscribe') === 'function' ? ': this looks like ioredis' : ''
  throw misuse(
    'LARIAT_SPEC',
    `redisStreams({ client: ${show(client)} }): expected what createClient, createCluster or createSentinel of @redis/client returned${hint}`,
  )
}

/** What the user's client puts before each key: it would not before commands that are sent as they are. */
export function prefixOf(client: unknown): string {
  const prefix = (client as { _keyPrefix?: unknown })._keyPrefix
  return prefix === undefined ? '' : String(prefix)
}

/** @param lost called when the first connection of a link is lost, before it is ready or later */
export type Open = (lost: (error: unknown) => void, signal: AbortSignal) => Promise<Link>

/** How links are opened by duplicates of a client. `replicas`: whether writes wait for replicas. */
export function opener(client: RedisClient, waits: boolean): Open {
  const kind = kindOf(client)
  const make = <Kind extends Connection>(overrides: object = {}) =>
    // a timeout of a command would be a timer for each, and ends with its writing
    client.duplicate({ commandOptions: { timeout: undefined }, ...overrides } as never) as Kind
  return async (lost, signal) => {
    const made: Connection[] = []
    const own = <Kind extends Connection>(overrides?: object): Kind => {
      const connection = make<Kind>(overrides)
      made.push(connection)
      return connection
    }
    const close = () => {
      for (const connection of made) destroy(connection)
    }
    signal.addEventListener('abort', close)
    try {
      const link = parts[kind](own, waits)
      for (const connection of made) watch(connection, kind, lost)
      await Promise.all(made.map((connection) => connects(connection, signal)))
      return { ...link, close }
    } catch (error) {
      close()
      throw error
    } finally {
      signal.removeEventListener('abort', close)
    }
  }
}

type Own = <Kind extends Connection>(overrides?: object) => Kind

const parts: Record<Kind, (own: Own, waits: boolean) => Omit<Link, 'close'>> = {
  single(own, waits) {
    const commands = own<Single>()
    const subscriber = own<Single>()
    // replicas are waited for on a connection that then does nothing else
    const writer = waits ? own<Single>() : commands
    return {
      isCluster: false,
      run: (_key, command) => commands.sendCommand(command),
      runAndWait: (_key, command, replicas, milliseconds) =>
        together(writer.sendCommand(command), () => writer.sendCommand(waiting(replicas, milliseconds))),
      subscribe: (channels, heard) => subscribe(subscriber, channels, heard),
      unsubscribe: (channels) => subscriber.unsubscribe([...channels]),
    }
  },

  cluster(own, waits) {
    const commands = own<Cluster>()
    const writer = waits ? own<Cluster>() : commands
    let isSharded = true
    const shards = async (channels: readonly string[], heard: Listener) => {
      try {
        await Promise.all(channels.map((channel) => commands.sSubscribe(channel, heard)))
      } catch (error) {
        if (!/unknown command/i.test(String(error))) throw error
        isSharded = false
        await commands.subscribe([...channels], heard)
      }
    }
    return {
      isCluster: true,
      run: (key, command) => commands.sendCommand(key, false, command),
      async runAndWait(key, command, replicas, milliseconds) {
        const node = await writer.getNodeClientForKey?.(key)
        const wait = waiting(replicas, milliseconds)
        return together(writer.sendCommand(key, false, command), () =>
          node ? node.sendCommand(wait) : writer.sendCommand(key, false, wait),
        )
      },
      subscribe: (channels, heard) => shards(channels, (message, channel) => heard(channel, message)),
      unsubscribe: (channels) =>
        isSharded
          ? Promise.all(channels.map((channel) => commands.sUnsubscribe(channel)))
          : commands.unsubscribe([...channels]),
    }
  },

  sentinel(own, waits) {
    // one that waits for replicas has the others' answers wait
    const master = own<Sentinel>({ passthroughClientErrorEvents: true, ...(waits && { masterPoolSize: 2 }) })
    return {
      isCluster: false,
      run: (_key, command) => master.sendCommand(false, command),
      runAndWait: (_key, command, replicas, milliseconds) =>
        master.use((lease) =>
          together(lease.sendCommand(false, command), () =>
            lease.sendCommand(false, waiting(replicas, milliseconds)),
          ),
        ),
      subscribe: (channels, heard) => subscribe(master, channels, heard),
      unsubscribe: (channels) => master.unsubscribe([...channels]),
    }
  },
}

const waiting = (replicas: number, milliseconds: number) => ['WAIT', String(replicas), String(milliseconds)]

/** Both are on their way at once: the answer of the second says nothing where the first has failed. */
async function together(
  writing: Promise<unknown>,
  wait: () => Promise<unknown>,
): Promise<readonly [unknown, number]> {
  const waited = wait()
  waited.catch(() => {})
  const answer = await writing
  return [answer, Number(await waited)]
}

function subscribe(
  subscriber: Connection,
  channels: readonly string[],
  heard: (channel: string, message: string) => void,
): Promise<unknown> {
  return subscriber.subscribe([...channels], (message, channel) => heard(channel, message))
}

/** The first thing that says that a connection is lost. What a sentinel or a replica has is no matter. */
function watch(connection: Connection, kind: Kind, lost: (error: unknown) => void): void {
  const failed = (error: unknown) => {
    if (kind === 'sentinel' && /^(Sentinel|Replica) Client /.test(messageOf(error))) return
    lost(error)
  }
  if (kind !== 'cluster') connection.on('error', failed)
  // where a cluster was asked for its nodes in vain, it is asked elsewhere
  else connection.on('error', () => {})
  connection.on('node-error', lost)
  for (const event of [
    'end',
    'reconnecting',
    'disconnect',
    'node-disconnect',
    'node-reconnecting',
    'sharded-channel-moved-error',
  ])
    connection.on(event, () => lost(new Error(`The connection to Redis was lost (${event})`)))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** One that is destroyed while its socket is being made would be there all the same: it is destroyed once more. */
async function connects(connection: Connection, signal: AbortSignal): Promise<void> {
  await connection.connect()
  if (signal.aborted) destroy(connection)
}

/** Some versions throw where there is nothing to destroy, others reject. */
function destroy(connection: Connection): void {
  quietly(() => connection.destroy())
}
