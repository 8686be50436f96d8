import { answered, type Redis } from './redis.js'
import type { Speaking } from './speak.js'

const lasts = 3000

/**
 * Those of all processes: in Redis, in the sorted set `bookshop:speaking` by the time until which each is taken to speak.
 * Its process moves that on while it lives: who was killed falls silent by itself.
 */
export class SpeakingInRedis implements Speaking {
  readonly #redis: Redis
  readonly #here = new Set<string>()
  #movingOn: ReturnType<typeof setInterval> | undefined

  constructor(redis: Redis) {
    this.#redis = redis
  }

  async add(id: string) {
    this.#here.add(id)
    await answered(this.#redis, this.#moveOn([id]))
    this.#movingOn ??= setInterval(() => {
      this.#moveOn([...this.#here]).catch(() => {}) // Redis is away: the next time
    }, lasts / 3).unref()
  }

  async delete(id: string) {
    this.#here.delete(id)
    if (this.#here.size === 0) {
      clearInterval(this.#movingOn)
      this.#movingOn = undefined
    }
    // where Redis is away, it falls silent by itself
    await this.#redis.zRem('speaking', id).catch(() => {})
  }

  async has(id: string) {
    return (await this.#answer(looking, [id])) === 1
  }

  async count() {
    return Number(await this.#answer(counting, []))
  }

  #moveOn(ids: readonly string[]): Promise<unknown> {
    return this.#eval(movingOn, [String(lasts), ...ids])
  }

  #answer(script: string, texts: string[]): Promise<unknown> {
    return answered(this.#redis, this.#eval(script, texts))
  }

  #eval(script: string, texts: string[]): Promise<unknown> {
    return this.#redis.eval(`${now}\n${script}`, { keys: ['speaking'], arguments: texts })
  }
}

/** By the one clock that all processes share. */
const now = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

const movingOn = `
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
`

const looking = `
  return tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) > now and 1 or 0
`

const counting = `
  return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
`
