// Takes the timers of Node when it is loaded, so that a test's fake ones do not hold the kit up.
import timers from 'node:timers'

const { setImmediate, setTimeout, clearTimeout } = timers

/** Lets the event loop go round. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Calls back after so many real milliseconds, unless it is cancelled. Keeps the process alive until then. */
export function after(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds)
  return () => clearTimeout(timer)
}

/** Tells whether it is still within so many real milliseconds. */
export function within(milliseconds: number): () => boolean {
  const end = process.uptime() + milliseconds / 1000
  return () => process.uptime() < end
}
