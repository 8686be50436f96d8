import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Where to cut, in all that has come on a connection so far; undefined: not yet. */
type Where = (text: string) => number | undefined

/** Stands between clients and a server, and cuts connections after a byte of the answer that a test has chosen. */
export class Knife {
  readonly url: string
  readonly #server
  readonly #sockets = new Set<Socket>()
  readonly #cuts: Where[] = []
  /** Connections that were cut. */
  done = 0

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async before(port: number): Promise<Knife> {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const knife = new Knife(server)
    server.on('connection', (client) => knife.#pass(client, connect(port, '127.0.0.1')))
    return knife
  }

  /** Cuts the next connection on which there is such a place. */
  cut(where: Where): void {
    this.#cuts.push(where)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #pass(client: Socket, server: Socket): void {
    const both = [client, server]
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const each of both) if (!each.writableEnded) each.destroy()
      })
    }
    client.on('data', (bytes) => void server.write(bytes))
    let come = ''
    server.on('data', (bytes) => {
      const before = come.length
      come += bytes.toString('latin1')
      const at = this.#cuts[0]?.(come)
      if (at === undefined) return void client.write(bytes)
      this.#cuts.shift()
      this.done += 1
      // the client gets these bytes, and the end of the connection behind them
      client.end(bytes.subarray(0, Math.max(0, at - before)))
      server.destroy()
    })
  }
}
