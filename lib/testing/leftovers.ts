// Lists what is left of an app when the clients of its stage have gone: where it is, and what to do.
import { clock } from '../clock.js'
import type { Entry } from '../ledger.js'
import type { Taken } from './taken.js'

/** Something that is left. */
export interface Leftover {
  readonly kind: 'stream' | 'subscription' | 'connection' | 'iteration' | 'source' | 'deadline'
  /** The request, or the name of a channel. */
  readonly path: string
  /** How it is known, and what to do. */
  readonly message: string
}

/** A connection that is open. */
export interface OpenConnection {
  /** The other end's. */
  readonly port: number
  /** The latest request on it. */
  readonly request: string
}

/** Why a stage could not be closed without a trace. */
export class LeftoversError extends Error {
  override readonly name = 'LeftoversError'

  constructor(readonly leftovers: readonly Leftover[]) {
    const things = leftovers.length === 1 ? 'something is' : `${leftovers.length} things are`
    const list = leftovers.map(({ kind, path, message }) => `\n  ${kind} ${path}: ${message}`)
    super(`The stage is closed, and ${things} left:${list.join('')}`)
  }
}

/** What is left. What belongs to no connection is left of the last stage that is closed. */
export function leftoversOf(
  port: number,
  { isLast, entries, deadlines }: Taken,
  connections: readonly OpenConnection[],
): readonly Leftover[] {
  const streams = entries.filter(({ kind, ports }) => kind === 'stream' && ports?.[0] === port)
  const held = new Set(streams.flatMap(({ ports, isClosed }) => (isClosed ? [] : ports?.[1])))
  const left = [
    ...streams.map(ofStream),
    ...connections.filter((each) => !held.has(each.port)).map(ofConnection),
    ...(isLast ? entries.filter(({ kind }) => kind !== 'stream').map(ofChannel) : []),
  ]
  // whatever else is left has its deadlines
  return isLast && left.length === 0 ? deadlines.map(({ due }) => ofDeadline(due)) : left
}

function ofStream(entry: Entry): Leftover {
  const { path, isClosed } = entry
  return isClosed
    ? {
        kind: 'subscription',
        path,
        message:
          `its client has left, and \`subscribe\`, called ${age(entry)}, has not answered: nothing could be unsubscribed. ` +
          'Let it settle when its `signal` aborts',
      }
    : {
        kind: 'stream',
        path,
        message: `open ${age(entry)} (${entry.details}): its client has not left. Leave, abort or close it in the test`,
      }
}

function ofConnection({ request }: OpenConnection): Leftover {
  return {
    kind: 'connection',
    path: request,
    message:
      'the app has not ended the answer, and the client has not left. End the response, or abort the request in the test',
  }
}

function ofChannel(entry: Entry): Leftover {
  const { kind, path, details } = entry
  return kind === 'iteration'
    ? {
        kind,
        path,
        message: `an iteration has the channel ${age(entry)}. End its loop (break, or return()), or the channel, or close the hub: stage(app, { onClose: () => hub.close() })`,
      }
    : {
        kind: 'source',
        path,
        message: `the source of the channel runs ${age(entry)}${details && ` (${details})`}. Turn the clock on until it stops, or close the hub: stage(app, { onClose: () => hub.close() })`,
      }
}

function ofDeadline(due: number): Leftover {
  const left = Math.max(0, due - clock.now())
  return {
    kind: 'deadline',
    path: `in ${left} ms`,
    message: `a callback has not settled, or a hub is open. Close what the app has: stage(app, { onClose: () => hub.close() }), or turn the clock on: at.clock.advance(${left})`,
  }
}

function age({ since }: Entry): string {
  return `for ${Math.max(0, clock.now() - since)} ms of the library's clock`
}
