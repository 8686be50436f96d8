import type { Socket } from 'node:net'
import type { Request, Response } from 'express'

/** Drops a connection, after what was sent, so that it can be told from something whole. */
export function cut(res: Response): void {
  const { socket } = res
  if (!socket) res.destroy()
  else if (isFramed(res)) socket.destroySoon()
  else socket.write('', () => reset(socket))
}

/** Drops a connection at once. */
export function destroy(res: Response): void {
  if (isFramed(res) || !res.socket) res.destroy()
  else reset(res.socket)
}

/** Chunks tell a client where a body ends; before HTTP/1.1 only the end of the connection does. */
function isFramed({ req }: Response): boolean {
  return req.httpVersionMajor > 1 || req.httpVersionMinor >= 1
}

/** Where the end of the connection is the end of the body, only a TCP reset tells that it is cut short. */
function reset(socket: Socket): void {
  // one whose FIN is on its way cannot be reset any more: Node would never close it
  if (socket.writableEnded && socket.writableLength === 0) return void socket.destroy()
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy() // not a TCP socket
  }
}

/** Who waits for the end of a connection: one listener serves all of its pipelined responses. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls back once when a response is over: it has ended, or the client has left. That is its own 'close'; that
 * of a request whose body was read comes at once. A pipelined response has no socket and no 'close' until it
 * is its turn: it listens to the connection.
 *
 * @returns how to take that back
 */
export function onClose(req: Request, res: Response, closed: () => void): () => void {
  const { socket } = req
  let others: Set<() => void> | undefined
  let isWaiting = true
  const off = () => {
    isWaiting = false
    res.off('close', once)
    others?.delete(once)
  }
  const once = () => {
    if (!isWaiting) return
    off()
    closed()
  }
  // the listener for an error stays: without one, an error that comes later would end the process
  res.on('close', once).on('error', once)
  if (!res.socket) {
    others = waiting.get(socket) ?? atClose(socket)
    others.add(once)
  }
  return off
}

function atClose(socket: Socket): Set<() => void> {
  const all = new Set<() => void>()
  waiting.set(socket, all)
  socket.once('close', () => {
    for (const each of all) each()
  })
  return all
}
