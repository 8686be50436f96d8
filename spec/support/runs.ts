/**
 * What a spec does very often is done all the times that it is meant to be with `LARIAT_FULL=1`, and in `npm test` a part of
 * them: each run draws anew, so that what many runs find is found by some of them, on some day.
 */
export const isFull = process.env.LARIAT_FULL === '1'

/** So many runs of a property, or names, in full; else a part of them. */
export function runs(full: number, part = 4): number {
  return isFull ? full : Math.ceil(full / part)
}

/** In full all of a list; else every fourth, or so: always the same ones, with the first. */
export function some<Each>(all: readonly Each[], part = 4): readonly Each[] {
  return isFull ? all : all.filter((_, at) => at % part === 0)
}
