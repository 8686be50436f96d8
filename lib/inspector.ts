// The door to the inspector: a page that shows what each request got and why, beside what its stream is doing.
import type { NextFunction, Response } from 'express'
import { resource, resources } from './endpoint.js'
import { type InspectorOptions, inspected } from './inspector/options.js'
import { assetsOf } from './inspector/page.js'
import { Recorder } from './inspector/record.js'
import { specsOf } from './inspector/specs.js'
import type { Requested } from './loop/endpoint.js'
import type { Closing } from './loop/shutdown.js'

export type { InspectorOptions }

/** The inspector, as a request handler for `app.use`. */
export interface Inspector {
  (req: Requested, res: Response, next: NextFunction): void
  /**
   * Ends its own streams, as `endpoint.close()` does, and stops listening. A shutdown does not need it: its streams end
   * when all endpoints of `of` close.
   */
  close(how?: Closing): Promise<void>
}

/**
 * A page that shows the open streams, those that have ended, the channels, and the decisions of requests; mounted by
 * `app.use('/inspector', inspector({ of: endpoint }))`.
 *
 * It keeps the last 200 streams that have ended and the last requests that were refused; other requests are recorded
 * while somebody looks, and a minute longer. Each process shows its own.
 *
 * @throws TypeError for a wrong option, and with `NODE_ENV=production` without `isAuthorized`
 */
export function inspector(options: InspectorOptions): Inspector {
  const shown = inspected(options)
  const assets = assetsOf(new URL('./inspector/page/', import.meta.url))
  const record = new Recorder(shown)
  const specs = Object.entries(specsOf(shown, record, assets))
  const table = resources(Object.fromEntries(specs.map(([path, spec]) => [path, resource(spec)])))
  const handler = (req: Requested, res: Response, next: NextFunction): void => table(req, res, next)
  return Object.assign(handler, {
    close: (how?: Closing) => {
      record.close()
      return table.close(how)
    },
  })
}
