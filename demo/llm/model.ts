// A model for the demo, in the place of one that is called with fetch(url, { signal }): it has read the lines below, and
// knows which word may follow which.
import { setTimeout as sleep } from 'node:timers/promises'

const words =
  `A lariat is a rope with a loop. Throw the loop and hold on to the rope. The rope is long and the loop
is a part of the rope. Hold on to a loop and the rope is yours. Throw a rope with a hold and hold a lariat with a
rope. A hold is a loop that is yours and a loop is a hold on a rope that is long.`.split(/\s+/)

/** One token after the other, until there are enough, or the model is stopped: a Markov chain. */
export async function* complete(
  prompt: string,
  maxTokens: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let word = prompt.split(/\s+/).at(-1)
  let count = 0
  try {
    for (; count < maxTokens; count++) {
      await sleep(40, undefined, { signal }).catch(() => {})
      if (signal.aborted) break
      const followers = words.filter((_, index) => words[index - 1] === word)
      const candidates = followers.length > 0 ? followers : words
      word = candidates[Math.floor(Math.random() * candidates.length)]
      yield ` ${word}`
    }
  } finally {
    // also where nobody asks it for more
    console.log(`${count < maxTokens ? 'Stopped' : 'Finished'} after ${count} of ${maxTokens} tokens`)
  }
}
