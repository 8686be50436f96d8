// The door to the test kit: `stage` runs an app for a test, and opens streams of it.

export { ManualTime } from './testing/clock.js'
