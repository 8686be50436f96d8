// Passes an error on to the error handlers of the app.
import type { NextFunction, Response } from 'express'
import { LariatError, report, show } from '../errors.js'
import { shield } from '../http/hooks.js'

/** Passes an error to `next`. If the error handlers, and Express, throw too, the connection is closed. Never throws. */
export function passOn(res: Response, error: unknown, next: NextFunction): void {
  shield(res)
  try {
    next(asError(error))
  } catch (again) {
    report(`The error handler for ${res.req.originalUrl} failed`, again)
    res.destroy()
  }
}

/** `next('route')` and falsy values mean something else to Express. */
function asError(error: unknown): unknown {
  return error && error !== 'route' && error !== 'router'
    ? error
    : new LariatError('LARIAT_THREW', `A callback threw ${show(error)}: throw an Error`, { cause: error })
}
