// Connects to Redis by duplicates of the user's client: one life of all that is needed, single, cluster or sentinel.

import { LariatError, misuse, show } from '../errors.js'
import { quietly } from '../guard.js'
import { type Node, type Nodes, onNodeOf } from './node.js'
import { isUnanswered, reasonOf } from './replies.js'

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
  /** @param heard called with what was published, and the pub/sub channel. The same function is called once for each */
  subscribe(channels: readonly string[], heard: Listener): Promise<unknown>
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
  /** Other clients have none of this name: their `duplicate` would do as a type. */
  readonly isOpen: boolean
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

interface Single extends Connection, Node {}

interface Cluster extends Connection, Nodes {
  readonly nodeByAddress: ReadonlyMap<string, KnownNode>
  sSubscribe(channel: string, listener: Listener): Promise<unknown>
  sUnsubscribe(channel: string): Promise<unknown>
}

interface KnownNode {
  readonly client?: Pick<Connection, 'destroy'>
  readonly pubSub?: { readonly client: Pick<Connection, 'destroy'> }
}

interface Sentinel extends Connection {
  sendCommand(isReadonly: boolean, command: readonly string[]): Promise<unknown>
  acquire(): Promise<Sentinel>
}

type Kind = 'single' | 'cluster' | 'sentinel'

/** @throws TypeError for what is no client of `@redis/client` */
export function kindOf(client: unknown): Kind {
  const has = (name: string) => typeof (client as Record<string, unknown> | undefined)?.[name]
  const isClient =
    has('duplicate') === 'function' && has('sSubscribe') !== 'undefined' && has('sendCommand') === 'function'
  if (has('nodeClient') === 'function' && isClient) return 'cluster'
  if (has('getMasterNode') === 'function' && isClient) return 'sentinel'
  if (isClient && has('isPubSubActive') === 'boolean') return 'single'
  const hint =
    has('psubscribe') === 'function'
      ? ': this looks like ioredis'
      : has('getMasterNode') === 'function'
        ? ': one of createSentinel can be duplicated since version 6'
        : client instanceof Promise
          ? ': await it'
          : ''
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
    client.duplicate({ ...unbounded(client), ...overrides } as never) as Kind
  return async (lost, signal) => {
    const made: Connection[] = []
    let isClosed = false
    const own = <Kind extends Connection>(overrides?: object): Kind => {
      const connection = make<Kind>(overrides)
      made.push(connection)
      // a cluster's client that is just asking who is there would connect to them all the same
      for (const event of ['node-connect', 'node-error'])
        connection.on(event, () => isClosed && destroy(connection))
      return connection
    }
    /** A client that is destroyed while its socket connects goes on with that, and stays: it is destroyed after that. */
    const connecting = new Set<Connection>()
    const close = () => {
      isClosed = true
      for (const connection of made) if (!connecting.has(connection)) destroy(connection)
    }
    const connect = (connection: Connection) => {
      const reached = () => {
        connecting.delete(connection)
        if (isClosed) destroy(connection)
      }
      if (kind === 'single') connecting.add(connection)
      for (const event of ['connect', 'error']) connection.on(event, reached)
      return connection.connect().finally(reached)
    }
    signal.addEventListener('abort', close)
    try {
      const link = parts[kind](own, waits)
      for (const connection of made) watch(connection, kind, lost)
      await Promise.all(made.map(connect))
      return { ...link, close }
    } catch (error) {
      close()
      throw error
    } finally {
      signal.removeEventListener('abort', close)
    }
  }
}

/**
 * Takes back what would end connections or commands that are well: a timeout of a command would be a timer for each, and
 * ends with its writing; a subscriber hears nothing for as long as nothing is published; a restart asks much at once.
 */
