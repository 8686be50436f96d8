import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { entry, type Name } from './peers.js'
import { Publisher } from './publisher.js'
import { serve } from './remote.js'

export interface Memory {
  /** Resident, in bytes. */
  readonly rss: number
  /** What V8 holds and what it knows to be held outside. */
  readonly heap: number
}

const peer = await entry(process.argv[2] as Name).make()
const publisher = new Publisher(peer)
const server = createServer(peer.listener)
await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))

const handlers = {
  port: (_: null) => (server.address() as AddressInfo).port,
  publish: (asked: Parameters<Publisher['publish']>[0]) => publisher.publish(asked),
  stop: (_: null) => publisher.stop(),
  /** Microseconds of CPU since the process began, user and system. */
  cpu: (_: null) => {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  memory: ({ collect }: { collect: boolean }): Memory => {
    if (collect) for (let times = 0; times < 2; times++) globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heap: heapUsed + external }
  },
  connections: (_: null) =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    }),
}

export type Server = typeof handlers
serve(handlers)
