// Reads how channels and their stores are.
import { clock } from '../clock.js'
import { isPromise } from '../promise.js'
import { setImmediate } from '../turn.js'
import type { HubInside, Retained } from '../values/inside.js'
import type { Reading } from './instruments.js'
import { other } from './labels.js'
import type { Watched } from './watched.js'

/** Milliseconds that a store may take to say what is retained. What it has not said by then is left out. */
const patience = 2000

export async function readHubs({ hubs, channels }: Watched): Promise<readonly Reading[]> {
  if (hubs.length === 0) return []
  const subscribers = new Map(channels.known.map((label) => [label, 0]))
  const isUp = new Map<string, boolean>()
  const pause = pausing()
  for (const hub of hubs) {
    isUp.set(hub.backend, hub.isUp && (isUp.get(hub.backend) ?? true))
    for (const { name, subscribers: more } of hub.channels) {
      const label = channels.of(name)
      subscribers.set(label, (subscribers.get(label) ?? 0) + more)
      const turn = pause()
      if (turn !== undefined) await turn
    }
  }
  return [
    ...[...subscribers].map(
      ([channel, value]): Reading => ({ name: 'channel_subscribers', labels: { channel }, value }),
    ),
    ...[...isUp].map(
      ([backend, value]): Reading => ({ name: 'backend_up', labels: { backend }, value: Number(value) }),
    ),
  ]
}

/** Channels that are read in one turn of the event loop: some milliseconds, in which nothing else is done. */
const perTurn = 250

/** What the channels of a label retain. Bytes are undefined where one of them does not say. */
type Sum = Pick<Retained, 'events' | 'bytes'>

export async function readRetained({ hubs, channels }: Watched): Promise<readonly Reading[]> {
  const sums = new Map<string, Sum>()
  // a store may have what no channel of this process is open for
  if (hubs.some(isInMemory)) for (const label of channels.known) sums.set(label, { events: 0, bytes: 0 })
  const asked: PromiseLike<void>[] = []
  const pause = pausing()
  for (const hub of hubs) {
    for (const each of hub.channels) {
      const label = channels.of(each.name)
      // a store is not asked for channels that nobody has named: they may be many
      if (label === other && !isInMemory(hub)) continue
      const add = (retained: Retained | undefined) => {
        // a backend of the user's may say anything, and prom-client refuses all for what is no number
        if (retained && Number.isFinite(retained.events) && Number.isFinite(retained.bytes ?? 0))
          sums.set(label, sumOf(sums.get(label) ?? { events: 0, bytes: 0 }, retained))
      }
      const retained = each.retained()
      if (isPromise(retained)) asked.push((retained as PromiseLike<Retained | undefined>).then(add))
      else add(retained)
      const turn = pause()
      if (turn !== undefined) await turn
    }
  }
  if (asked.length > 0) await inTime(asked)
  return [...sums].flatMap(([channel, { events, bytes }]): Reading[] => [
    { name: 'retained_events', labels: { channel }, value: events },
    ...(bytes === undefined ? [] : [{ name: 'retained_bytes', labels: { channel }, value: bytes } as const]),
  ])
}

/** Lets others have their turn after so many channels. */
function pausing(): () => Promise<void> | undefined {
  let left = perTurn
  return () => {
    left -= 1
    if (left > 0) return undefined
    left = perTurn
    return new Promise<void>((resolve) => void setImmediate(resolve))
  }
}

function isInMemory({ backend }: HubInside): boolean {
  return backend === 'memory'
}

function sumOf(one: Sum, other: Sum): Sum {
  const bytes = one.bytes === undefined || other.bytes === undefined ? undefined : one.bytes + other.bytes
  return { events: one.events + other.events, bytes }
}

/** Waits for answers, also for refusals, but not for ever. */
async function inTime(asked: readonly PromiseLike<void>[]): Promise<void> {
  let tooLate = () => {}
  const late = new Promise<void>((resolve) => {
    tooLate = resolve
  })
  const deadline = clock.after(patience, tooLate)
  await Promise.race([Promise.allSettled(asked), late])
  deadline.cancel()
}
