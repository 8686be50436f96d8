// Keeps channels in the memory of the process: the default backend.
import { backend } from './authoring.js'
import type { Backend } from './backend.js'
import { History } from './history.js'

/**
 * Channels that live and die with the process: nothing is lost while it runs. A log is held by its channel; here only
 * while something of it is to be let go of at a time.
 */
export function memory(): Backend {
  const waiting = new Set<History>()
  return backend({
    name: 'memory',
    open: (_name, retention, emptied) => new History(retention, emptied, waiting),
    close() {
      for (const history of [...waiting]) history.cancel()
    },
  })
}
