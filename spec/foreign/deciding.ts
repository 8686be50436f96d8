import { callbacks } from '../../lib/declare/callbacks.js'

/** The callbacks that decide: those of the table, and what else is asked before an answer. */
export const deciding: readonly string[] = [
  ...Object.keys(callbacks),
  'init',
  'a provider',
  'an accept callback',
]
