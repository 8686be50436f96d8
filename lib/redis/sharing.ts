// Asks once for all that ask the same while an answer is on its way.

interface Asked<T> {
  /** Settles with the answer that is on its way. */
  readonly current: Promise<unknown>
  /** For those that have asked since it was: its answer may be older than their question. */
  next: Promise<T> | undefined
}

/** After a restart thousands of clients ask for what came after one and the same event. */
export class Sharing<T> {
  readonly #asked = new Map<string, Asked<T>>()

  ask(question: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#asked.get(question)
    if (!known) return this.#begin(question, ask)
    known.next ??= known.current.then(() => this.#begin(question, ask))
    return known.next
  }

  #begin(question: string, ask: () => Promise<T>): Promise<T> {
    const answer = ask()
    const asked: Asked<T> = { current: answer.catch(() => {}), next: undefined }
    this.#asked.set(question, asked)
    void asked.current.then(() => {
      if (!asked.next) this.#asked.delete(question)
    })
    return answer
  }
}
