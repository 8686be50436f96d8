// Says which specs should notice a mutant, in the order in which they are asked: the likely ones, then those of its
// room and of the rooms above, the quick ones first.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

/** Specs that are asked of every file of a room: files or folders. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  http: ['spec/http', 'spec/rest'],
  formats: ['spec/formats'],
  client: ['spec/client'],
  readers: ['spec/readers', 'spec/client'],
  values: ['spec/formats', 'spec/rest', 'spec/loop', 'spec/hub'],
  graph: ['spec/rest'],
  declare: ['spec/rest', 'spec/loop'],
  request: [
    'spec/rest',
    ...loop('context', 'info', 'stream', 'reauthorize', 'terminate', 'endings', 'nobody', 'nobodys-context'),
  ],
  respond: ['spec/rest'],
  endpoint: ['spec/rest', 'spec/loop'],
  hub: [
    'spec/hub',
    ...loop(
      'subscribe',
      'switching',
      'context',
      'streams',
      'nobodys-context',
      'close',
      'drained',
      'hot-path',
    ),
    ...loop('leaks', 'slow-property', 'caps', 'slow'),
  ],
  loop: ['spec/loop', 'spec/hub'],
  wire: ['spec/loop', 'spec/hub'],
  clock: ['spec/clock.spec.ts', 'spec/loop/duration.spec.ts'],
}

/** The specs that are most likely to notice a mutant, together a few seconds long: of a file, or else of its room. */
const likely: Readonly<Record<string, readonly string[]>> = {
  'lib/http/connection.ts': loop('wire', 'write'),
  'lib/graph': rest('graph', 'order'),
  'lib/declare': rest('declare'),
  'lib/request': rest('callbacks', 'methods'),
  'lib/request/draft.ts': [...rest('provide', 'callbacks', 'plain'), ...loop('stream')],
  'lib/hub': ['spec/hub/channel.spec.ts'],
  'lib/hub/subscription.ts': ['spec/hub/channel.spec.ts', ...loop('subscribe')],
  'lib/hub/view.ts': ['spec/hub/channel.spec.ts', ...loop('subscribe'), 'spec/hub/once.spec.ts'],
  'lib/hub/group.ts': ['spec/hub/channel.spec.ts', ...loop('subscribe')],
  'lib/hub/memory.ts': ['spec/hub/backends.spec.ts', 'spec/hub/channel.spec.ts'],
  'lib/hub/channel-root.ts': [
    'spec/hub/channel.spec.ts',
    'spec/hub/end.spec.ts',
    'spec/hub/delete.spec.ts',
    'spec/hub/told-places.spec.ts',
  ],
  'lib/hub/names.ts': ['spec/hub/forgotten.spec.ts'],
  'lib/hub/history.ts': ['spec/hub/memory.spec.ts', 'spec/hub/backends.spec.ts', 'spec/hub/channel.spec.ts'],
  'lib/hub/retained.ts': ['spec/hub/memory.spec.ts', 'spec/hub/backends.spec.ts', 'spec/hub/channel.spec.ts'],
  'lib/hub/keys.ts': ['spec/hub/channel.spec.ts', 'spec/hub/backends.spec.ts'],
  'lib/hub/catch-up.ts': [
    'spec/hub/resume.spec.ts',
    'spec/hub/snapshot.spec.ts',
    'spec/hub/from.spec.ts',
    'spec/hub/told-places.spec.ts',
    'spec/hub/end.spec.ts',
  ],
  'lib/hub/start.ts': ['spec/hub/from.spec.ts'],
  'lib/hub/merged.ts': ['spec/hub/merge.spec.ts'],
  'lib/hub/branches.ts': ['spec/hub/merge.spec.ts', 'spec/hub/merge-property.spec.ts'],
  'lib/hub/branch.ts': ['spec/hub/merge.spec.ts', 'spec/hub/merge-property.spec.ts'],
  'lib/hub/series.ts': ['spec/hub/merge.spec.ts', 'spec/hub/merge-property.spec.ts'],
  'lib/hub/vector.ts': ['spec/hub/merge.spec.ts'],
  'lib/hub/resumption.ts': ['spec/hub/diagnostics.spec.ts'],
  'lib/hub/replay.ts': ['spec/hub/once.spec.ts', 'spec/hub/channel.spec.ts'],
  'lib/hub/backend.ts': ['spec/hub/failing-backend.spec.ts', 'spec/hub/channel.spec.ts'],
  'lib/loop': loop('send', 'terminate', 'life', 'endings'),
  'lib/loop/life.ts': loop('life'),
  'lib/loop/lease.ts': loop('life', 'terminate', 'drained'),
  'lib/loop/mailbox.ts': loop('send', 'terminate', 'order', 'timeout'),
  'lib/loop/messages.ts': loop('send', 'terminate', 'subscribe', 'monitor'),
  'lib/loop/monitor.ts': loop('monitor'),
  'lib/loop/open-streams.ts': loop('streams', 'close-late', 'close'),
  'lib/loop/shutdown.ts': loop('close-late', 'close', 'close-process'),
  'lib/loop/source.ts': loop('stream', 'drained'),
  'lib/loop/stream.ts': loop('stream'),
  'lib/loop/head.ts': loop('stream', 'info', 'wire'),
  'lib/wire': loop('write', 'wire', 'heartbeat', 'terminate'),
  'lib/wire/queue.ts': loop('send', 'queue'),
  'lib/wire/progress.ts': loop('write', 'heartbeat', 'drained'),
}

/** Specs that take seconds: they are asked after all others, in this order. */
const slow = [
  ...loop('close-process', 'interleavings', 'duration', 'drained'),
  'spec/hub/resume.spec.ts',
  ...loop('slow-property', 'leaks', 'queue', 'caps'),
  'spec/hub/resume-property.spec.ts',
  ...loop('slow'),
]

function loop(...names: readonly string[]): readonly string[] {
  return names.map((name) => `spec/loop/${name}.spec.ts`)
}

function rest(...names: readonly string[]): readonly string[] {
  return names.map((name) => `spec/rest/${name}.spec.ts`)
}

/** The files of specs that a file of lib is asked of: first the likely ones, then all, or all but the slow ones. */
export function specsFor(file: string, { isQuick = false } = {}): readonly (readonly string[])[] {
  const [, room = ''] = /^lib\/(\w+)/.exec(file) ?? []
  const first = likely[file] ?? likely[`lib/${room}`] ?? []
  const known = rooms[room] ?? ['spec/rest', 'spec/loop', 'spec/hub']
  const own = known
    .map((each) => `${each}/${basename(file, '.ts')}.spec.ts`)
    .filter((spec) => existsSync(spec) && !slow.includes(spec))
  const near = [...new Set([...own, ...first])]
  // with the likely ones again, so that they are the same for all files of a room, and run once before anything is broken
  const all = [...new Set(known.flatMap(filesIn))].filter((spec) => !isQuick || !slow.includes(spec))
  return [near, all.toSorted((one, other) => slow.indexOf(one) - slow.indexOf(other))].filter(
    (specs) => specs.length > 0,
  )
}

function filesIn(spec: string): readonly string[] {
  if (statSync(spec).isFile()) return [spec]
  return readdirSync(spec, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.spec.ts'))
    .map((name) => join(spec, name).replaceAll('\\', '/'))
    .toSorted()
}
