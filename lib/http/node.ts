// Keeps in one place what is taken from Node's insides: tested when loaded, with a plain path where a test fails.
import { type IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { Response } from 'express'

/** A socket's handle; that of a TLS socket encrypts, and has the handle of the connection as its parent. */
interface Handle {
  readonly bytesWritten?: unknown
  readonly writeQueueSize?: unknown
  readonly _parent?: Handle | null
}

interface Insides {
  /** Bytes that a response buffers until it has a socket. */
  readonly outputSize?: number
  /** The response that is being sent on a socket. */
  readonly _httpMessage?: unknown
}

/** LARIAT_PLAIN=1 takes the plain path everywhere, as on a runtime whose insides differ. */
const takesPlainPath = process.env.LARIAT_PLAIN === '1'

/** Whether responses are known well enough to write past them. */
export const knowsResponses = !takesPlainPath && framesAsExpected()

/** Whether a response tells at once that `end` was called, by 'prefinish', so that it need not be asked at each write. */
export const tellsEnds = knowsResponses && endsAsExpected()

/** Whether `res.write` is Node's own, and may be bypassed. */
export function isBare(res: Response): boolean {
  return knowsResponses && res.write === OutgoingMessage.prototype.write
}

/**
 * The socket to which chunks of this response may be written directly, once its head is out. Undefined if middleware
 * has wrapped `write`, if the body is not chunked, or if an earlier pipelined response is not over.
 */
export function bareSocket(res: Response): Socket | undefined {
  const { socket } = res
  const takesChunks = isBare(res) && res.chunkedEncoding && (res as Insides).outputSize === 0
  return takesChunks && socket ? socket : undefined
}

/** Whether a response is being sent on a connection; undefined if that is not known. */
export function isAnswering(socket: Socket): boolean | undefined {
  return knowsResponses ? Boolean((socket as Insides)._httpMessage) : undefined
}

/**
 * The bytes that the kernel has taken so far on the connection of a response. Node itself counts a write, however
 * large, until all of it is taken. Undefined if that is not known, or if the connection serves other responses too.
 */
export function takenBytes(res: Response): number | undefined {
  if (takesPlainPath || isHttp2(res)) return undefined
  const handle = (res.socket as { _handle?: Handle | null } | null)?._handle
  const { bytesWritten, writeQueueSize } = handle?._parent ?? handle ?? {}
  const isKnown = typeof bytesWritten === 'number' && typeof writeQueueSize === 'number'
  return isKnown ? bytesWritten - writeQueueSize : undefined
}

/** The part of HTTP/2's response that HTTP/1 has not (Node's compatibility API). */
interface Http2Response {
  readonly stream?: {
    readonly headersSent: boolean
    readonly session?: { close(): void }
    write(bytes: Buffer, done: () => void): unknown
    /** @param code an error code (RFC 9113 7) */
    close(code: number): void
  }
}

/** The HTTP/2 stream of a response; undefined for HTTP/1. */
export function http2Stream(res: Response): Http2Response['stream'] {
  return isHttp2(res) ? (res as Http2Response).stream : undefined
}

function isHttp2({ req }: Response): boolean {
  return req?.httpVersionMajor === 2
}

/** Writes a chunk to a response that goes nowhere, and looks at what came of it. */
function framesAsExpected(): boolean {
  try {
    const { res, socket } = toNowhere()
    const before = socket.writableLength
    res.write('a')
    const chunk = socket.writableLength - before
    const { outputSize } = res as Insides
    const isKnown = (socket as Insides)._httpMessage === res && outputSize === 0 && res.chunkedEncoding
    return isKnown && chunk === '1\r\na\r\n'.length && res.write === OutgoingMessage.prototype.write
  } catch {
    return false
  }
}

/** Ends a response that goes nowhere. */
function endsAsExpected(): boolean {
  try {
    const { res } = toNowhere()
    let isTold = false
    res.on('prefinish', () => {
      isTold = res.writableEnded
    })
    res.end()
    return isTold
  } catch {
    return false
  }
}

/** A response whose head is out. */
function toNowhere(): { res: ServerResponse; socket: Writable } {
  const socket = new Writable({ write: (_chunk, _encoding, done) => done() })
  const request = { method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} }
  const res = new ServerResponse(request as unknown as IncomingMessage)
  res.sendDate = false
  res.assignSocket(socket as Socket)
  socket.cork()
  res.flushHeaders()
  return { res, socket }
}
