// The door to the test kit: `stage` runs an app for a test, and opens streams of it.

export type { Abilities, Ability, BackendCase } from './testing/backends/abilities.js'
export { conformsAsBackend } from './testing/backends/conforms.js'
export { ManualTime } from './testing/clock.js'
export {
  type AsyncMemory,
  type AsyncMemoryOptions,
  asyncMemory,
  type Fate,
} from './testing/store/async-memory.js'
export { type Lag, type Moment, randomLag } from './testing/store/moments.js'
