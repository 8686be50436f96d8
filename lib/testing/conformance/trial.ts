// One case at work on a route: opens streams of it, drives it, waits for what is to come, and puts all away.
import { mediaTypeOf } from '../../readers/reader.js'
import type { StreamEvent } from '../reading.js'
import { after, turns } from '../real.js'
import { breach, demand, leaveOut, type Wrong } from './breach.js'
import type { Subject } from './subject.js'
import { type Asked, hasRecords, Visit } from './visit.js'

/** A request of a case, where it is not that of the subject. */
export interface Ask extends Partial<Asked> {
  readonly accept?: string
  readonly lastEventId?: string
}

/** No media type of anybody. */
const nothing = 'application/vnd.conforms.nothing'

export class Trial {
  readonly subject: Subject
  /** The route promises what the library promises, not only what HTTP demands. */
  readonly isOurs: boolean
  /** Milliseconds that whatever is waited for may take. */
  readonly within: number
  /** How many were subscribed before the case. */
  readonly before: number
  readonly #visits: Visit[] = []
  /** As far as is known, subscribers() counts those that are open. */
  #counts = true
  /** Of events that were asked for before. */
  readonly #keys = new WeakMap<StreamEvent, string>()

  constructor(subject: Subject, isOurs: boolean, within: number) {
    this.subject = subject
    this.isOurs = isOurs
    this.within = within
    this.before = subject.subscribers?.() ?? 0
  }

  get method(): string {
    return this.subject.method ?? 'GET'
  }

  get negotiates(): boolean {
    return this.subject.negotiates ?? this.isOurs
  }

