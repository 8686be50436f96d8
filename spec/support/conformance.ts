import type { Backend } from '../../lib/hub/backend.js'
import type { Awaitable } from '../../lib/promise.js'
import { type Abilities, conformsAsBackend } from '../../lib/testing.js'
import { some } from './runs.js'

/** The suite of the test kit for one backend, as specs; of one like another that takes all of them, one of `part`. */
export function backendContract<Kind extends Backend>(
  name: string,
  make: () => Awaitable<Kind>,
  abilities?: Abilities<Kind>,
  part = 1,
): void {
  describe(`${name}, as any backend (docs/guide/backends.md)`, () => {
    for (const each of some([...conformsAsBackend(make, abilities)], part))
      it(each.name, each.run).timeout(each.timeout)
  })
}
