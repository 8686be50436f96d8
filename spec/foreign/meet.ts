import type { Socket } from 'node:net'
import type { Endpoint } from '../../lib/index.js'
import { type Ask, type Client, request } from '../support/raw.js'
import { type ServeOptions, type Site, stage, turns, waiting } from '../support/stage.js'

/**
 * What a client has seen: `500`, an answer that is whole; `200 open`, one that has not ended; `200 cut`; or `ended`, a
 * connection that was closed without an answer.
 */
export type Seen = string

function seenBy(client: Client, isClosed: boolean): Seen | undefined {
  const message = client.messages.at(-1)
  if (!message) return isClosed ? 'ended' : undefined
  if (message.isWhole) return `${message.status}`
  return `${message.status} ${isClosed ? 'cut' : 'open'}`
}

export interface Meeting {
  readonly site: Site
  readonly client: Client
  /** Waits until the client has seen this, and goes on seeing it. Throws for a client that hangs. */
  sees(expected: Seen | readonly Seen[]): Promise<void>
}

/** Asks an endpoint, on a connection of its own. */
export async function meet(
  endpoint: Endpoint,
  { ask = {}, path = '/', ...options }: ServeOptions & { ask?: Ask; path?: string } = {},
): Promise<Meeting> {
  const site = await stage.now.serve(endpoint, options)
  const sockets: Socket[] = []
  site.server.on('connection', (socket: Socket) => sockets.push(socket))
  const client = site.connect()
  /** Bytes that have come, at either end. */
  const arrived = () => sockets.reduce((sum, { bytesRead }) => sum + bytesRead, client.size)
  let isClosed = false
  void client.ended.then(() => {
    isClosed = true
  })
  client.write(request(path, ask), ask.method)
  const sees = async (expected: Seen | readonly Seen[]) => {
    const all = [expected].flat()
    const isSeen = () => all.includes(seenBy(client, isClosed) ?? 'nothing')
    let came = -1
    let isEarly = waiting(5, 200)
    for (const isTime = waiting(); !isSeen(); ) {
      if (!isTime()) {
        const seen = seenBy(client, isClosed) ?? 'nothing'
        throw new Error(`The client sees ${seen}: expected ${all.join(' or ')}\n${client.raw}`)
      }
      await turns(1)
      const now = arrived()
      if (isEarly() && now === came) continue
      // a callback that never answers is late some time; one that has only just been asked is not
      if (now === came && now > 0) stage.now.time.advance(30_000)
      came = now
      isEarly = waiting(5, 200)
    }
    await turns()
    if (!isSeen()) throw new Error(`The client sees ${seenBy(client, isClosed)} later: expected ${expected}`)
  }
  return { site, client, sees }
}

/** Lets all that is left happen, and takes the warnings that were given meanwhile. */
export async function settle(endpoint: Endpoint, client: Client): Promise<readonly Error[]> {
  client.leave()
  await turns()
  await endpoint.close()
  stage.now.time.advance(60_000)
  await turns()
  return (stage.now.warnings as Error[]).splice(0)
}

/** Node prints no warnings while a suite runs that provokes very many. */
export function silently(): void {
  const printing = process.listeners('warning')
  before(() => {
    for (const each of printing) process.off('warning', each)
  })
  after(() => {
    for (const each of printing) process.on('warning', each)
  })
}
