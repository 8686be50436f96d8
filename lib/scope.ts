// Keeps the async context of a request, and runs later callbacks in it.
import { AsyncResource } from 'node:async_hooks'

/** A captured async context: the values of every AsyncLocalStorage at the time of the capture. */
export type Scope = AsyncResource

class Captured extends AsyncResource {
  /** It keeps no process alive: tools that look for what does, such as Jest's `--detectOpenHandles`, ask each resource for this. */
  hasRef(): boolean {
    return false
  }
}

/** Captures the current async context. */
export function scopeOfNow(): Scope {
  return new Captured('LARIAT')
}

/** Runs a function in a scope, or in the current context if there is none. */
export function within<T>(scope: Scope | undefined, run: () => T): T {
  return scope ? scope.runInAsyncScope(run) : run()
}

const nobodys = scopeOfNow()

/**
 * Runs a function that serves all requests, such as setting a shared timer, in the context in which this file was
 * loaded. Otherwise it would run in, and keep alive, the context of the first request that needs it. Each call gets a
 * copy of that context, so that a store entered by one call is not visible to the next.
 */
export function apart<T>(run: () => T): T {
  return within(within(nobodys, scopeOfNow), run)
}
