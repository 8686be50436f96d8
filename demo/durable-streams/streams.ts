// All streams by their names, in memory or on Redis: how one is found, and how it goes, with its forks and by its time.
import { createHub, type Hub } from '../../lib/index.js' // elsewhere: 'express-lariat'
import { redisStreams } from '../../lib/redis.js' // elsewhere: 'express-lariat/redis'
import { Stream } from './stream.js'

/** Streams by their names, in memory or on Redis. */
export class Streams extends Map<string, Stream> {
  private constructor(
    readonly hub: Hub,
    readonly letGo: () => unknown,
  ) {
    super()
    setInterval(() => {
      for (const name of this.keys()) this.#sweep(name).catch(() => {})
    }, 60_000).unref()
  }

  /** In memory; or on Redis, at an address. */
  static async on(url: string | undefined): Promise<Streams> {
    if (!url) return new Streams(createHub(), () => {})
    const { createClient } = await import('@redis/client')
    const client = createClient({ url })
    client.on('error', ({ message }) => console.error(message))
    await client.connect()
    return new Streams(createHub(redisStreams({ client })), () => client.close())
  }

  async close(): Promise<void> {
    await this.hub.close()
    await this.letGo()
  }

  /** The stream of a name, as it is by now; of one that has expired, nothing is left. */
  async open(name: string): Promise<Stream> {
    const stream = this.get(name) ?? new Stream(this.hub, name)
    this.set(name, stream)
    await stream.refresh()
    if (!stream.isExpired || stream.forks.size > 0) return stream
    await this.remove(stream)
    return this.open(name)
  }

  async #sweep(name: string): Promise<void> {
    const { config, isIdle } = await this.open(name)
    if (!config && isIdle) this.delete(name)
  }

  /** Deletes a stream, and what it was forked from if that was deleted before; one with forks stays for them. */
  async remove(stream: Stream): Promise<true> {
    if (stream.forks.size > 0) {
      await stream.add({ deletes: true })
      return true
    }
    this.delete(stream.name)
    await this.hub.delete(stream.name)
    const source = stream.config?.fork && (await this.open(stream.config.fork.from))
    if (source?.config) await source.add({ fork: { name: stream.name, lives: false } })
    return source?.isGone && source.forks.size === 0 ? this.remove(source) : true
  }
}
