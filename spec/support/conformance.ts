import type { Backend } from '../../lib/hub/backend.js'
import type { Awaitable } from '../../lib/promise.js'
import { type Abilities, conformsAsBackend } from '../../lib/testing.js'

/** The suite of the test kit for one backend, as specs. */
export function backendContract<Kind extends Backend>(
  name: string,
  make: () => Awaitable<Kind>,
  abilities?: Abilities<Kind>,
): void {
  describe(`${name}, as any backend (docs/guide/backends.md)`, () => {
    for (const each of conformsAsBackend(make, abilities)) it(each.name, each.run).timeout(each.timeout)
  })
}
