import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of the heap, and outside of it, that are in use once all else is let go. */
export async function memoryAfter(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    // what has just ended still has its last words to say
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + Math.max(external, arrayBuffers)
}
