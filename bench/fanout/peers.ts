import { beside } from '../lariat.js'
import type { Peer } from './peer.js'

/** Who operates it asks for something every so many milliseconds, or holds it open. */
export interface Look {
  readonly path: string
  readonly accept?: string
  readonly each?: number
  /** CPU for each event to that without. */
  readonly goal: number
}

export interface Entry {
  /** `limit`: what Node can do at all; `plain`: written by hand; `library`: what one would install. */
  readonly kind: 'limit' | 'plain' | 'library' | 'ours' | 'beside'
  readonly make: () => Promise<Peer>
  /** More streams than this take minutes to open. */
  readonly most?: number
  /** Differs from another in what this part of the benchmark is about, and in nothing else. */
  readonly only?: 'stalled' | 'gather' | 'operating'
  /** How it is looked at meanwhile, in the part about that. */
  readonly looked?: Look
}

const lariat = async () => await import('./peers/lariat.js')

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
  'express-lariat': { kind: 'ours', make: async () => (await lariat()).lariat() },
  'express-lariat, in a table': {
    kind: 'ours',
    make: async () => (await lariat()).lariat({ mount: (await lariat()).table }),
  },
  'express-lariat, observed': {
    kind: 'ours',
    make: async () => (await lariat()).lariat({ isObserved: true }),
  },
  'another checkout': { kind: 'beside', make: async () => (await lariat()).lariat({ which: 'beside' }) },
  'express-lariat, dropOldest': {
    kind: 'ours',
    only: 'stalled',
    make: async () => (await lariat()).lariat({ stream: { overflow: 'dropOldest' } }),
  },
  'express-lariat, gather 20': {
    kind: 'ours',
    only: 'gather',
    make: async () => (await lariat()).lariat({ stream: { gather: 20 } }),
  },
  'express-lariat, gather 50': {
    kind: 'ours',
    only: 'gather',
    make: async () => (await lariat()).lariat({ stream: { gather: 50 } }),
  },
  'express-lariat, metrics': {
    kind: 'ours',
    only: 'operating',
    looked: { path: '/metrics', each: 5000, goal: 1.03 },
    make: async () => (await lariat()).lariat({ isMeasured: true }),
  },
  'express-lariat, inspector': {
    kind: 'ours',
    only: 'operating',
    looked: { path: '/inspector/feed?view=streams', accept: 'text/event-stream', goal: 1.05 },
    make: async () => (await lariat()).lariat({ isInspected: true }),
  },
} satisfies Record<string, Entry>

export type Name = keyof typeof peers
export const entry = (name: Name): Entry => peers[name]
export const names = (Object.keys(peers) as Name[]).filter((name) => beside || entry(name).kind !== 'beside')
