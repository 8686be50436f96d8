import { RedisServer, type ServerOptions } from './server.js'

/** A master and its replica, without anybody that watches over them. */
export class RedisPair {
  master: RedisServer
  replica: RedisServer

  constructor(options: ServerOptions = {}) {
    this.master = new RedisServer(options)
    this.replica = new RedisServer(options)
  }

  async start(): Promise<void> {
    await Promise.all([this.master.start(), this.replica.start()])
    await this.replica.replicate(this.master)
  }

  /** The master is killed, and the replica is the master without what is written in between. */
  async loseTail(write: () => unknown): Promise<void> {
    const { master, replica } = this
    await replica.caughtUp(master)
    await replica.promote()
    await write()
    await master.stop()
    Object.assign(this, { master: replica, replica: master })
  }

  async close(): Promise<void> {
    await Promise.all([this.master.close(), this.replica.close()])
  }
}
