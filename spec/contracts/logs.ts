import type { Backend, Log, Reading, Receiver, Retention, Where } from '../../lib/hub/backend.js'
import { Gap } from '../../lib/hub/gap.js'
import type { Published } from '../../lib/hub/published.js'
import type { Awaitable } from '../../lib/promise.js'

/** What the suite needs to know of a backend, and what it can do to its store. */
export interface BackendCase {
  /** A backend with a store of its own. */
  make(): Awaitable<Backend>
  /** Until all that was published is delivered, to every backend of the case. */
  settled(): Promise<void>
  /** Turns the clock that events and keys age by. */
  advance?(milliseconds: number): Awaitable<void>
  /** Another process's backend on the same store, where stores are shared. */
  another?(backend: Backend): Awaitable<Backend>
  /** Ends this backend, and starts another process's on the same store, where a store outlives a process. */
  reopen?(backend: Backend): Awaitable<Backend>
  /** Loses the store, where it can be lost, and brings it back. */
  loss?: { down(backend: Backend): Awaitable<void>; up(backend: Backend): Awaitable<void> }
  /**
   * From now on the store takes what is published and does not answer, until `loss.down`. Then it was refused, or has come
   * or not without an answer, as far as the store lets a test choose.
   */
  freeze?(backend: Backend, fate: 'refused' | 'came' | 'lost'): Awaitable<void>
  /** Brings the store back to what it was before `meanwhile`, as one that starts again from an older copy of its disk. */
  rollBack?(backend: Backend, meanwhile: () => Promise<void>): Awaitable<void>
  /** Takes all that is in the store. */
  empty?(backend: Backend): Awaitable<void>
}

/** What the parts of the suite stand on: a backend for each test, and logs of it. */
export interface Ground {
  readonly of: BackendCase
  readonly backend: Backend
  /** A log of a name that no other has. */
  open(retention?: Partial<Retention>): Log
  /** A log of this name, at this or another backend. */
  named(name: string, retention?: Partial<Retention>, from?: Backend): Log
}

export const none: Retention = {
  history: undefined,
  historyBytes: undefined,
  maxAge: undefined,
  idle: undefined,
}
export const accept = () => {}

/** A receiver that keeps what it gets. */
export class Kept implements Receiver {
  readonly items: (Published | Gap | 'end')[] = []

  event(event: Published): void {
    this.items.push(event)
  }

  gap(gap: Gap): void {
    this.items.push(gap)
  }

  end(): void {
    this.items.push('end')
  }

  get ids(): string[] {
    return this.items.map(idOf)
  }

  get data(): unknown[] {
    return this.items.map((item) => (item === 'end' || item instanceof Gap ? item : item.data))
  }

  get gaps(): Gap[] {
    return this.items.filter((item) => item instanceof Gap)
  }

  /** The ids of what came after the only gap. */
  get afterGap(): string[] {
    return this.ids.slice(this.items.findIndex((item) => item instanceof Gap) + 1)
  }
}

export async function publish(log: Log, ...list: unknown[]): Promise<string[]> {
  const ids: string[] = []
  for (const data of list) ids.push(await log.publish(data, {}, accept))
  return ids
}

export const idOf = (item: Published | Gap | 'end') =>
  item === 'end' ? item : item instanceof Gap ? `gap ${item.reason}` : item.id

export async function idsOf(events: Reading['events']): Promise<string[]> {
  const ids: string[] = []
  for await (const item of events) ids.push(idOf(item))
  return ids
}

/** A reading, with its events read. */
export async function read(
  log: Log,
  where: Where,
): Promise<Pick<Reading, 'outcome' | 'from'> & { ids: string[] }> {
  const { outcome, from, events } = await log.read(where)
  return { outcome, from, ids: await idsOf(events) }
}

/** The ids after a place that is known. */
export async function following(log: Log, where: Where): Promise<string[]> {
  const { outcome, events } = await log.read(where)
  if (outcome !== 'found') throw new Error(`${JSON.stringify(where)} is ${outcome}`)
  return idsOf(events)
}

/** What a call throws or rejects with. */
export async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('It did not fail')
}
