// Shields an error answer from hooks: methods of a response that middleware has replaced, and that may throw.
import type { Response } from 'express'
import { report } from '../errors.js'

/** The methods that middleware replaces, to change or to log what is sent. */
const hooked = ['setHeader', 'writeHead', 'flushHeaders', 'write', 'end'] as const

type Method = (this: Response, ...given: unknown[]) => unknown

const shielded = new WeakSet<Response>()

/**
 * Has a hook that throws be skipped from now on: Node's own method is called in its place, so that the answer of an
 * error handler goes out. Express writes some answers in a later turn, where nothing could catch the error.
 */
export function shield(res: Response): void {
  if (shielded.has(res)) return
  shielded.add(res)
  for (const name of hooked) {
    if (!Object.hasOwn(res, name)) continue
    const hook = res[name] as Method
    const own = Object.getPrototypeOf(res)[name] as Method
    Object.assign(res, {
      [name](this: Response, ...given: unknown[]) {
        const wasSent = res.headersSent
        try {
          return hook.apply(this, given)
        } catch (error) {
          report(`A hook into ${name} of the response to ${res.req.originalUrl} failed again`, error)
          // half of it may be sent
          if (wasSent || res.headersSent) return void res.destroy()
          return own.apply(this, given)
        }
      },
    })
  }
}
