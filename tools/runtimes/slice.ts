// Lists the specs that run on every runtime, and those of them that a runtime cannot pass, and why. The docs page
// docs/operate/runtimes.md names the latter, and a spec compares them.

/** Folders, and files of specs: those that depend on a runtime's sockets, streams, timers and processes. */
export const slice: readonly string[] = [
  'http',
  ...[
    'close',
    'context',
    'drained',
    'endings',
    'heartbeat',
    'info',
    'last-event-id',
    'life',
    'monitor',
    'order',
    'send',
    'stream',
    'streams',
    'subscribe',
    'terminate',
    'timeout',
    'wire',
    'write',
  ].map((name) => `loop/${name}.spec`),
  ...['channel', 'outage', 'resume'].map((name) => `hub/${name}.spec`),
  'faults/faults.spec',
]

/** Suites that start programs of their own from the sources: they are for the main run. */
export const elsewhere = /^The process \(docs\/operate\/faults\.md\)|^docs\/operate\/faults\.md/

export interface Exception {
  /** Full titles. */
  readonly specs: RegExp
  /** As the docs page says it. */
  readonly why: string
}

export const exceptions: Readonly<Record<string, readonly Exception[]>> = {
  bun: [],
  deno: [],
}
