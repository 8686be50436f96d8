import { constants } from 'node:os'

const cleanups = new Set<() => void>()

function cleanUp(): void {
  for (const run of cleanups) {
    cleanups.delete(run)
    run()
  }
}

process.once('exit', cleanUp)
// by default these end a process without its 'exit'
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]))
}

/** Runs something once when the process ends, also by a signal: children are ended, folders removed. Returns its undoing. */
export function atEnd(run: () => void): () => void {
  cleanups.add(run)
  return () => void cleanups.delete(run)
}
