// Tells when a page, a worker or a process may have a connection again, or sees that it had none for long.

interface Target {
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

/** Calls back when the page is shown again, or the network is back. Returns its undoing; where there are no pages, nothing. */
export function whenAwake(call: () => void): () => void {
  const scope = globalThis as Target & { document?: Target & { visibilityState: string } }
  const { document } = scope
  const seen = () => document?.visibilityState === 'visible' && call()
  const events = [
    [scope, 'online', call],
    [scope, 'pageshow', call],
    [document, 'visibilitychange', seen],
  ] as const
  for (const [target, type, listener] of events) target?.addEventListener?.(type, listener)
  return () => {
    for (const [target, type, listener] of events) target?.removeEventListener?.(type, listener)
  }
}
