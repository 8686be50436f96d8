import { setTimeout } from 'node:timers/promises'

/** Who is speaking at the moment, whichever process they are in. */
export interface Speaking {
  add(id: string): Promise<void>
  delete(id: string): Promise<void>
  has(id: string): Promise<boolean>
  count(): Promise<number>
}

/** What is being said at the moment, so that one sees that it stops with its listener. */
export class Speakers {
  readonly #speaking: Speaking

  constructor(speaking: Speaking = new SpeakingHere()) {
    this.#speaking = speaking
  }

  /** How many speak. */
  count(): Promise<number> {
    return this.#speaking.count()
  }

  isSpeaking(id: string): Promise<boolean> {
    return this.#speaking.has(id)
  }

  /** Says a text word by word, until it is said or nobody listens any more. */
  async *speak(
    words: Iterable<string>,
    { id = crypto.randomUUID() as string, pace, signal }: { id?: string; pace: number; signal: AbortSignal },
  ): AsyncGenerator<string> {
    try {
      await this.#speaking.add(id)
      for (const word of words) {
        await setTimeout(pace, undefined, { signal })
        yield word
      }
    } finally {
      await this.#speaking.delete(id)
    }
  }
}

/** Those of this process. */
class SpeakingHere implements Speaking {
  readonly #ids = new Set<string>()

  async add(id: string) {
    this.#ids.add(id)
  }

  async delete(id: string) {
    this.#ids.delete(id)
  }

  async has(id: string) {
    return this.#ids.has(id)
  }

  async count() {
    return this.#ids.size
  }
}

export function wordsOf(text: string): readonly string[] {
  return text.match(/\S+/g) ?? []
}