function unbounded(client: unknown): object {
  const { socket } = (client as { options?: { socket?: object } }).options ?? {}
  return {
    commandOptions: { timeout: undefined },
    commandsQueueMaxLength: undefined,
    ...(socket && { socket: { ...socket, socketTimeout: undefined } }),
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
        together(writer, command, waiting(replicas, milliseconds)),
      subscribe: (channels, heard) => subscriber.subscribe([...channels], heard),
      unsubscribe: (channels) => subscriber.unsubscribe([...channels]),
    }
  },

  cluster(own, waits) {
    const commands = own<Cluster>()
    const writer = waits ? own<Cluster>() : commands
    handled(commands, 'subscribe')
    handled(commands, 'sSubscribe')
    let isSharded = true
    const shards = async (channels: readonly string[], heard: Listener) => {
      try {
        if (isSharded) await Promise.all(channels.map((channel) => commands.sSubscribe(channel, heard)))
      } catch (error) {
        if (!/unknown command/i.test(reasonOf(error))) throw error
        isSharded = false
      }
      if (!isSharded) await commands.subscribe([...channels], heard)
    }
    return {
      isCluster: true,
      run: (key, command) => commands.sendCommand(key, false, command),
      runAndWait: (key, command, replicas, milliseconds) =>
        onNodeOf(writer, key, (node) => together(node, command, waiting(replicas, milliseconds))),
      subscribe: shards,
      unsubscribe: (channels) =>
        isSharded
          ? Promise.all(channels.map((channel) => commands.sUnsubscribe(channel)))
          : commands.unsubscribe([...channels]),
    }
  },

  sentinel(own, waits) {
    const master = own<Sentinel>({
      passthroughClientErrorEvents: true,
      // what is to be asked again is known here alone: on another connection nothing would be waited for
      maxCommandRediscovers: 0,
      // one that waits for replicas has the others' answers wait
      ...(waits && { masterPoolSize: 2 }),
    })
    let lease: Promise<Sentinel> | undefined
    return {
      isCluster: false,
      run: (_key, command) => master.sendCommand(false, command),
      async runAndWait(_key, command, replicas, milliseconds) {
        lease ??= master.acquire()
        const writer = await lease
        const node: Node = { sendCommand: (command) => writer.sendCommand(false, command) }
        return together(node, command, waiting(replicas, milliseconds))
      },
      subscribe: (channels, heard) => master.subscribe([...channels], heard),
      unsubscribe: (channels) => master.unsubscribe([...channels]),
    }
  },
}

const waiting = (replicas: number, milliseconds: number) => ['WAIT', String(replicas), String(milliseconds)]

/** Both are on their way at once: the answer of the second says nothing where the first has failed. */
async function together(
  node: Node,
  command: readonly string[],
  wait: readonly string[],
): Promise<readonly [unknown, number]> {
  const [writing, waited] = [node.sendCommand(command), node.sendCommand(wait)]
  waited.catch(() => {})
  const answer = await writing
  try {
    return [answer, Number(await waited)]
  } catch (error) {
    if (isUnanswered(error)) throw error
    const message = `Redis has it, but does not wait for its replicas: ${reasonOf(error)}`
    // a master that is none any more: what it has is asked of the other
    if (/^UNBLOCKED|replica instance/.test(reasonOf(error))) throw new Error(message, { cause: error })
    throw new LariatError('LARIAT_DOWN', message, { isUncertain: true, cause: error })
  }
}

/** A cluster's client subscribes anew by itself, and has what fails there end the process. */
function handled(cluster: Cluster, name: 'subscribe' | 'sSubscribe'): void {
  const plain = cluster[name].bind(cluster) as (...given: unknown[]) => Promise<unknown>
  cluster[name] = (...given: unknown[]) => {
    const answer = plain(...given)
    answer.catch(() => {})
    return answer
  }
}

/**
 * The first thing that says that a connection is lost. Of a sentinel's client only those to the master matter: that which
 * listens comes back by itself, and others tell who the master is.
 */
function watch(connection: Connection, kind: Kind, lost: (error: unknown) => void): void {
  const failed = (error: unknown) => {
    if (kind === 'sentinel' && !/^Master Client /.test(reasonOf(error))) return
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
    // not `node-disconnect`: of a node that has no slots any more the client itself lets go
    'node-reconnecting',
    'sharded-channel-moved-error',
    // as versions before 6.1 have it
    'sharded-shannel-moved-error',
  ])
    connection.on(event, () => lost(new Error(`The connection to Redis was lost (${event})`)))
}

/** Some versions throw where there is nothing to destroy, others reject. A cluster's client then leaves the others open. */
function destroy(connection: Connection & Partial<Cluster>): void {
  const nodes = [...(connection.nodeByAddress?.values() ?? [])]
  for (const { client, pubSub } of nodes) {
    quietly(() => client?.destroy())
    quietly(() => pubSub?.client.destroy())
  }
  quietly(() => connection.destroy())
}
