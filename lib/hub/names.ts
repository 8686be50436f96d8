// Finds the channel of a name, and forgets it once it is not needed and nobody holds it.

/** Things by name: one that is needed is held here; any other, only as long as somebody else holds it. */
export class Names<Thing extends object> {
  readonly #all = new Map<string, Thing | WeakRef<Thing>>()
  readonly #collected = new FinalizationRegistry<string>((name) => {
    // the name may have another thing by now
    if (this.get(name) === undefined) this.#all.delete(name)
  })

  get(name: string): Thing | undefined {
    const known = this.#all.get(name)
    return known instanceof WeakRef ? (known as WeakRef<Thing>).deref() : known
  }

  add(name: string, thing: Thing): void {
    this.#collected.register(thing, name)
    this.#all.set(name, new WeakRef(thing))
  }

  /** Holds a thing from now on, or lets it go. One that its name no longer means is left alone. */
  hold(name: string, thing: Thing, isNeeded: boolean): void {
    if (this.get(name) === thing) this.#all.set(name, isNeeded ? thing : new WeakRef(thing))
  }

  delete(name: string, thing: Thing): void {
    if (this.get(name) === thing) this.#all.delete(name)
  }

  *[Symbol.iterator](): Iterator<Thing> {
    for (const name of [...this.#all.keys()]) {
      const thing = this.get(name)
      if (thing) yield thing
    }
  }
}
