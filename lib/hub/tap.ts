// Lets somebody look at what a channel delivers, without being a subscriber.
import type { Delivery } from '../values/inside.js'
import { Gap } from './gap.js'
import type { Published } from './published.js'

type Listener = (item: Delivery) => void

/** Channels that are looked at, by their roots. Almost always none: a delivery asks for the size alone. */
const tapped = new Map<object, Set<Listener>>()

/** Listens to what a channel delivers from now on. Returns a function that ends it. */
export function tap(root: object, listener: Listener): () => void {
  const listeners = tapped.get(root) ?? new Set()
  tapped.set(root, listeners.add(listener))
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) tapped.delete(root)
  }
}

/** A channel has delivered an event, or a gap. */
export function tapping(root: object, item: Published | Gap): void {
  if (tapped.size === 0) return
  const { id } = item
  for (const listener of tapped.get(root) ?? []) {
    if (item instanceof Gap) listener({ id, reason: item.reason })
    else listener({ id, data: item.data, ...(item.type === undefined ? {} : { type: item.type }) })
  }
}
