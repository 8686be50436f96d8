// Judges what a command has failed with: an answer of Redis, or the loss of the connection.
import { show } from '../errors.js'

/** Redis has answered. The classes of the errors of several versions of a client have no more in common than this. */
function replyOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  // older servers put a script's error behind words of their own
  const [, code] =
    /^(?:ERR Error running script.*?: )?(?:ERR )?([A-Z][A-Z]+)(?: |$)/s.exec(error.message) ?? []
  return code ?? (/^(?:Simple|Blob)?ErrorReply$/.test(error.constructor.name) ? 'ERR' : undefined)
}

/** Said by a server that starts, or where another takes over: to be asked again. */
const passing = new Set([
  'LOADING',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MASTERDOWN',
  'BUSY',
  'MOVED',
  'ASK',
  'UNBLOCKED',
])

export function isPassing(error: unknown): boolean {
  return passing.has(replyOf(error) as string)
}

/** Whether the connection is of no use any more: there was no answer, or that of a server that is no longer the master. */
export function isLost(error: unknown): boolean {
  const code = replyOf(error)
  return code === undefined || code === 'READONLY'
}

/** Whether the command may have been executed all the same. */
export function isUnanswered(error: unknown): boolean {
  return replyOf(error) === undefined
}

export function isNoScript(error: unknown): boolean {
  return replyOf(error) === 'NOSCRIPT'
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : show(error)
}

/** Emits a process warning without the stack of the error, which says where the client has noticed it. */
export function warn(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${reasonOf(error)}`, { type: 'LariatWarning' })
}
