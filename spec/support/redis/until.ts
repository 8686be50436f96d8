import { setTimeout } from 'node:timers/promises'

/** Asks a server again and again until something holds, and returns that; an error is a no, and is told if it stays. */
export async function until<T>(what: string, holds: () => T | Promise<T>, seconds = 20): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    let cause: unknown
    const does = await Promise.resolve()
      .then(holds)
      .catch((error) => {
        cause = error
      })
    if (does) return does
    if (performance.now() > deadline) throw new Error(`Not within ${seconds} s: ${what}`, { cause })
    await setTimeout(10)
  }
}
