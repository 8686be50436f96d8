// Keeps what runs things in a later turn of the event loop as it was when this was loaded: a test's fake timers hold no
// stream up.
import timers from 'node:timers'

export const { setImmediate, clearImmediate } = timers

export const { nextTick } = process
