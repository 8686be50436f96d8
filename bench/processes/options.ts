import { parseArgs } from 'node:util'
import { type Name, names } from './peers.js'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    /** One round, and shorter. */
    quick: { type: 'boolean', default: false },
    peers: { type: 'string' },
    streams: { type: 'string' },
    processes: { type: 'string' },
    rounds: { type: 'string' },
    /** Events a second. */
    rate: { type: 'string' },
    /** Of a run at this rate, in seconds. */
    seconds: { type: 'string' },
    /** Keeps the results, which a run of all that is there does by itself. */
    write: { type: 'boolean', default: false },
  },
})

const { quick } = values
const number = (given: string | undefined, usual: number, hasty: number) =>
  given === undefined ? (quick ? hasty : usual) : Number(given)

export const options = {
  peers: values.peers ? [...new Set(values.peers.split(',').flatMap(named))] : names,
  streams: number(values.streams, 1000, 1000),
  processes: (values.processes ?? '1,2,4').split(',').map(Number),
  rounds: number(values.rounds, 3, 1),
  rate: number(values.rate, 20, 20),
  seconds: number(values.seconds, 4, 2),
  write: values.write || !(quick || values.peers || values.streams || values.processes || values.rate),
}

/** All whose names have this in them. */
function named(part: string): Name[] {
  const found = names.filter((name) => name.includes(part))
  if (found.length === 0) throw new Error(`No peer is called ${part}; there are ${names.join('; ')}`)
  return found
}
