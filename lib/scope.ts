import { AsyncResource } from 'node:async_hooks'

/** What every AsyncLocalStorage has where this was made: for what is called later, from wherever. */
export type Scope = AsyncResource

/** The scope of what runs now. */
export function scopeOfNow(): Scope {
  return new AsyncResource('LARIAT')
}

/** Runs something in a scope; where there is none, as things are. */
export function within<T>(scope: Scope | undefined, run: () => T): T {
  return scope ? scope.runInAsyncScope(run) : run()
}

const nobodys = scopeOfNow()

/**
 * Runs what is for all, and would otherwise run in the scope of whoever is the first to need it, and keep it: in the
 * scope in which this file was loaded. In a copy of it, so that a store that is entered there is not everybody's.
 */
export function apart<T>(run: () => T): T {
  return within(within(nobodys, scopeOfNow), run)
}
