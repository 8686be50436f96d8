import { fileURLToPath } from 'node:url'
import { cores, Remote } from '../../bench/fanout/remote.js'
import type { Memory } from '../../bench/fanout/serving.js'
import { compilers, complaints } from '../../spec/support/compile.js'
import type { Client } from './client.js'
import type { Census, Server } from './server.js'

/** Milliseconds after which something that has not happened will not: a busy machine takes its time. */
export const patience = 60_000

interface Staff {
  /** `plain`: a route of Express with `res.write`, as a yardstick. */
  readonly who: 'lariat' | 'plain'
  readonly clients: number
  /** The server has a core of its own, and the clients another. */
  readonly isPinned: boolean
}

/** A server, and those who ask it, each in a process of its own; the code is what `tsc` makes of it. */
export class Station {
  readonly server: Remote<Server>
  readonly port: number
  readonly clients: readonly Remote<Client>[]

  private constructor(server: Remote<Server>, port: number, clients: readonly Remote<Client>[]) {
    this.server = server
    this.port = port
    this.clients = clients
  }

  static async start({ who, clients, isPinned }: Staff): Promise<Station> {
    const [own, theirs] = isPinned ? [cores.server, cores.client] : []
    const server = await Remote.start<Server>(compiled('server.js'), own, who)
    const others = Array.from({ length: clients }, () => Remote.start<Client>(compiled('client.js'), theirs))
    return new Station(server, await server.ask('port', null), await Promise.all(others))
  }

  get client(): Remote<Client> {
    return this.clients[0]!
  }

  /** Waits for so many to be there, on streams of their own. */
  async until(streams: number): Promise<Census> {
    await this.server.ask('until', { listening: streams, streams, within: patience })
    return await this.server.ask('census', null)
  }

  memory(): Promise<Memory> {
    return this.server.ask('memory', { collect: true })
  }

  stop(): void {
    for (const each of [this.server, ...this.clients]) each.stop()
  }
}

/** Makes the code that is run: what a transpiler adds on the fly would be measured as well. */
export async function compile(): Promise<void> {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const said = await complaints(compilers['TypeScript 7'], here, '--noCheck')
  if (said) throw new Error(said)
}

function compiled(file: string): URL {
  return new URL(`dist/tools/load/${file}`, import.meta.url)
}
