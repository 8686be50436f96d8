import { Publisher, type Publishing } from '../fanout/publisher.js'
import { serve } from '../fanout/remote.js'
import { now, tick } from '../fanout/tick.js'
import { entry, type Name } from './peers.js'

export interface Rush {
  /** Of an event as JSON. */
  readonly size: number
  readonly events: number
  /** How many may be unconfirmed at a time. */
  readonly inFlight: number
}

const [name, url] = process.argv.slice(2) as [Name, string]
const publish = await entry(name).publish(url)
const confirming = new Set<Promise<unknown>>()
const paced = new Publisher({ publish: (tick) => void confirming.add(publish(tick)) })

const handlers = {
  /** Returns when all that was published is confirmed. */
  publish: async (asked: Publishing) => {
    const published = await paced.publish(asked)
    await Promise.all(confirming)
    confirming.clear()
    return published
  },
  /** Publishes the next whenever one is confirmed; tells when it has begun, and when all was. */
  rush: async ({ size, events, inFlight }: Rush) => {
    const began = now()
    let published = 0
    const line = async () => {
      while (published < events) {
        published += 1
        await publish(tick(published, now(), size))
      }
    }
    await Promise.all(Array.from({ length: inFlight }, line))
    return { began, confirmed: now() }
  },
  stop: (_: null) => paced.stop(),
}

export type PublisherProcess = typeof handlers
serve(handlers)
