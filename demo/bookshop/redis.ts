import { createClient } from '@redis/client'

export type Redis = ReturnType<typeof makeClient>

/** What the demo keeps in Redis begins with `bookshop:`. Rejects if it cannot be reached; lost later, it is waited for. */
export async function openRedis(url: string): Promise<Redis> {
  const redis = makeClient(url)
  await redis.connect()
  return redis
}

/** A command that got no answer because Redis was lost meanwhile is no fault of this server: 503. */
export async function answered<Answer>(redis: Redis, command: Promise<Answer>): Promise<Answer> {
  try {
    return await command
  } catch (error) {
    if (redis.isReady) throw error
    throw Object.assign(new Error('Redis is away', { cause: error }), { status: 503 })
  }
}

/** Fails at once where Redis was never reached; when it is lost later, the channels that are in it tell so. */
function makeClient(url: string) {
  let wasThere = false
  return createClient({
    url,
    RESP: 2,
    keyPrefix: 'bookshop:',
    // a request is rather refused than left waiting
    disableOfflineQueue: true,
    socket: { reconnectStrategy: () => wasThere && 200 },
  })
    .on('error', () => {})
    .on('ready', () => {
      wasThere = true
    })
}
