import { RedisServer } from './server.js'

let starting: Promise<RedisServer> | undefined

/** A Redis for all specs of the process that only need one, started by the first of them; each takes a prefix of its own. */
export function sharedServer(): Promise<RedisServer> {
  starting ??= (async () => {
    const server = new RedisServer()
    await server.start()
    server.unref()
    return server
  })()
  return starting
}
