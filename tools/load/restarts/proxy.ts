import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { serve } from '../../../bench/fanout/remote.js'

// A load balancer for TCP: each connection goes to the next process that takes it.

const host = '127.0.0.1'
let upstreams: readonly number[] = []
let next = 0

function pass(client: Socket, refused = 0): void {
  if (client.destroyed) return
  if (refused >= upstreams.length) return void client.destroy()
  const port = upstreams[next++ % upstreams.length]!
  const upstream = connect({ port, host, noDelay: true, allowHalfOpen: true })
  // nothing was sent yet
  const refuse = () => pass(client, refused + 1)
  upstream.once('error', refuse)
  upstream.once('connect', () => {
    upstream.off('error', refuse).on('error', () => client.destroy())
    if (client.destroyed) return void upstream.destroy()
    client.pipe(upstream)
    upstream.pipe(client)
    // what has ended is on its way; a cut is passed on as one
    upstream.once('close', () => upstream.readableEnded || client.destroy())
    client.once('close', () => upstream.destroy())
  })
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  client.on('error', () => undefined)
  pass(client)
})
await new Promise<void>((resolve) => server.listen({ port: 0, host, backlog: 4096 }, resolve))

const handlers = {
  port: (_: null) => (server.address() as AddressInfo).port,
  to: ({ ports }: { ports: readonly number[] }) => {
    upstreams = ports
  },
}

export type Balancer = typeof handlers
serve(handlers)
