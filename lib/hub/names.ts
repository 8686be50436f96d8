// Finds the channel of a name, and forgets it once it is not needed and nobody holds it.

interface Entry<Thing extends object> {
  readonly ref: WeakRef<Thing>
  /** Holds the thing while it is needed. */
  needed: Thing | undefined
}

/** Things by name: one that is needed is held here; any other, only as long as somebody else holds it. */
export class Names<Thing extends object> {
  readonly #all = new Map<string, Entry<Thing>>()
  readonly #collected = new FinalizationRegistry<string>((name) => {
    // the name may have another thing by now
    if (this.get(name) === undefined) this.#all.delete(name)
  })

  get(name: string): Thing | undefined {
    return this.#all.get(name)?.ref.deref()
  }

  add(name: string, thing: Thing): void {
    this.#collected.register(thing, name)
    this.#all.set(name, { ref: new WeakRef(thing), needed: undefined })
  }

  /** Holds a thing from now on, or lets it go. One that its name no longer means is left alone. */
  hold(name: string, thing: Thing, isNeeded: boolean): void {
    const entry = this.#all.get(name)
    if (entry?.ref.deref() === thing) entry.needed = isNeeded ? thing : undefined
  }

  delete(name: string, thing: Thing): void {
    if (this.get(name) === thing) this.#all.delete(name)
  }

  *[Symbol.iterator](): Iterator<Thing> {
    for (const { ref } of [...this.#all.values()]) {
      const thing = ref.deref()
      if (thing) yield thing
    }
  }
}
