import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Peer } from './peer.js'
import { Publisher, type Publishing } from './publisher.js'

export interface Memory {
  /** Resident, in bytes. */
  readonly rss: number
  /** What V8 holds and what it knows to be held outside. */
  readonly heap: number
}

/** A peer's server, and what one may ask of the process that it is in. */
export async function serving(peer: Peer) {
  const publisher = new Publisher(peer)
  const server = createServer(peer.listener)
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  const handlers = {
    port: (_: null) => (server.address() as AddressInfo).port,
    publish: (asked: Publishing) => publisher.publish(asked),
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
    connections: (_: null) => connections(server),
  }
  return { server, handlers }
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}
