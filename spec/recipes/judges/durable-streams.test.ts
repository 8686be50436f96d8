// Judges a server of durable streams, at JUDGED, by the conformance tests of the protocol. Run by vitest, on a newer Node.
import { runConformanceTests } from '@durable-streams/server-conformance-tests'

runConformanceTests({
  baseUrl: String(process.env.JUDGED),
  longPollTimeoutMs: Number(process.env.LONG_POLL),
})
