import type { RequestListener, Server } from 'node:http'
import type { Tick } from '../fanout/tick.js'

/** What one of several processes serves: it tells its streams what any publisher has published. */
export interface Serving {
  readonly listener: RequestListener
  /** For who takes over more of a server than its requests. */
  attach?(server: Server): void
}

/** Resolves when the store has confirmed it. */
export type Publish = (tick: Tick) => Promise<unknown>

export interface Entry {
  /** How a client asks for its stream. */
  readonly protocol: 'sse' | 'socket.io'
  /** @param url of Redis. The clients that it makes are called `server`, so that their commands are told apart. */
  readonly serve: (url: string) => Promise<Serving>
  /** In a process that serves nothing; its clients are called `publisher`. */
  readonly publish: (url: string) => Promise<Publish>
}

/** A process loads the one that it is. */
export const peers = {
  'express-lariat': {
    protocol: 'sse',
    serve: async (url) => (await import('./peers/lariat.js')).serve(url),
    publish: async (url) => (await import('./peers/lariat.js')).publisher(url),
  },
  'SUBSCRIBE, res.write': {
    protocol: 'sse',
    serve: async (url) => (await import('./peers/subscribe.js')).serve(url),
    publish: async (url) => (await import('./peers/subscribe.js')).publisher(url),
  },
  'socket.io, Redis Streams': {
    protocol: 'socket.io',
    serve: async (url) => (await import('./peers/socket-io.js')).serve(url),
    publish: async (url) => (await import('./peers/socket-io.js')).publisher(url),
  },
} satisfies Record<string, Entry>

export type Name = keyof typeof peers
export const entry = (name: Name): Entry => peers[name]
export const names = Object.keys(peers) as Name[]
