import { setTimeout } from 'node:timers/promises'

/** What is being said at the moment, so that one sees that it stops with its listener. */
export class Speakers {
  readonly #speaking = new Set<string>()

  /** How many speak. */
  get count(): number {
    return this.#speaking.size
  }

  isSpeaking(id: string): boolean {
    return this.#speaking.has(id)
  }

  /** Says a text word by word, until it is said or nobody listens any more. */
  async *speak(
    words: Iterable<string>,
    { id = crypto.randomUUID() as string, pace, signal }: { id?: string; pace: number; signal: AbortSignal },
  ): AsyncGenerator<string> {
    this.#speaking.add(id)
    try {
      for (const word of words) {
        await setTimeout(pace, undefined, { signal })
        yield word
      }
    } finally {
      this.#speaking.delete(id)
    }
  }
}

export function wordsOf(text: string): readonly string[] {
  return text.match(/\S+/g) ?? []
}
