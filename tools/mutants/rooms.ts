// Says which specs should notice a mutant: those of its room, the nearest first.
import { existsSync } from 'node:fs'
import { basename } from 'node:path'

const rooms: Readonly<Record<string, readonly string[]>> = {
  http: ['spec/http', 'spec/rest'],
  formats: ['spec/formats'],
  values: ['spec/formats', 'spec/rest', 'spec/loop', 'spec/hub'],
  graph: ['spec/rest/graph.spec.ts', 'spec/rest/order.spec.ts', 'spec/rest'],
  declare: ['spec/rest/declare.spec.ts', 'spec/rest', 'spec/loop'],
  request: ['spec/rest', 'spec/loop'],
  respond: ['spec/rest'],
  endpoint: ['spec/rest', 'spec/loop'],
  hub: ['spec/hub'],
  loop: ['spec/loop'],
  wire: ['spec/loop/wire.spec.ts', 'spec/loop', 'spec/hub'],
  clock: ['spec/clock.spec.ts', 'spec/loop/duration.spec.ts'],
}

/** Files that the specs of their room say nothing of. */
const files: Readonly<Record<string, readonly string[]>> = {
  'lib/http/connection.ts': ['spec/loop/wire.spec.ts', 'spec/loop', 'spec/rest'],
}

/** Specs for a file of lib, in the order in which they are asked; each is a file or a folder. */
export function specsFor(file: string): readonly string[] {
  const [, room = ''] = /^lib\/(\w+)/.exec(file) ?? []
  const known = files[file]
  if (known) return known
  const own = ['http', 'formats', 'rest', 'hub', 'loop'].map(
    (folder) => `spec/${folder}/${basename(file, '.ts')}.spec.ts`,
  )
  return [
    ...own.filter((spec) => spec.startsWith(`spec/${room}/`) && existsSync(spec)),
    ...(rooms[room] ?? ['spec/rest', 'spec/loop', 'spec/hub']),
  ]
}
