// The runs of the model: each is a channel, which its source writes and then ends.
import { randomUUID } from 'node:crypto'
import { type Channel, createHub } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { complete } from './model.js'

/** A run ends with how it came to its end: one without it was cut short. */
export type Run = Channel<{ token: string } | { finish: 'length' | 'stopped' }>

export const hub = createHub()
export const runs = new Map<string, Run>()

/** The model begins with the first reader; three seconds after the last has left, it stops. */
export function start(prompt: string, maxTokens: number): string {
  const id = randomUUID()
  const source = (run: Run) => {
    const stopping = new AbortController()
    write(run, complete(prompt, maxTokens, stopping.signal), stopping.signal).catch(() => {
      // it was deleted
    })
    return () => stopping.abort()
  }
  runs.set(id, hub.channel(id, { history: maxTokens + 1, linger: 3000, source }))
  setTimeout(forget, 600_000, id).unref()
  return id
}

async function write(run: Run, tokens: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  for await (const token of tokens) await run.publish({ token })
  await run.publish({ finish: signal.aborted ? 'stopped' : 'length' })
  await run.end()
}

/** Ends a run, so that its model stops, and lets go of what it wrote. */
export async function forget(id: string): Promise<boolean> {
  await hub.delete(id)
  return runs.delete(id)
}
