// Uses a log as a case does: publishes, listens, reads.
import type { Log, Reading, Receiver, Where } from '../../hub/backend.js'
import { Gap } from '../../hub/gap.js'
import type { Published } from '../../hub/published.js'
import { holds } from './expecting.js'

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

/** Publishes one after the other; the ids, one for each. */
export async function publish<List extends readonly unknown[]>(
  log: Log,
  ...list: List
): Promise<{ -readonly [Index in keyof List]: string }> {
  const ids: string[] = []
  for (const data of list) ids.push(await log.publish(data, {}, accept))
  return ids as { -readonly [Index in keyof List]: string }
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
  holds(outcome === 'found', `Reading after ${JSON.stringify(where)} is ${outcome}, and not found`)
  return idsOf(events)
}

/** A receiver that listens already, and how it stops. */
export async function listening(log: Log): Promise<{ receiver: Kept; stop: () => unknown }> {
  const receiver = new Kept()
  return { receiver, stop: await log.listen(receiver) }
}

export const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)
