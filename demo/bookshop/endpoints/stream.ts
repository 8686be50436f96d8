import { loop, ndjson } from '../../../lib/index.js'
import type { Machine } from '../machine.js'

/** A loop from the onset: samples of this machine, for as long as the process lives that takes them. */
export const machineStream = (machine: Machine) =>
  loop({
    format: ndjson(),
    subscribe: ({ send, monitor }) => {
      monitor(machine.sampler)
      machine.on('sample', send)
      return () => machine.off('sample', send)
    },
  })
