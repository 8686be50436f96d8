import { createClient } from '@redis/client'
import { serve } from '../../../bench/fanout/remote.js'
import { createHub, LariatError } from '../../../lib/index.js'
import { redisStreams } from '../../../lib/redis.js'
import { limitsOf, roomsOf, type Said } from './rooms.js'

export interface Confirmed extends Said {
  readonly id: string
}

/** What has become of all that was published. */
export interface Published {
  readonly confirmed: readonly Confirmed[]
  /** For certain: none of them may ever be seen. */
  readonly refused: readonly Said[]
  /** How many were uncertain at first; they were published again with the same key, until they were confirmed. */
  readonly uncertain: number
  /** Rejections that are none of a publish: what was thrown. */
  readonly others: readonly string[]
}

const [, , url, publishTimeout] = process.argv
process.removeAllListeners('warning')
const client = createClient({ url: url! }).on('error', () => undefined)
const hub = createHub(redisStreams({ client, publishTimeout: Number(publishTimeout) }))

const confirmed: Confirmed[] = []
const refused: Said[] = []
const others: string[] = []
const pending = new Set<Promise<void>>()
let uncertain = 0
let timer: NodeJS.Timeout | undefined

async function publish(said: Said): Promise<void> {
  const channel = hub.channel<Said>(said.room, limitsOf(said.room))
  for (let wasUncertain = false; ; ) {
    try {
      confirmed.push({ ...said, id: await channel.publish(said, { key: `${said.room} ${said.number}` }) })
      return
    } catch (error) {
      if (!(error instanceof LariatError) || error.code !== 'LARIAT_DOWN') others.push(String(error))
      const isUncertain = error instanceof LariatError && error.isUncertain
      if (!isUncertain && !wasUncertain) {
        refused.push(said)
        return
      }
      if (!wasUncertain) uncertain += 1
      wasUncertain = true
      // it may have come: it is asked for until that is known
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

const handlers = {
  /** So many a second, to one room after the other. */
  begin: ({ perSecond, rooms }: { perSecond: number; rooms: number }) => {
    const names = roomsOf(rooms)
    const began = performance.now()
    let count = 0
    timer = setInterval(() => {
      for (; count < ((performance.now() - began) / 1000) * perSecond; count++) {
        const said = { room: names[count % rooms]!, number: Math.floor(count / rooms) + 1, at: Date.now() }
        const published = publish(said)
        pending.add(published)
        void published.finally(() => pending.delete(published))
      }
    }, 10)
  },
  /** Publishes no more, and waits until it is known what has become of all. */
  end: async (_: null): Promise<Published> => {
    clearInterval(timer)
    await Promise.all(pending)
    await hub.close()
    return { confirmed, refused, uncertain, others }
  },
}

export type Publisher = typeof handlers
serve(handlers)
