// Gives each case backends, logs of them, and what can be done to their store; closes all of them afterwards.
import { type Backend, type Log, type Retention, retainsNothing } from '../../hub/backend.js'
import type { Awaitable } from '../../promise.js'
import type { Abilities, Ability } from './abilities.js'

/** What one case stands on. */
export class Ground {
  readonly backend: Backend
  readonly #make: () => Awaitable<Backend>
  readonly #of: Abilities
  readonly #open = new Set<Backend>()
  #names = 0

  private constructor(make: () => Awaitable<Backend>, of: Abilities, backend: Backend) {
    this.#make = make
    this.#of = of
    this.backend = this.#keep(backend)
  }

  static async of(make: () => Awaitable<Backend>, abilities: Abilities): Promise<Ground> {
    return new Ground(make, abilities, await make())
  }

  /** A log of a name that no other has. */
  open(retention?: Partial<Retention>, from?: Backend): Log {
    return this.named(`log${++this.#names}`, retention, from)
  }

  /** A log of this name, at this or another backend. */
  named(name: string, retention: Partial<Retention> = {}, from = this.backend): Log {
    return from.open(name, { ...retainsNothing, ...retention }, () => {})
  }

  /** A backend with a store of its own. */
  async foreign(): Promise<Backend> {
    return this.#keep(await this.#make())
  }

  can(ability: Ability): boolean {
    return this.#of[ability] !== undefined
  }

  now(): number {
    return this.#of.time?.now() ?? Date.now()
  }

  async settled(): Promise<void> {
    if (this.#of.settled) await this.#of.settled()
    else await this.turns(2)
  }

  /** Lets the event loop go round: what was called is on its way then. */
  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  async advance(milliseconds: number): Promise<void> {
    await this.#able('time').advance(milliseconds)
  }

  async another(): Promise<Backend> {
    this.#able('another')
    return this.#keep((await this.#of.another?.(this.backend)) as Backend)
  }

  async reopen(): Promise<Backend> {
    this.#able('reopen')
    this.#open.delete(this.backend)
    return this.#keep((await this.#of.reopen?.(this.backend)) as Backend)
  }

  async down(): Promise<void> {
    await this.#able('loss').down(this.backend)
  }

  async up(): Promise<void> {
    await this.#able('loss').up(this.backend)
  }

  async freeze(fate: 'refused' | 'came' | 'lost'): Promise<void> {
    this.#able('freeze')
    await this.#of.freeze?.(this.backend, fate)
  }

  async rollBack(meanwhile: () => Promise<void>): Promise<void> {
    this.#able('rollBack')
    await this.#of.rollBack?.(this.backend, meanwhile)
  }

  async empty(): Promise<void> {
    this.#able('empty')
    await this.#of.empty?.(this.backend)
  }

  /** Closes a backend, as a hub does: once. What that answers is not awaited here. */
  close(backend = this.backend): Awaitable<unknown> {
    this.#open.delete(backend)
    return backend.close()
  }

  /** Closes all that is open. */
  async end(): Promise<void> {
    for (const backend of [...this.#open]) await this.close(backend)
  }

  #keep(backend: Backend): Backend {
    this.#open.add(backend)
    return backend
  }

  #able<Name extends Ability>(name: Name): NonNullable<Abilities[Name]> {
    const ability = this.#of[name]
    if (ability === undefined)
      throw new Error(`This case uses \`${name}\`, and does not say that it needs it`)
    return ability
  }
}
