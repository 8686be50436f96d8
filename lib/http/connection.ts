import { OutgoingMessage } from 'node:http'
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

/**
 * The socket that takes this response's chunks as they are, once its head is out; undefined where somebody has
 * wrapped `write`, where the body is not chunked, or where it is not yet this response's turn.
 */
export function bareSocket(res: Response): Socket | undefined {
  const { socket } = res
  const isBare = res.write === OutgoingMessage.prototype.write && res.chunkedEncoding
  return isBare && socket !== null && outputSize(res) === 0 ? socket : undefined
}

/** What Node holds of a response until it has a socket. */
function outputSize(res: Response): number {
  return (res as { outputSize?: number }).outputSize ?? 0
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

/** Who waits for the end of a response. */
export interface Closing {
  /** The response is over: it has ended, or the client has left. */
  closed(): void
}

const waiting = Symbol('waiting')
type Watched = Response & { [waiting]?: Closing[] }

/** The responses of a connection that wait for their turn: one listener serves all of them. */
const pipelined = new WeakMap<Socket, Set<Watched>>()

/**
 * Calls back once when a response is over. That is its own 'close'; that of a request whose body was read comes
 * at once. A pipelined response has no socket and no 'close' until it is its turn: it listens to the connection.
 *
 * Nothing is made for a response but a place in its list: there may be very many of them.
 */
export function onClose(req: Request, res: Watched, closing: Closing): void {
  if (res[waiting]) return void res[waiting].push(closing)
  res[waiting] = [closing]
  // the listener for an error stays: without one, an error that comes later would end the process
  res.on('close', closed)
  if (!res.listeners('error').includes(closed)) res.on('error', closed)
  if (res.socket) return
  const { socket } = req
  const others = pipelined.get(socket) ?? atClose(socket)
  others.add(res)
}

/** Takes that back. */
export function offClose(res: Watched, closing: Closing): void {
  const all = res[waiting]
  const at = all?.indexOf(closing) ?? -1
  if (at < 0) return
  all?.splice(at, 1)
  if (all?.length !== 0) return
  delete res[waiting]
  res.off('close', closed)
  pipelined.get(res.req.socket)?.delete(res)
}

function closed(this: Watched): void {
  pipelined.get(this.req.socket)?.delete(this)
  for (const each of this[waiting]?.splice(0) ?? []) each.closed()
}

function atClose(socket: Socket): Set<Watched> {
  const all = new Set<Watched>()
  pipelined.set(socket, all)
  socket.once('close', () => {
    for (const each of all) closed.call(each)
  })
  return all
}
