// The time of clients, which specs replace.

export const time = {
  /** Milliseconds by the calendar, which go on while a machine sleeps: unlike performance.now() everywhere. */
  now: (): number => Date.now(),
  /** Calls back once; returns a function that cancels the call. */
  after(milliseconds: number, call: () => void): () => void {
    const timer = setTimeout(call, Math.min(milliseconds, 2 ** 31 - 1))
    return () => clearTimeout(timer)
  },
  /** 0 or more, and less than 1. */
  random: (): number => Math.random(),
}
