import type { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import type { Client, Message } from './raw.js'
import type { Site } from './stage.js'

/** A client that comes back with the last id that it has really got. */
export abstract class Returning {
  #client: Client | undefined
  /** The id that it came with. */
  protected asked: string | undefined
  protected last: string | undefined

  get isThere(): boolean {
    return this.#client !== undefined
  }

  get isOver(): boolean {
    return this.#client?.socket.closed || (this.message?.isWhole ?? false)
  }

  get isHeld(): boolean {
    return !this.isOver && this.message?.status === 200
  }

  /** What has come on the connection that is there. */
  protected get message(): Message | undefined {
    return this.#client?.messages.at(-1)
  }

  /** @param reads whether its socket takes anything from the start; see `Stalls` */
  protected visit(site: Site, path: string, key: string, reads = true): void {
    this.asked = this.last
    this.#client = site.get(path, {
      headers: {
        'X-Key': key,
        ...(!reads && { 'X-Stalls': 'yes' }),
        ...(this.last !== undefined && { 'Last-Event-ID': this.last }),
      },
    })
  }

  protected part(): void {
    this.#client?.leave()
    this.#client = undefined
  }
}

/** Stalls connections as if the kernel took nothing more, without the megabytes that it would take first. */
export class Stalls {
  readonly #sockets = new Map<string, Socket>()
  /** From now on everybody reads from the start. */
  isOver = false

  readonly middleware: RequestHandler = (req, _res, next) => {
    this.#sockets.set(req.get('x-key') as string, req.socket)
    if (req.get('x-stalls') && !this.isOver) req.socket.cork()
    next()
  }

  stall(key: string | undefined): void {
    this.#sockets.get(key as string)?.cork()
  }

  read(key: string | undefined): void {
    const socket = this.#sockets.get(key as string)
    while (socket && socket.writableCorked > 0) socket.uncork()
  }

  clear(): void {
    this.#sockets.clear()
  }
}
