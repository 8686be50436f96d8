// Puts a backend of a user's own through the rules that every backend keeps.
import type { Backend } from '../../hub/backend.js'
import type { Awaitable } from '../../promise.js'
import type { Abilities, Ability, BackendCase } from './abilities.js'
import { bursts } from './bursts.js'
import { ends } from './ends.js'
import { Ground } from './ground.js'
import { keys } from './keys.js'
import { listens } from './listening.js'
import { losses } from './losses.js'
import { outages } from './outages.js'
import { places } from './places.js'
import { publishing } from './publishing.js'
import { readings } from './reading.js'
import { restarts } from './restarts.js'
import { retention } from './retention.js'
import { sharing } from './sharing.js'

const all = [
  ...publishing,
  ...listens,
  ...readings,
  ...retention,
  ...places,
  ...keys,
  ...ends,
  ...bursts,
  ...sharing,
  ...outages,
  ...restarts,
  ...losses,
]

/**
 * The suite for a backend of one's own: the rules of docs/guide/backends.md as cases, for any test runner. Give each to
 * the runner by its name, one after the other: `for (const { name, run } of conformsAsBackend(make)) test(name, run)`.
 *
 * @param make makes a backend with an empty store of its own; called for each case, which closes what it made
 * @param abilities what the store can go through; cases that need one which is not given are left out
 */
export function* conformsAsBackend<Kind extends Backend>(
  make: () => Awaitable<Kind>,
  abilities: Abilities<Kind> = {},
): Generator<BackendCase, void, undefined> {
  // backends that come from `make` are given back to the abilities, and no others
  const of = abilities as Abilities
  const can = (ability: Ability) => of[ability] !== undefined
  for (const { name, needs, timeout, run } of all) {
    if (!needs.every(can)) continue
    yield {
      name,
      needs,
      timeout,
      async run() {
        const ground = await Ground.of(make, of)
        try {
          await run(ground)
        } catch (error) {
          // a backend that is broken may not close either: the first failure is the one to tell
          await ground.end().catch(() => {})
          throw error
        }
        await ground.end()
      },
    }
  }
}
