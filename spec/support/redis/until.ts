import { setTimeout } from 'node:timers/promises'

/** Asks a server again and again until something holds; an error is a no, and is told if it stays. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seconds = 20,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    let cause: unknown
    const does = await Promise.resolve()
      .then(holds)
      .catch((error) => {
        cause = error
        return false
      })
    if (does) return
    if (performance.now() > deadline) throw new Error(`Not within ${seconds} s: ${what}`, { cause })
    await setTimeout(10)
  }
}
