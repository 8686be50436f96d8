import { setTimeout } from 'node:timers/promises'

/** What is being said at the moment, so that one sees that it stops with its listener. */
export class Speakers {
  /** How many speak. */
  count = 0

  /** Says a text word by word, until it is said or nobody listens any more. */
  async *speak(words: Iterable<string>, pace: number, signal: AbortSignal): AsyncGenerator<string> {
    this.count += 1
    try {
      for (const word of words) {
        await setTimeout(pace, undefined, { signal })
        yield word
      }
    } finally {
      this.count -= 1
    }
  }
}

export function wordsOf(text: string): readonly string[] {
  return text.match(/\S+/g) ?? []
}
