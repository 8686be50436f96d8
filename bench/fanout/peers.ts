import type { Peer } from './peer.js'

export interface Entry {
  /** `limit`: what Node can do at all; `plain`: written by hand; `library`: what one would install. */
  readonly kind: 'limit' | 'plain' | 'library' | 'ours'
  readonly make: () => Promise<Peer>
  /** More streams than this take minutes to open. */
  readonly most?: number
  /** Differs from another in what happens to those that do not read, and in nothing else. */
  readonly only?: 'stalled'
}

/** A process loads the one that it is: none pays for the code of another. */
export const peers = {
  'raw, pre-framed': { kind: 'limit', make: async () => (await import('./peers/raw.js')).preFramed() },
  'raw, gathered': { kind: 'limit', make: async () => (await import('./peers/raw.js')).gathered() },
  'raw, res.write': { kind: 'plain', make: async () => (await import('./peers/raw.js')).written() },
  'Express, res.write': {
    kind: 'plain',
    make: async () => (await import('./peers/express.js')).plainExpress(),
  },
  '@fastify/sse': { kind: 'library', make: async () => (await import('./peers/fastify.js')).fastifySse() },
  'better-sse': { kind: 'library', make: async () => (await import('./peers/better-sse.js')).betterSse() },
  'express-sse': {
    kind: 'library',
    // Each newcomer makes it write to all who are there.
    most: 1000,
    make: async () => (await import('./peers/express-sse.js')).expressSse(),
  },
  'hono streamSSE': { kind: 'library', make: async () => (await import('./peers/hono.js')).honoSse() },
  'express-lariat': { kind: 'ours', make: async () => (await import('./peers/lariat.js')).lariat() },
  'express-lariat, dropOldest': {
    kind: 'ours',
    only: 'stalled',
    make: async () => (await import('./peers/lariat.js')).lariat({ overflow: 'dropOldest' }),
  },
} satisfies Record<string, Entry>

export type Name = keyof typeof peers
export const names = Object.keys(peers) as Name[]
export const entry = (name: Name): Entry => peers[name]
