import { turns } from '../support/stage.js'

/** A function of the user's, as the library calls it. */
export type Foreign = (...given: never[]) => unknown

const failure = () => new Error('foreign')

/** What code that is not ours may do, each in the place of a function that the library calls. */
export const faults = {
  throws() {
    throw failure()
  },
  'throws what is no error'() {
    // biome-ignore lint/style/useThrowOnlyError: that is what is tried
    throw null
  },
  rejects: () => Promise.reject(failure()),
  async 'rejects later'() {
    await turns(3)
    throw failure()
  },
  'returns a thenable that throws': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    then() {
      throw failure()
    },
  }),
  'returns what cannot be looked at': () =>
    Object.defineProperty({}, 'then', {
      get() {
        throw failure()
      },
    }),
  'calls back twice, then throws': () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried
    then(done: (value?: unknown) => void, failed: (error: unknown) => void) {
      done()
      failed(failure())
      done()
      throw failure()
    },
  }),
  'never answers': () => new Promise(() => {}),
} satisfies Readonly<Record<string, Foreign>>

export type Fault = keyof typeof faults
