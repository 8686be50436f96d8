import type { Socket } from 'node:net'
import { type Endpoint, type PlainSpec, resources } from '../../lib/index.js'
import { needs as needsProgram, type Program } from '../support/installed.js'
import { type ServeOptions, type Site, stage } from '../support/stage.js'
import { byHand } from './by-hand.js'
import { chromium, usesBrowser, visit } from './chromium.js'
import { packages } from './event-sources.js'
import { go } from './go.js'
import { closeAll, type Listener } from './listener.js'
import { programs } from './programs.js'
import { leaveAll, type Reader } from './reader.js'
import { undici } from './undici.js'

const chromiumFetch: Reader = { ...chromium, name: "Chromium's fetch" }

/** What reads one answer. */
export const readers: readonly Reader[] = [chromiumFetch, ...undici, ...programs, go]

/** What comes back by itself. */
export const eventSources: readonly Listener[] = [
  { ...chromium, name: "Chromium's EventSource" },
  ...packages,
]

/** All that can follow an event stream. */
export const listeners: readonly Listener[] = [...eventSources, ...readers.map(byHand)]

interface Client {
  readonly name: string
  readonly needs?: Program
}

/** A suite for each client that is there; none outlives its test. */
export function withEach<C extends Client>(clients: readonly C[], define: (client: C) => void): void {
  for (const client of clients) {
    describe(client.name, () => {
      usesClients(client.needs)
      define(client)
    })
  }
}

/** Said in a suite: its tests use clients, which are ended after each; it is skipped without the program. */
export function usesClients(program?: Program): void {
  if (program) needsProgram(program)
  if (program === 'chromium') usesBrowser()
  beforeEach(function () {
    // on a busy machine it takes its time until a program runs
    this.currentTest?.timeout(30_000)
  })
  afterEach(() => {
    closeAll()
    leaveAll()
  })
}

/** A request as it has come. */
export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Served extends Site {
  readonly asked: Asked[]
  readonly endpoint: Endpoint
  /** The connections that have come. */
  readonly sockets: readonly Socket[]
}

/** A table that is served, and for a client in Chromium the window on a page of it. */
export async function serve(
  table: Readonly<Record<string, PlainSpec | Endpoint>>,
  { client, before = [], ...options }: ServeOptions & { client?: Client } = {},
): Promise<Served> {
  const asked: Asked[] = []
  const endpoint = resources(table)
  const site = await stage.now.serve(endpoint, {
    ...options,
    before: [
      (req, res, next) => {
        if (req.url === '/blank') return void res.type('html').send('<link rel="icon" href="data:,">')
        asked.push({ method: req.method, url: req.url, headers: req.headers })
        next()
      },
      ...before,
    ],
  })
  const sockets: Socket[] = []
  site.server.on('connection', (socket) => sockets.push(socket))
  if (client?.needs === 'chromium' && options.port === undefined) await visit(site.url)
  return { ...site, asked, endpoint, sockets }
}
