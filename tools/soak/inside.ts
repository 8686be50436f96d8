/** Loaded into the demo's server before it: answers what cannot be seen from outside. */
import { clock } from '../../lib/clock.js'

export interface Inside {
  /** Bytes, after a collection. */
  readonly heap: number
  /** Heartbeats and deadlines of the library. */
  readonly deadlines: number
  readonly sockets: number
}

process.on('message', () => {
  for (let times = 0; times < 2; times++) globalThis.gc?.()
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  const inside: Inside = { heap: process.memoryUsage().heapUsed, deadlines: clock.size, sockets }
  process.send?.(inside)
})
// it is not what keeps the server alive
process.channel?.unref()
// nobody is left to end it
process.on('disconnect', () => process.exit())
