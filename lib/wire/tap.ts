// Lets somebody look at what a stream writes.

type Listener = (bytes: Uint8Array) => void

/** Outlets that are looked at. Almost always none: a write asks for the size alone. */
const tapped = new Map<object, Set<Listener>>()

/** Listens to what an outlet writes from now on. Returns a function that ends it. */
export function tap(outlet: { leaveLane(): void }, listener: Listener): () => void {
  const listeners = tapped.get(outlet) ?? new Set()
  tapped.set(outlet, listeners.add(listener))
  // a group writes past the outlets of those that are not looked at
  outlet.leaveLane()
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && tapped.get(outlet) === listeners) tapped.delete(outlet)
  }
}

export function isTapped(outlet: object): boolean {
  return tapped.size > 0 && tapped.has(outlet)
}

/** An outlet has written. */
export function wrote(outlet: object, bytes: Uint8Array): void {
  if (tapped.size === 0 || bytes.length === 0) return
  for (const listener of tapped.get(outlet) ?? []) listener(bytes)
}

/** Nothing more will be written. */
export function untap(outlet: object): void {
  if (tapped.size > 0) tapped.delete(outlet)
}