  /** Sends a request, and waits for nothing. */
  send({ accept: asked, lastEventId, headers, ...ask }: Ask = {}): Visit {
    const { at, path, body, formats: [first] = [] } = this.subject
    // what is no stream may be answered to a client that says nothing
    const accept = asked ?? (this.negotiates ? first : undefined)
    const visit = new Visit(new URL(at.url), {
      path,
      method: this.method,
      ...(ask.method === undefined && body !== undefined && { body }),
      ...ask,
      headers: {
        ...this.subject.headers,
        ...(accept !== undefined && { Accept: accept }),
        ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }),
        ...headers,
      },
    })
    this.#visits.push(visit)
    return visit
  }

  /** Sends a request, and waits for its head. */
  async ask(ask: Ask = {}): Promise<Visit> {
    const visit = this.send(ask)
    await this.answered(visit)
    return visit
  }

  /** Waits for a head. */
  async answered(visit: Visit): Promise<void> {
    await this.until(
      () => visit.status > 0 || visit.isWhole !== undefined,
      () => ({
        rule: `${visit.asked.method} ${visit.asked.path} has to be answered`,
        came: `no head within ${this.within} ms`,
        expected: 'a head',
      }),
    )
  }

  /** Opens a stream: it is subscribed once this has resolved. */
  async open(ask: Ask = {}): Promise<Visit> {
    const visit = this.send(ask)
    await this.begun(visit)
    return visit
  }

  /** Waits until a stream is open. */
  async begun(visit: Visit): Promise<void> {
    await this.answered(visit)
    demand(visit.status === 200, () => ({
      rule: `${visit.asked.method} ${visit.asked.path} is answered by a stream`,
      came: `${visit.status} ${visit.body}`,
      expected: '200',
    }))
    // a head may be out before there is a subscription; and a stream of what is short may be over
    const { subscribers } = this.subject
    const open = () => this.before + this.#visits.filter(({ isOpen }) => isOpen).length
    // where subscribers() is wrong, the case that looks at it tells that
    if (subscribers && this.#counts) this.#counts = await this.comes(() => subscribers() >= open())
  }

  /** What a request that no format fits is answered. */
  refused(): Promise<Visit> {
    const expected = 'a 406 (of a route that does not look at Accept, say `negotiates: false`)'
    return this.ask({ accept: nothing }).then((visit) => this.whole(visit, expected))
  }

  /** Waits until an answer is there as a whole. */
  async whole(visit: Visit, expected = 'a complete answer'): Promise<Visit> {
    await this.until(
      () => visit.isWhole !== undefined,
      () => ({
        rule: `The answer to ${visit.asked.method} has an end: it is no stream`,
        came: `${visit.status}, and ${visit.bytes} bytes without an end within ${this.within} ms`,
        expected,
      }),
    )
    return visit
  }

  /** The media types of the streams. */
  async formats(): Promise<readonly string[]> {
    if (this.subject.formats) return this.subject.formats
    if (this.negotiates) {
      const offered = offeredBy(await this.refused())
      if (offered.length > 0) return offered
    }
    const visit = await this.ask()
    visit.leave()
    return [visit.mediaType]
  }

  /** The media types of which events can be told from one another. */
  async recorded(): Promise<readonly string[]> {
    const formats = (await this.formats()).filter(hasRecords)
    return formats.length > 0 ? formats : leaveOut('no format has records')
  }

  /** An Accept for a format; where there is no negotiation, none. */
  accepting(format: string): Ask {
    return this.negotiates ? { accept: format } : {}
  }

  /** Has so many events emitted, and waits until each of those visits has got them. */
  async emit(count: number, ...visits: readonly Visit[]): Promise<void> {
    const had = visits.map((visit) => visit.events.length)
    const publishing = this.publish(count)
    for (const [at, visit] of visits.entries())
      await this.until(
        () => visit.events.length >= Number(had[at]) + count || visit.isWhole !== undefined || isBad(visit),
        () => ({
          rule: 'publish(count) emits so many events to everybody who is subscribed',
          came: `${visit.events.length - Number(had[at])} within ${this.within} ms`,
          expected: count,
        }),
      )
    await publishing
    if (visits.some(isBad)) leaveOut('what comes is not of its format')
  }

  /** Has so many events emitted, if they do not come by themselves. */
  async publish(count: number, size?: number): Promise<void> {
    const { publish } = this.subject
    if (!publish) leaveOut('the subject has no publish')
    if (typeof publish !== 'function') return
    let isOver = false
    const publishing = Promise.resolve(publish(count, size)).finally(() => {
      isOver = true
    })
    publishing.catch(() => {})
    await this.until(
      () => isOver,
      () => ({
        rule: 'publish(count) resolves',
        came: `nothing within ${this.within} ms`,
        expected: 'its end',
      }),
    )
    await publishing
  }

  /** Does what needs events, where there are any: the rest of the case is worth it without. */
  async unlessMute(work: () => Promise<void>): Promise<void> {
    if (this.subject.publish) await work()
  }

  /** What tells an event from others. */
  keyOf(event: StreamEvent): string {
    const known = this.#keys.get(event)
    if (known !== undefined) return known
    const { id, type, data } = event
    // the id of an event of several channels says where this client is in each of them
    const key = JSON.stringify(this.subject.isOrdered === false ? [type, data] : [id, type, data])
    this.#keys.set(event, key)
    return key
  }

  keysOf(visit: Visit): readonly string[] {
    return visit.events.map((event) => this.keyOf(event))
  }

  /** Lets happen what is ready to. */
  async still(): Promise<void> {
    await turns(20)
  }

  /** Waits until something holds; fails where it does not. */
  async until(holds: () => boolean, wrong: () => Wrong): Promise<void> {
    if (!(await this.comes(holds))) breach(wrong())
  }

  /** Whether something comes to hold: for as long as the time, and not only a stall of this process, has not passed. */
  async comes(holds: () => boolean, within = this.within): Promise<boolean> {
    const from = performance.now()
    for (let turn = 0; !holds(); turn++) {
      const passed = performance.now() - from
      // a few turns may take very long where looking does
      if (passed > within && (turn > Math.min(200, within) || passed > 5 * within)) return false
      if (turn < 100) await turns(1)
      else await new Promise<void>((resolve) => after(2, resolve))
    }
    return true
  }

  /** Waits until no more are subscribed than before. */
  async unsubscribed(rule: string, count = this.before): Promise<void> {
    const { subscribers } = this.subject
    if (!subscribers) return
    await this.until(
      () => subscribers() === count,
      () => ({ rule, came: `${subscribers()} subscribed`, expected: `${count} subscribed` }),
    )
  }

  /** Leaves whatever is still open. */
  end(): void {
    for (const visit of this.#visits) visit.leave()
  }
}

const isBad = ({ fault }: Visit) => fault !== undefined

/** The media types that a 406 lists: in the problem of the library, else wherever there are some. */
export function offeredBy({ body }: Visit): readonly string[] {
  const types = body.match(/"[\w.+-]+\/[\w.+-]+(?:;[^"]*)?"/g) ?? []
  const offered = types.map((type) => mediaTypeOf(type.slice(1, -1)))
  return [...new Set(offered)].filter((type) => type !== nothing)
}

/** Whether one list is another with some left out. */
export function isWithin(some: readonly string[], all: readonly string[]): boolean {
  let at = 0
  for (const each of all) if (each === some[at]) at += 1
  return at === some.length
}
