// Says which process is looked at, and whether there are others beside it.
import cluster from 'node:cluster'
import { hostname } from 'node:os'

/** The process, as every view has it. */
export interface About {
  readonly pid: number
  readonly host: string
  /** `several`: this is one of them, and shows no streams of the others. */
  readonly processes: 'one' | 'several'
  /** Milliseconds since the epoch; null while the decisions of requests are not recorded. */
  readonly recordingSince: number | null
  readonly closing: boolean
  readonly version: string
  readonly actions: boolean
  readonly payloads: boolean
}

/** The version of the package; put here by its build. */
declare const LARIAT_VERSION: string | undefined

const version = typeof LARIAT_VERSION === 'undefined' ? 'source' : LARIAT_VERSION

/** A worker of node:cluster, of pm2 in either mode, or what says so itself. */
function isOneOfSeveral({ instances, NODE_APP_INSTANCE, LARIAT_PROCESSES }: NodeJS.ProcessEnv): boolean {
  return (
    cluster.isWorker || Number(instances) > 1 || Number(NODE_APP_INSTANCE) > 0 || Number(LARIAT_PROCESSES) > 1
  )
}

/** What does not change. */
export const thisProcess = () => ({
  pid: process.pid,
  host: hostname(),
  processes: isOneOfSeveral(process.env) ? ('several' as const) : ('one' as const),
  version,
})
