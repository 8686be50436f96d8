/** What JSON has no text for. */
export const unserialisable: readonly unknown[] = [
  () => 1,
  Symbol('a'),
  1n,
  { deep: [1n] },
  // JSON would make {} of it
  Promise.resolve(1),
  circle(),
  {
    toJSON() {
      throw new Error('no')
    },
  },
  { toJSON: () => undefined },
  {
    get a() {
      // biome-ignore lint/style/useThrowOnlyError: what users throw need not be one
      throw 'not even an error'
    },
  },
]

function circle(): object {
  const made: { self?: object } = {}
  made.self = made
  return made
}
