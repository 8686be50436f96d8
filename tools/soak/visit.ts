import { Agent, request as ask, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../spec/support/raw.js'
import type { Chance } from './chance.js'
import type { Ledger } from './ledger.js'
import type { Shop } from './shop.js'

/** Milliseconds after which an answer is not awaited any more. */
const patience = 30_000
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

export interface Asked {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** What it may be answered; 503 as well, while the server goes. */
  readonly statuses: readonly number[]
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Thrown where the server has gone meanwhile: no fault of anybody. */
export class Interrupted extends Error {}

/** What is done in one visit; a visitor comes again and again, and may remember. */
export type Visitor = (visit: Visit) => Promise<unknown>

/** One client at the shop: what it may do, and whether what it gets is as it should be. */
export class Visit {
  readonly chance: Chance
  readonly ledger: Ledger
  readonly shop: Shop
  /** Aborted when all are to leave. */
  readonly leaving: AbortSignal

  constructor(chance: Chance, ledger: Ledger, shop: Shop, leaving: AbortSignal) {
    this.chance = chance
    this.ledger = ledger
    this.shop = shop
    this.leaving = leaving
  }

  /** Waits; not when all are to leave. */
  async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.leaving }).catch(() => undefined)
  }

  /** Sends a request, and takes the whole answer. */
  async ask(asked: Asked): Promise<Answer> {
    const what = `${asked.method ?? 'GET'} ${asked.path}`
    return await this.watched(what, async () => {
      const { response } = await this.#send(asked, agent)
      const body = await textOf(response)
      const status = response.statusCode!
      this.judge(status, asked, body)
      return { status, headers: response.headers, body }
    })
  }

  /** Opens a stream, and hands it over once its head is there; undefined for another answer. */
  async open(asked: Asked): Promise<IncomingMessage | undefined> {
    const what = `${asked.method ?? 'GET'} ${asked.path}`
    return await this.watched(what, async () => {
      const { response } = await this.#send(asked)
      const status = response.statusCode!
      if (status === 200) {
        this.judge(status, asked)
        return response
      }
      this.judge(status, asked, await textOf(response))
      return undefined
    })
  }

  /**
   * Reads a stream for some time, or until `take` says that it is enough, then leaves. One that ends before has to end
   * complete, unless the server has gone.
   */
  async listen(
    response: IncomingMessage,
    milliseconds: number,
    take: (text: string) => unknown = () => undefined,
  ): Promise<void> {
    const { life, isUp } = this.shop
    const enough = new AbortController()
    response.on('error', () => undefined)
    response.setEncoding('utf8').on('data', (text: string) => {
      if (take(text) === 'enough') enough.abort()
    })
    this.ledger.open += 1
    const isEnded = await Promise.race([
      new Promise<true>((resolve) => response.once('close', () => resolve(true))),
      sleep(milliseconds, false, { signal: AbortSignal.any([enough.signal, this.leaving]) }).catch(
        () => false,
      ),
    ])
    this.ledger.open -= 1
    enough.abort()
    response.destroy()
    if (isEnded && !response.complete && isUp && this.shop.isUp && this.shop.life === life) {
      throw new Error(`${what(response)} was cut`)
    }
  }

  /** Runs what has to come to an end, by itself or because the server has gone. */
  async watched<T>(what: string, run: () => Promise<T>): Promise<T> {
    const { life, isUp } = this.shop
    const late = new AbortController()
    try {
      return await Promise.race([run(), rejectAfter(patience, late.signal)])
    } catch (error) {
      if (!isUp || !this.shop.isUp || this.shop.life !== life) throw new Interrupted()
      throw new Error(`${what}: ${error instanceof Error ? error.message : error}`)
    } finally {
      late.abort()
    }
  }

  /** A client on a raw socket. */
  raw(options: { reads?: boolean } = {}): Client {
    this.ledger.requests += 1
    return new Client(this.shop.port, options)
  }

  judge(status: number, { statuses, method = 'GET', path }: Asked, body = ''): void {
    const what = `${method} ${path}`
    this.ledger.answered(status)
    this.ledger.inspect(status, body, what)
    if (statuses.includes(status)) return
    if (status === 503 && !this.shop.isUp) throw new Interrupted()
    this.ledger.violation(`${what}: ${status}, not ${statuses.join(' or ')}: ${body.slice(0, 200)}`)
  }

  #send(asked: Asked, using?: Agent): Promise<{ response: IncomingMessage }> {
    const { method = 'GET', path, headers = {}, body } = asked
    this.ledger.requests += 1
    return new Promise((resolve, reject) => {
      const to = { port: this.shop.port, host: '127.0.0.1', method, path, headers, agent: using ?? false }
      const request = ask(to, (response) => resolve({ response }))
      request.on('error', (error: NodeJS.ErrnoException) => {
        // a connection that was kept is closed in the moment in which it is used again
        const again = request.reusedSocket && error.code === 'ECONNRESET'
        if (again) this.#send(asked).then(resolve, reject)
        else reject(error)
      })
      request.end(body)
    })
  }
}

/** The request of an answer. */
function what(response: IncomingMessage): string {
  const { method, path } = (response as IncomingMessage & { req: { method: string; path: string } }).req
  return `${method} ${path}`
}

async function rejectAfter(milliseconds: number, signal: AbortSignal): Promise<never> {
  await sleep(milliseconds, undefined, { signal })
  throw new Error(`no answer within ${milliseconds} ms`)
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) text += piece
  return text
}
