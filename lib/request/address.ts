// Finds the address of a client, as the app's `trust proxy` has it.
import type { Request } from '../declare/context.js'

/** `req.ip`; empty if the client has left, or a `trust proxy` of the app's own has failed. */
export function addressOf(req: Request): string {
  try {
    return req.ip ?? ''
  } catch {
    return ''
  }
}
