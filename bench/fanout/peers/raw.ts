import type { RequestListener, ServerResponse } from 'node:http'
import { head, type Peer } from '../peer.js'

/** What Node can do at all: one buffer for everybody, framed once, past the response to its socket. */
export function preFramed(): Peer {
  const { held, listener } = hold()
  return {
    listener,
    publish: (tick) => send(held, framed(`data: ${JSON.stringify(tick)}\n\n`)),
  }
}

/** The same with all that one turn of the event loop brings in one buffer. */
export function gathered(): Peer {
  const { held, listener } = hold()
  let waiting = ''
  return {
    listener,
    publish: (tick) => {
      if (!waiting) {
        setImmediate(() => {
          send(held, framed(waiting))
          waiting = ''
        })
      }
      waiting += `data: ${JSON.stringify(tick)}\n\n`
    },
  }
}

/** What is written by hand everywhere. */
export function written(): Peer {
  const { held, listener } = hold()
  return {
    listener,
    publish: (tick) => {
      const text = `data: ${JSON.stringify(tick)}\n\n`
      for (const res of held) res.write(text)
    },
  }
}

function hold(): { held: Set<ServerResponse>; listener: RequestListener } {
  const held = new Set<ServerResponse>()
  return {
    held,
    listener: (_req, res) => {
      res.writeHead(200, head).flushHeaders()
      held.add(res)
      res.on('close', () => held.delete(res))
    },
  }
}

function send(held: Set<ServerResponse>, chunk: Buffer): void {
  for (const res of held) res.socket?.write(chunk)
}

function framed(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
}
