// Creates the diagnostics channels of the library, and prints their messages with NODE_DEBUG=lariat. Publishing without
// a subscriber costs nothing.
import { channel } from 'node:diagnostics_channel'
import { debuglog } from 'node:util'
import { shared } from './brand.js'
import { lineOf } from './debug.js'

const names = [
  'decisions',
  'refusal',
  'open',
  'first',
  'end',
  'overflow',
  'resume',
  'publish',
  'delivery',
  'backend',
] as const

type Name = (typeof names)[number]

/** By the last part of their names: `express-lariat:decisions`, and so on. */
export const channels = Object.fromEntries(
  names.map((name) => [name, channel(`express-lariat:${name}`)]),
) as Readonly<Record<Name, ReturnType<typeof channel>>>

/** Whether anybody listens to what becomes of streams. */
export function isWatched(): boolean {
  const { open, first, end } = channels
  return open.hasSubscribers || first.hasSubscribers || end.hasSubscribers
}

const log = debuglog('lariat')

// once in a process: the channels belong to every copy of the package
if (log.enabled)
  shared('debuglog', () => {
    for (const name of names)
      channels[name].subscribe((message) => log('%s', lineOf(name, message as object)))
    return true
  })
