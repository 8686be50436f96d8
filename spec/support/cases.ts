/** One spec for a rule and all its cases; the case that fails is named. */
export function cases<T>(
  rule: string,
  all: Iterable<T>,
  name: (each: T) => string,
  run: (each: T) => unknown,
): void {
  it(rule, async () => {
    for (const each of all) {
      try {
        await run(each)
      } catch (error) {
        throw new Error(`${name(each)}: ${(error as Error).message}`, { cause: error })
      }
    }
  })
}
