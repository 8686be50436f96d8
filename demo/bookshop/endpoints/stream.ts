import { csv, jsonArray, jsonSeq, multipart, ndjson, resource, sse } from '../../../lib/index.js'
import type { Sampled } from '../machine.js'

/** Samples of this machine, for as long as the process lives that takes them; while it is dead: 503. */
export const machineStream = (machine: Sampled) =>
  resource({
    contentTypesProvided: [
      ndjson(),
      sse(),
      csv({ columns: ['at', 'pid', 'cpu', 'memory', 'load'] }),
      jsonSeq(),
      jsonArray(),
      multipart('application/json'),
    ],
    subscribe: ({ send, monitor }) => {
      monitor(machine.sampler)
      machine.on('sample', send)
      return () => machine.off('sample', send)
    },
    // so that a page can tell why the stream has ended, or was cut: a killed process is a failure
    stream: { endEvent: true, errorEvent: true, retry: 1000 },
  })

/** The process that samples: look whether it lives, or kill it. */
export const machineSource = (machine: Sampled) =>
  resource({
    allowedMethods: ['GET', 'HEAD', 'DELETE', 'OPTIONS'],
    contentTypesProvided: {
      'application/json': () => ({
        pid: machine.sampler.pid,
        isAlive: machine.isAlive,
        restartAfter: machine.restartAfter,
      }),
    },
    deleteResource: () => machine.kill(),
  })
