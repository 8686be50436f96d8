import { parseArgs } from 'node:util'
import { entry, type Name, names } from './peers.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    peers: { type: 'string' },
    streams: { type: 'string' },
    rounds: { type: 'string' },
    /** Of a run at a steady rate, in seconds. */
    seconds: { type: 'string' },
    /** Of the part with stalled readers, in seconds. */
    stalled: { type: 'string' },
    /** Rounds of the search for the highest rate. */
    searches: { type: 'string' },
    /** Keeps the results and draws the chart, which a run of all that is there does by itself. */
    write: { type: 'boolean', default: false },
  },
})

const { quick } = values
const number = (given: string | undefined, usual: number, hasty: number) =>
  given === undefined ? (quick ? hasty : usual) : Number(given)

const chosen = values.peers ? [...new Set(values.peers.split(',').flatMap(named))] : names

export const options = {
  parts: positionals.length > 0 ? positionals : ['fanout', 'stalled', 'gather', 'operating'],
  quick,
  peers: chosen,
  streams: values.streams
    ? values.streams.split(',').map(Number)
    : quick
      ? [1, 100, 1000]
      : [1, 100, 1000, 5000, 10_000],
  /** In haste only those beside whom memory is judged. */
  stalledPeers: (values.peers || !quick
    ? chosen
    : chosen.filter((name) => /pre-framed|^Express|lariat$/.test(name))
  ).filter((name) => (entry(name).only ?? 'stalled') === 'stalled'),
  rounds: number(values.rounds, 5, 1),
  seconds: number(values.seconds, 2, 1),
  searches: number(values.searches, 2, 1),
  stalled: number(values.stalled, 60, 8),
  write: values.write || !(quick || values.peers || values.streams),
}

/** All whose names have this in them. */
function named(part: string): Name[] {
  const found = names.filter((name) => name.includes(part))
  if (found.length === 0) throw new Error(`No peer is called ${part}; there are ${names.join('; ')}`)
  return found
}
