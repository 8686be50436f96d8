import { OutgoingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Request, Response } from 'express'

/** Drops a connection, after what was sent, so that it can be told from something whole. */
export function cut(res: Response): void {
  const { socket } = res
  if (!socket) res.destroy()
  else if (isFramed(res)) destroySoon(socket)
  else socket.write('', () => reset(socket))
}

/** Closes a connection once a response is whole: who comes again is to come to somebody else. */
export function closeAfter(res: Response): void {
  if (!res.headersSent) {
    res.shouldKeepAlive = false
    return
  }
  const { socket } = res.req
  res.once('finish', () => {
    const next = (socket as { _httpMessage?: unknown })._httpMessage
    // a pipelined request that was waiting has its turn now
    if (!next) destroySoon(socket)
  })
}

/** Drops a connection at once. */
export function destroy(res: Response): void {
  if (isFramed(res) || !res.socket) res.destroy()
  else reset(res.socket)
}

/** Nobody has wrapped what writes to the response. */
export function isBare(res: Response): boolean {
  return res.write === OutgoingMessage.prototype.write
}

/**
 * The socket that takes this response's chunks as they are, once its head is out; undefined where somebody has
 * wrapped `write`, where the body is not chunked, or where it is not yet this response's turn.
 */
export function bareSocket(res: Response): Socket | undefined {
  const { socket } = res
  const takesChunks = isBare(res) && res.chunkedEncoding && outputSize(res) === 0
  return takesChunks && socket ? socket : undefined
}

/** What Node holds of a response until it has a socket. */
function outputSize(res: Response): number {
  return (res as { outputSize?: number }).outputSize ?? 0
}

/** Chunks tell a client where a body ends; without them, as before HTTP/1.1, only the end of the connection does. */
function isFramed(res: Response): boolean {
  return !res.headersSent || res.chunkedEncoding || res.hasHeader('Content-Length')
}

/** Closes a connection once all that was written to it is out. */
function destroySoon(socket: Socket): void {
  // one that only looks like a socket, as tests inject it, may have less
  if (typeof socket.destroySoon === 'function') socket.destroySoon()
  else socket.destroy()
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

/** Who waits for the end of a response. */
export interface Closing {
  /** The response is over: it has ended, or the client has left. */
  closed(): void
}

const waiting = Symbol('waiting')

/** One, as almost everywhere, or several. */
type Watched = Response & { [waiting]?: Closing | Closing[] | undefined }

/** The responses of a connection that wait for their turn: one listener serves all of them. */
const pipelined = new WeakMap<Socket, Set<Watched>>()

/**
 * Calls back once when a response is over. That is its own 'close'; that of a request whose body was read comes
 * at once. A pipelined response has no socket and no 'close' until it is its turn: it listens to the connection.
 *
 * Nothing is made for a response, as long as one waits for it: there may be very many of them.
 */
export function onClose(req: Request, res: Watched, closing: Closing): void {
  const others = res[waiting]
  if (others) {
    res[waiting] = [others, closing].flat()
    return
  }
  res[waiting] = closing
  res.on('close', closed)
  if (res.socket) return
  const { socket } = req
  const all = pipelined.get(socket) ?? atClose(socket)
  all.add(res)
}

/** Takes that back. */
export function offClose(res: Watched, closing: Closing): void {
  const others = [res[waiting] ?? []].flat().filter((each) => each !== closing)
  res[waiting] = others.length > 0 ? others : undefined
  if (others.length > 0) return
  res.off('close', closed)
  pipelined.get(res.req.socket)?.delete(res)
}

/**
 * From here on an error of the response ends nothing but the response: that somebody writes to it after its end
 * would end the process.
 */
export function tolerate(res: Watched): void {
  if (!res.listeners('error').includes(closed)) res.on('error', closed)
}

function closed(this: Watched): void {
  const all = this[waiting]
  this[waiting] = undefined
  pipelined.get(this.req.socket)?.delete(this)
  for (const each of [all ?? []].flat()) each.closed()
}

function atClose(socket: Socket): Set<Watched> {
  const all = new Set<Watched>()
  pipelined.set(socket, all)
  socket.once('close', () => {
    for (const each of all) closed.call(each)
  })
  return all
}
