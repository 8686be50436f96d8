import { spawn } from 'node:child_process'
import { type EventEmitter, once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { createClient, createCluster, createSentinel } from '@redis/client'
import { expect } from 'chai'
import { needs } from '../support/installed.js'
import { RedisCluster } from '../support/redis/cluster.js'
import { commandsIn } from '../support/redis/commands.js'
import { RedisPair } from '../support/redis/pair.js'
import { Passage, throughPassages } from '../support/redis/passage.js'
import { RedisSentinels } from '../support/redis/sentinels.js'
import { RedisServer, type ServerOptions } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'
import { isFull } from '../support/runs.js'

/** A client that keeps silent about its ends. */
function clientOf(url: string) {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: 5 } })
  client.on('error', () => {})
  return client
}

/** Waits for an event, whatever errors are told before: `once` would reject. */
function told(client: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => client.once(event, () => resolve()))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

// what they do the specs that use them show too
const inFull = isFull ? describe : describe.skip
inFull('The servers that specs run against', () => {
  const closing: (() => unknown)[] = []

  function closes<Value extends { close(): unknown }>(value: Value): Value {
    closing.push(() => value.close())
    return value
  }

  async function started<Value extends { start(): Promise<void>; close(): unknown }>(
    value: Value,
  ): Promise<Value> {
    await closes(value).start()
    return value
  }

  async function connected(url: string) {
    const client = clientOf(url)
    closing.push(() => client.destroy())
    await client.connect()
    return client
  }

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  for (const program of ['redis-server', 'valkey-server'] as const) {
    describe(program, () => {
      needs(program)
      const server = (options: ServerOptions = {}) => started(new RedisServer({ program, ...options }))

      it('Comes back from its last snapshot, an older one', async () => {
        const redis = await server()
        await redis.command('SET', 'n', 1)
        await redis.save()
        await redis.command('SET', 'n', 2)
        await redis.stop()
        await redis.start()
        expect(await redis.command('GET', 'n')).to.equal('1')
      })

      it('Comes back with every write where it appends, and by a socket', async () => {
        const redis = await server({ appends: true, socket: true })
        await redis.command('SET', 'n', 2)
        await redis.stop()
        await redis.start()
        expect(await (await connected(redis.url)).get('n')).to.equal('2')
      })

      it('Has the users, the password and the limits that it is given', async () => {
        const config = ['user reader on >secret ~* &* +@read', 'maxmemory 1mb', 'min-replicas-to-write 1']
        const redis = await server({ password: 'p@ss', config })
        const client = await connected(redis.url)
        expect(String(await client.set('n', '1').catch((error) => error))).to.include('NOREPLICAS')
        const reader = await connected(redis.url.replace(/:[^:@]*@/, 'reader:secret@'))
        expect(await reader.get('n')).to.equal(null)
        expect(String(await reader.set('n', '1').catch((error) => error))).to.include('NOPERM')
        const nobody = await clientOf(redis.url.replace(/:[^:@]*@/, '')).connect()
        closing.push(() => nobody.destroy())
        expect(String(await nobody.get('n').catch((error) => error))).to.include('NOAUTH')
      })

      it('Answers nothing while it is frozen, and everything after that', async () => {
        const redis = await server()
        const client = await connected(redis.url)
        redis.freeze()
        let answers = 0
        const answer = client.set('n', '1').then(() => {
          answers += 1
        })
        // a connection is made by the kernel, which answers as if nothing were
        const socket = connect(redis.port, redis.host)
        await once(socket, 'connect')
        socket.destroy()
        expect(answers).to.equal(0)
        redis.thaw()
        await answer
        expect(await redis.command('GET', 'n')).to.equal('1')
      })

      it('Cuts connections of clients, also of those that listen', async () => {
        const redis = await server()
        const [client, listener] = [await connected(redis.url), await connected(redis.url)]
        await listener.subscribe('news', () => {})
        const lost = [client, listener].map((each) => told(each, 'reconnecting'))
        await redis.cut()
        await Promise.all(lost)
      })

      it('A replica that is promoted does not have the last writes', async () => {
        const pair = await started(new RedisPair({ program }))
        const { master } = pair
        await master.command('SET', 'n', 1)
        await pair.loseTail(() => master.command('SET', 'n', 2))
        expect(pair.master).not.to.equal(master)
        expect(await pair.master.command('GET', 'n')).to.equal('1')
        expect(await pair.master.command('SET', 'n', 3)).to.equal('OK')
      })
    })
  }

  describe('at once', () => {
    needs('redis-server')

    it('Do not clash, twelve of them', async () => {
      const servers = Array.from({ length: 12 }, () => closes(new RedisServer()))
      await Promise.all(servers.map((server) => server.start()))
      expect(new Set(servers.map(({ port }) => port)).size).to.equal(12)
      const file = (server: RedisServer) => server.command<string[]>('CONFIG', 'GET', 'port')
      expect((await Promise.all(servers.map(file))).map(([, port]) => Number(port))).to.deep.equal(
        servers.map(({ port }) => port),
      )
    })

    it('One whose port is taken goes to another', async () => {
      const server = closes(new RedisServer())
      const taken = server.port
      const other = createServer().listen(taken, '127.0.0.1')
      await once(other, 'listening')
      await server.start()
      expect(server.port).not.to.equal(taken)
      expect(await server.command('PING')).to.equal('PONG')
      other.close()
    })

    it('Nothing of them is left behind by a process that a signal ends', async () => {
      const module = new URL('../support/redis/server.js', import.meta.url)
      const script = `
        const { RedisServer } = await import('${module}')
        const server = new RedisServer()
        await server.start()
        const [, folder] = await server.command('CONFIG', 'GET', 'dir')
        console.log(JSON.stringify([server.pid, folder]))`
      const isClean = async (signal: NodeJS.Signals) => {
        const owner = spawn(process.execPath, ['--import=tsx', '--input-type=module', '--eval', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        closing.push(() => owner.kill('SIGKILL'))
        const [line] = await once(createInterface(owner.stdout), 'line')
        const [pid, folder] = JSON.parse(line)
        expect(existsSync(folder)).to.equal(true)
        const ended = once(owner, 'exit')
        owner.kill(signal)
        await ended
        expect(existsSync(folder)).to.equal(false)
        await until('the server has ended', () => !isAlive(pid))
      }
      await Promise.all([isClean('SIGTERM'), isClean('SIGINT')])
    })

    it('One that cannot start says what it said', async () => {
      const error = await closes(new RedisServer({ config: ['maxmemory lots'] }))
        .start()
        .catch((reason) => reason)
      expect(error.message).to.match(/^Redis did not start: [\s\S]*maxmemory lots/)
    })
  })

  describe('through a passage', () => {
    needs('redis-server')
    let redis: RedisServer
    let passage: Passage
    let client: Awaited<ReturnType<typeof connected>>

    beforeEach(async () => {
      redis = await started(new RedisServer())
      passage = closes(new Passage(redis))
      await passage.up()
      client = await connected(passage.url)
      passage.reset()
    })

    it('Everything passes, and is counted', async () => {
      const long = 'x'.repeat(2 ** 20)
      await Promise.all([client.set('n', long), client.get('n'), client.set('m', 'a\r\n$3\r\n*1\r\n')])
      expect(await client.get('n')).to.equal(long)
      expect(Object.fromEntries(passage.commands)).to.deep.equal({ SET: 2, GET: 2 })
      expect(passage.sent).to.be.above(2 ** 20)
      expect(passage.received).to.be.above(2 ** 21)
    })

    it('Commands are told apart however they are cut into pieces', () => {
      const sent = Buffer.from(
        '*2\r\n$3\r\nget\r\n$5\r\na\r\n*1\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$4\r\nQUIT\r\n',
      )
      for (let size = 1; size <= sent.length; size++) {
        const names: string[] = []
        const take = commandsIn((name) => names.push(name))
        for (let at = 0; at < sent.length; at += size) take(sent.subarray(at, at + size))
        expect(names, `${size}`).to.deep.equal(['GET', 'PING', 'GET', 'QUIT'])
      }
    })

    it('It is down and up again for one backend, while others stay', async () => {
      const other = await connected(redis.url)
      const lost = told(client, 'reconnecting')
      await passage.down()
      expect(passage.connections).to.equal(0)
      await lost
      const [error] = await once(connect(passage.port, passage.host), 'error')
      expect(error.code).to.equal('ECONNREFUSED')
      expect(await other.ping()).to.equal('PONG')
      const back = told(client, 'ready')
      await passage.up()
      await back
      expect(await client.ping()).to.equal('PONG')
      await passage.cut()
      expect(await client.ping()).to.equal('PONG')
    })

    it('Nothing passes while it is stalled, and connections stay', async () => {
      passage.stall()
      // whether it comes once more after the loss is the client's matter
      const answer = client.set('n', '1').catch(() => {})
      const another = connect(passage.port, passage.host).on('error', () => {})
      another.write('*1\r\n$4\r\nPING\r\n')
      await once(another, 'connect')
      expect(await redis.command('EXISTS', 'n')).to.equal(0)
      await redis.stop()
      await redis.start()
      expect(passage.connections).to.be.above(0)
      const lost = told(client, 'reconnecting')
      passage.flow()
      await lost
      another.destroy()
      await answer
    })

    it('A request reaches the server, and its reply is lost', async () => {
      passage.swallowReplies()
      const answer = client.incr('n').catch((error) => error)
      await until('the server has done it', async () => (await redis.command('GET', 'n')) === '1')
      await passage.cut()
      expect(await answer).to.be.an.instanceOf(Error)
      expect(await client.incr('n')).to.equal(2)
    })

    it('It leads to another server, as an address does that moves', async () => {
      const other = await started(new RedisServer())
      await other.command('SET', 'who', 'other')
      const back = told(client, 'ready')
      await passage.leadTo(other)
      await back
      expect(await client.get('who')).to.equal('other')
    })

    it('A server that ends is seen to end', async () => {
      const lost = told(client, 'reconnecting')
      await redis.stop()
      await lost
    })
  })

  describe('several', () => {
    needs('redis-server')

    it('A cluster serves a client through passages, fails over in good order, and without the last writes', async () => {
      const cluster = await started(new RedisCluster({ nodeTimeout: 1000 }))
      const passages = await Passage.to(cluster.servers)
      const client = createCluster({
        rootNodes: [{ url: passages[0]!.url }],
        nodeAddressMap: throughPassages(passages),
        RESP: 2,
      })
      client.on('error', () => {})
      closing.push(...passages.map((passage) => () => passage.close()), () => client.destroy())
      await client.connect()
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`)
      await Promise.all(keys.map((key) => client.set(key, key)))
      expect(passages.slice(0, 3).every(({ commands }) => commands.get('SET')! > 0)).to.equal(true)

      const [key] = keys as [string]
      const index = await cluster.shardOf(key)
      const [first, second] = [cluster.masters[index]!, cluster.replicas[index]!]
      await cluster.failover(index)
      expect(cluster.masters[index]).to.equal(second)
      await until('the client has followed', async () => (await client.set(key, '1')) === 'OK')
      await cluster.loseTail(index, () => second.command('SET', key, 2))
      expect(cluster.masters[index]).to.equal(first)
      expect(await first.command('GET', key)).to.equal('1')
      await until('the client has followed', async () => (await client.get(key)) === '1')
    })

    it('Sentinels promote a replica in good order, and without the last writes', async () => {
      const set = await started(new RedisSentinels())
      const { name, master, sentinelRootNodes } = set
      const client = createSentinel({ name, sentinelRootNodes: [...sentinelRootNodes], RESP: 2 })
      client.on('error', () => {})
      closing.push(() => client.destroy())
      await client.connect()
      await client.set('n', '0')
      const hasIt = async () => (await set.replicas[0]!.command('GET', 'n')) === '0'
      await until('the replica has it', hasIt)
      await set.promote()
      const promoted = set.master
      expect(promoted).not.to.equal(master)
      expect(await promoted.command('GET', 'n')).to.equal('0')
      await set.settled()
      await promoted.command('SET', 'n', 1)
      await set.loseTail(() => promoted.command('SET', 'n', 2))
      expect(set.master).to.equal(master)
      expect(await master.command('GET', 'n')).to.equal('1')
      await until('the client has followed', async () => (await client.set('n', '3')) === 'OK')
      expect(await master.command('GET', 'n')).to.equal('3')
    })
  })
})
