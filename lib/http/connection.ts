// Ends connections, and tells when a response is over.
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Request, Response } from 'express'
import { http2Stream, isAnswering } from './node.js'

/** Drops the connection once everything sent is out, so that the client sees an incomplete response. */
export function cut(res: Response): void {
  const { socket } = res
  const stream = http2Stream(res)
  if (stream) resetStream(stream, internalError)
  else if (!socket) destroyLater(res)
  else if (isFramed(res)) destroySoon(socket)
  else socket.write('', () => reset(socket))
}

/** Closes the connection once the response is complete, so that the client reconnects elsewhere. */
export function closeAfter(res: Response): void {
  const stream = http2Stream(res)
  // a session that is closed answers what it was asked, and takes no more requests
  if (stream) return void res.once('finish', () => stream.session?.close())
  if (!res.headersSent) {
    res.shouldKeepAlive = false
    return
  }
  const { socket } = res.req
  res.once('finish', () => {
    // a pipelined request that was waiting may be in course of being answered
    if (!(isAnswering(socket) ?? isNextOurs(socket))) destroySoon(socket)
  })
}

/** Drops the connection at once. */
export function destroy(res: Response): void {
  const stream = http2Stream(res)
  if (stream) stream.close(cancel)
  else if (!res.socket) destroyLater(res)
  else if (isFramed(res)) res.destroy()
  else reset(res.socket)
}

/** Drops the connection once a pipelined response gets it. Node before 24 did so by itself. */
function destroyLater(res: Response): void {
  res.once('socket', (socket: Socket) => socket.destroy())
  res.destroy()
}

/** Error codes of HTTP/2 (RFC 9113 7). */
const internalError = 2
const cancel = 8

/** Resets a stream once everything written to it is out. The other streams of the connection go on. */
function resetStream(stream: NonNullable<ReturnType<typeof http2Stream>>, code: number): void {
  if (stream.headersSent) stream.write(Buffer.alloc(0), () => stream.close(code))
  else stream.close(code)
}

/** Whether the body's end is marked by chunks or a length. Otherwise, as in HTTP/1.0, the connection's end is the mark. */
function isFramed(res: Response): boolean {
  return !res.headersSent || res.chunkedEncoding || res.hasHeader('Content-Length')
}

/** Closes the connection once everything written to it is out. */
function destroySoon(socket: Socket): void {
  // Test tools inject objects that lack this method.
  if (typeof socket.destroySoon === 'function') socket.destroySoon()
  else socket.destroy()
}

/** If the end of the connection marks the end of the body, only a TCP reset shows that the body was cut. */
function reset(socket: Socket): void {
  // Once the FIN is on its way a reset is no longer possible: Node would never close the socket.
  if (socket.writableEnded && socket.writableLength === 0) return void socket.destroy()
  try {
    socket.resetAndDestroy()
  } catch {
    socket.destroy() // not a TCP socket
  }
}

/** Waits for the end of a response. */
export interface CloseListener {
  /** Called when the response has ended or the client has left. */
  closed(): void
  /** Called when anybody ends the response, if `onEnd` has asked for it. */
  ended?(): void
}

const listeners = Symbol('listeners')

/** Almost always one listener: an array is made only for several. */
type Listened = Response & { [listeners]?: CloseListener | CloseListener[] | undefined }

/** The pipelined responses of each connection that are not being sent yet: one listener serves them all. */
const pipelined = new WeakMap<Socket, Set<Listened>>()

/**
 * Calls back once when a response is over. The event is the 'close' of the response: the 'close' of a request whose
 * body was read comes at once. A pipelined response has no socket and no 'close' before its turn, so that its
 * connection is listened to instead.
 *
 * With a single listener nothing is allocated: there may be very many responses.
 */
export function onClose(req: Request, res: Listened, listener: CloseListener): void {
  const others = res[listeners]
  if (others) {
    res[listeners] = [others, listener].flat()
    return
  }
  res[listeners] = listener
  res.on('close', closed)
  if (res.socket) return
  const { socket } = req
  // an HTTP/2 stream that is over has no socket either
  if (!socket) return
  const all = pipelined.get(socket) ?? atClose(socket)
  all.add(res)
}

/** Removes a listener. */
export function offClose(res: Listened, listener: CloseListener): void {
  const others = [res[listeners] ?? []].flat().filter((each) => each !== listener)
  res[listeners] = others.length > 0 ? others : undefined
  if (others.length > 0) return
  res.off('close', closed)
  pipelined.get(res.req.socket)?.delete(res)
}

const { on, off } = EventEmitter.prototype

/**
 * Has the listeners of a response told of its end, as soon as `end` is called: see `tellsEnds`. In the midst of a write to
 * many streams no hook into one of them may fail.
 */
export function onEnd(res: Listened): void {
  on.call(res, 'prefinish', ended)
}

export function offEnd(res: Listened): void {
  off.call(res, 'prefinish', ended)
}

function ended(this: Listened): void {
  for (const each of [this[listeners] ?? []].flat()) each.ended?.()
}

/**
 * Keeps an 'error' event of the response from ending the process, as when middleware writes after the end.
 */
export function tolerate(res: Listened): void {
  if (!res.listeners('error').includes(closed)) res.on('error', closed)
}

function closed(this: Listened): void {
  const all = this[listeners]
  this[listeners] = undefined
  pipelined.get(this.req.socket)?.delete(this)
  for (const each of [all ?? []].flat()) each.closed()
}

/** Whether a pipelined response has got the connection. Only responses that were listened to are known. */
function isNextOurs(socket: Socket): boolean {
  return [...(pipelined.get(socket) ?? [])].some((res) => res.socket === socket)
}

function atClose(socket: Socket): Set<Listened> {
  const all = new Set<Listened>()
  pipelined.set(socket, all)
  socket.once('close', () => {
    for (const each of all) closed.call(each)
  })
  return all
}
