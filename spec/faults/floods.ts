import type { Client } from '../support/raw.js'
import { turns } from '../support/stage.js'
import type { Scene } from './scene.js'

/**
 * An event that no kernel takes at once from a client that does not read: Linux keeps 4 MiB to send, and next to
 * nothing at such a receiver.
 */
export const floods = '.'.repeat(2 ** 23)

/** Time for a client that takes nothing: what the kernel takes at first is progress. */
export async function stall(scene: Scene): Promise<void> {
  for (let second = 0; second < 5; second++) {
    await turns(50)
    scene.time.advance(1000)
  }
}

/** Waits for a text after a flood, and returns what came after it: a body of that size is not to be parsed. */
export async function afterFlood(scene: Scene, client: Client, text: string): Promise<string> {
  const rest = () => client.raw.subarray(Math.max(floods.length, client.size - 4096))
  await scene.until(() => rest().includes(text), text)
  return rest().toString()
}
