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

/** What `npm test` runs of it: where sockets and streams differ. */
export const core =
  /^loop\/(?:close|endings|order|send|stream|terminate|wire|write)\.|^hub\/(?:channel|resume)\./

/** Suites that start programs of their own from the sources: they are for the main run. */
export const elsewhere = /^The process \(docs\/operate\/faults\.md\)|^docs\/operate\/faults\.md/

export interface Exception {
  /** Full titles. */
  readonly specs: RegExp
  /** As the docs page says it. */
  readonly why: string
}

export const exceptions: Readonly<Record<string, readonly Exception[]>> = {
  bun: [
    {
      specs:
        /clients that never read are cut$|with `over`, they have until then$|^A client that is too slow is cut .* that (?:takes no byte|stalls after)|a failure arrives before the cut, also what the client was behind with$|live events that wait for a replay count against the limits|^The client does not read .* (?:and `overflow` is close|takes no byte any more) |the process is late all the time, and the client takes nothing /,
      why: 'A client that does not read, and is cut, may get nothing of the response, not even its head.',
    },
    {
      specs: /^The client leaves .* at any byte of its request /,
      why: 'Not every connection that ends before its request is whole is reported to the app.',
    },
    {
      specs:
        /^Client input .* (?:ten pipelined streams|pipelined streams leaves in their midst|pipelined requests of all kinds) /,
      why: 'A pipelined response whose format has no opening bytes sends its head with its first event.',
    },
    {
      specs: /^Sources .* what JSON has no text for, 1[345], /,
      why: '`FormData`, `URLSearchParams` and `Blob` have a `toJSON()`: as data they are JSON, and no error.',
    },
  ],
  deno: [
    {
      specs: /^monitor .* a Worker: exit(?: with an error)? already dead /,
      why: 'A Worker that was dead before `monitor` was called looks alive: monitor it while it runs.',
    },
    {
      specs: /that takes bytes, however slowly, is not$|a flood in the history does not pile up/,
      why: 'How much of a write has gone out is not known: `writeTimeout` is the time for each whole write.',
    },
    {
      specs: /the client closes its half while it is behind (?:SSE|an async generator)/,
      why: 'A client that closes its half and reads no more ends with `disconnect` instead of `overflow`.',
    },
    {
      specs: /a Web stream: errored with nothing dying later without a message/,
      why: 'A Web stream that is errored with nothing, by `controller.error()`, is taken for one that has ended.',
    },
    {
      specs: /a pipelined request behind a stream does not keep it$/,
      why: 'A connection with pipelined requests is closed with the first response when the endpoint closes.',
    },
  ],
}
