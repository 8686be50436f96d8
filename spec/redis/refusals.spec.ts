import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import type { LariatError } from '../../lib/index.js'
import { failure } from '../../lib/testing/backends/expecting.js'
import { accept, publish, read } from '../../lib/testing/backends/logs.js'
import { needs } from '../support/installed.js'
import { ask } from '../support/redis/ask.js'
import { Processes } from '../support/redis/processes.js'
import { RedisServer } from '../support/redis/server.js'
import { until } from '../support/redis/until.js'
import { turns } from '../support/stage.js'

/** What the script that publishes needs beside each other, one missing each time. */
const without = [
  'hset',
  'hget',
  'hmget',
  'hdel',
  'xadd',
  'xlen',
  'xrange',
  'xtrim',
  'pexpire',
  'persist',
  'time',
]

describe('A Redis that refuses', () => {
  needs('redis-server')
  const server = new RedisServer({
    password: 'secret',
    config: [
      'user keys on >any ~other:* &* +@all',
      'user channels on >any ~* resetchannels +@all',
      'user scripts on >any ~* &* +@all -eval -evalsha',
      'user mute on >any ~* &* +@all -publish',
      ...without.map((command) => `user no-${command} on >any ~* &* +@all -${command}`),
      'busy-reply-threshold 20',
    ],
  })
  before(() => server.start())
  after(() => server.close())
  const processes = new Processes(server)

  const as = (user: string) => server.url.replace(':secret@', `${user}:any@`)

  /** The process warnings, of one line each: where the client has noticed it helps nobody. */
  async function warned(): Promise<string[]> {
    await turns()
    const messages = processes.warnings.map(({ message }) => message)
    for (const message of messages) expect(message).not.to.match(/\n|: Error: /)
    return messages
  }

  /** What each call of a log fails with. */
  async function failures(log: ReturnType<Awaited<ReturnType<typeof processes.start>>['log']>) {
    const calls = {
      publish: () => log.publish(1, {}, accept),
      listen: () => log.listen({ event() {}, gap() {}, end() {} }),
      read: () => log.read('earliest'),
    }
    return Object.fromEntries(
      await Promise.all(
        Object.entries(calls).map(
          async ([name, call]) => [name, (await failure(call)) as LariatError] as const,
        ),
      ),
    )
  }

  const accounts = {
    NOAUTH: { url: (url: string) => url.replace(':secret@', '') },
    WRONGPASS: { url: (url: string) => url.replace('secret', 'wrong') },
    'NOPERM for keys': { user: 'keys', code: 'NOPERM' },
    'NOPERM for scripts': { user: 'scripts', code: 'NOPERM' },
  }
  for (const [name, account] of Object.entries(accounts)) {
    it(`${name}: each call fails with it at once, and one process warning names it`, async () => {
      const code = 'code' in account ? account.code : name
      const config = { url: 'user' in account ? as(account.user) : account.url(server.url) }
      const { log } = await processes.start({ config })
      for (const error of Object.values(await failures(log('c')))) {
        expect(error).to.include({ code: 'LARIAT_DOWN' })
        expect(error.isUncertain).to.equal(undefined)
        expect(error.message).to.match(new RegExp(`^Redis is away: .*${code}`))
      }
      // it tries again, and says nothing
      await setTimeout(300)
      const warnings = await warned()
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.include(code)
    })
  }

  it('NOPERM for channels: whoever listens hears of it, and others publish and read', async () => {
    const { log, told, passage } = await processes.start({ user: 'channels' })
    const channel = log('c')
    const error = (await failure(() => channel.listen({ event() {}, gap() {}, end() {} }))) as LariatError
    expect(error.message).to.match(/^Redis refuses: .*NOPERM/)
    const ids = await publish(channel, 1, 2)
    expect((await read(channel, 'earliest')).ids).to.deep.equal(ids)
    // nothing of the listener is left that a new link would trip over
    await passage.cut()
    await until('it is back', () => told.at(-1) === 'up')
    const others = (await warned()).filter((each) => !/closed unexpectedly|refuses a part/.test(each))
    expect(others).to.have.length(1)
    expect(others[0]).to.match(/^Channel 'c' cannot be read: Redis refuses: .*NOPERM/)
  })

  it('NOPERM for PUBLISH alone: all comes by looking, the link stays, and one warning says so', async () => {
    const mute = await processes.start({ config: { url: as('mute') } })
    const { log, told } = await processes.start({ poll: 10 })
    const listener = await processes.listen(log('c'))
    const ids: string[] = []
    for (let n = 0; n < 30; n++) {
      ids.push(...(await publish(mute.log('c'), n)))
      await until('it has come', () => listener.items.length === ids.length)
    }
    expect(listener.ids).to.deep.equal(ids)
    expect(told).to.deep.equal([])
    const said = await warned()
    expect(said).to.have.length(1)
    expect(said[0]).to.include('Redis refuses a part of what publishing does').and.to.include("Channel 'c'")
  })

  for (const command of without) {
    it(`NOPERM for ${command.toUpperCase()}: what is refused is not there, and what is there is confirmed`, async () => {
      const { log } = await processes.start({ config: { url: as(`no-${command}`) } })
      const others = await processes.start()
      const limits = [
        { history: 9 },
        { historyBytes: 2000 },
        { maxAge: 60_000 },
        { history: 9, idle: 60_000 },
        {},
      ]
      for (const [at, retention] of limits.entries()) {
        const name = `${command}${at}`
        const confirmed: string[] = []
        for (const meta of [{}, { key: 'a' }, { key: 'b' }, {}]) {
          try {
            confirmed.push(await log(name, retention).publish(1, meta, accept))
          } catch (error) {
            expect((error as LariatError).isUncertain, String(error)).to.equal(undefined)
            expect(String(error)).to.match(/NOPERM|can't run this command/)
          }
        }
        const place = await others.log(name, retention).position()
        expect(Number(place.split('-')[2]), `${place} of ${name}`).to.equal(confirmed.length)
      }
      await warned()
    })
  }

  it('OOM: refused for certain; what is there is read and delivered', async () => {
    const { log } = await processes.start()
    const channel = log('c', { history: 2 })
    const ids = await publish(channel, 1, 2, 3)
    const listener = await processes.listen(channel)
    const set = (bytes: number) => server.command('CONFIG', 'SET', 'maxmemory', bytes)
    await set(1)
    try {
      const error = (await failure(() => channel.publish(4, {}, accept))) as LariatError
      expect(error.message).to.match(/^Redis refuses: .*OOM/)
      expect(error.isUncertain).to.equal(undefined)
      expect((await read(channel, 'earliest')).ids).to.deep.equal(ids.slice(1))
      expect((await read(channel, ids[1]!)).ids).to.deep.equal([ids[2]])
      expect(await channel.position()).to.equal(ids[2])
    } finally {
      await set(0)
    }
    const [next] = await publish(channel, 5)
    await until('it goes on', () => listener.items.length > 0)
    expect(listener.ids).to.deep.equal([next])
    expect(await warned()).to.deep.equal([])
  })

  it('NOREPLICAS: refused for certain; what is there is read', async () => {
    const { log } = await processes.start()
    const channel = log('c')
    const ids = await publish(channel, 1, 2)
    const set = (replicas: number) => server.command('CONFIG', 'SET', 'min-replicas-to-write', replicas)
    await set(1)
    try {
      const error = (await failure(() => channel.publish(3, {}, accept))) as LariatError
      expect(error.message).to.match(/^Redis refuses: .*NOREPLICAS/)
      expect(error.isUncertain).to.equal(undefined)
      expect((await read(channel, 'earliest')).ids).to.deep.equal(ids)
    } finally {
      await set(0)
    }
    expect(await publish(channel, 4)).to.have.length(1)
  })

  it('BUSY: asked again for as long as a publish may take, and then refused with it', async () => {
    const { log, told } = await processes.start({ publishTimeout: 400 })
    const channel = log('c')
    const listener = await processes.listen(channel)
    const busy = ask(server.at, [
      ['AUTH', 'lariat-specs', 'any'],
      ['EVAL', "while true do redis.call('PING') end", '0'],
    ]).catch((error) => error)
    await until('it is busy', () =>
      server.command('PING').then(
        () => false,
        (error) => /BUSY/.test(String(error)),
      ),
    )
    const error = (await failure(() => channel.publish(1, {}, accept))) as LariatError
    expect(error.message).to.include('BUSY')
    const soon = channel.publish(2, {}, accept)
    await server.command('SCRIPT', 'KILL')
    const id = await soon
    await until('it has come', () => listener.ids.at(-1) === id)
    // it may have been asked just when it was too late
    if (!error.isUncertain) expect(listener.ids).to.deep.equal([id])
    expect(String(await busy)).to.include('killed')
    expect(told).to.deep.equal([])
  })

  it('READONLY: away as long as it is a replica, with one warning, and without end of connections', async () => {
    const master = new RedisServer()
    const replica = new RedisServer()
    processes.after(() => Promise.all([master.close(), replica.close()]))
    await Promise.all([master.start(), replica.start()])
    await replica.replicate(master)
    const { log, told } = await processes.start({ config: { url: replica.url }, publishTimeout: 400 })
    const channel = log('c')
    for (const error of Object.values(await failures(channel))) {
      expect(error.message).to.match(/^Redis is away: READONLY/)
      expect(error.isUncertain).to.equal(undefined)
    }
    expect(told).to.deep.equal(['down'])
    expect(await warned()).to.have.length(1)
    const connections = async () => Number((await replica.info('stats')).total_connections_received)
    const before = await connections()
    await setTimeout(300)
    expect(await connections()).to.be.below(before + 20)
    await replica.promote()
    await until('it is back', () => told.at(-1) === 'up')
    expect(await publish(channel, 1)).to.have.length(1)
  })

  it('READONLY in the midst: refused for certain or uncertain, and all goes on once it is promoted', async () => {
    const master = new RedisServer()
    const moved = new RedisServer()
    processes.after(() => Promise.all([master.close(), moved.close()]))
    await Promise.all([master.start(), moved.start()])
    const { log, told } = await processes.start({ config: { url: moved.url } })
    const channel = log('c')
    const listener = await processes.listen(channel)
    const [first] = await publish(channel, 1)
    await master.replicate(moved)
    // it is a replica of one that has all that it has
    await master.promote()
    await moved.replicate(master)
    const waiting = channel.publish(2, {}, accept)
    await until('it is away', () => told.at(-1) === 'down')
    await moved.promote()
    const id = await waiting
    await until('both have come', () => listener.items.length === 2)
    expect(listener.ids).to.deep.equal([first, id])
    expect(told.slice(-2)).to.deep.equal(['down', 'up'])
    expect(await warned()).to.have.length(1)
  })

  it('LOADING: it is waited for', async () => {
    const slow = new RedisServer({
      config: [
        'key-load-delay 300',
        'enable-debug-command yes',
        'loading-process-events-interval-bytes 1024',
      ],
    })
    processes.after(() => slow.close())
    await slow.start()
    await slow.command('DEBUG', 'POPULATE', 2000)
    await slow.save()
    const { log, told } = await processes.start({ config: { url: slow.url } })
    const channel = log('c')
    const listener = await processes.listen(channel)
    await slow.stop()
    await until('it is away', () => told.at(-1) === 'down')
    const started = slow.start()
    const loading = await until('it loads', () =>
      ask(slow.at, [['PING']]).then(
        () => false,
        (error) => /LOADING/.test(String(error)),
      ),
    ).then(
      () => true,
      () => false,
    )
    expect(loading).to.equal(true)
    expect(String(await failure(() => channel.publish(1, {}, accept)))).to.match(/Redis is away/)
    await started
    await until('it is back', () => told.at(-1) === 'up')
    const [id] = await publish(channel, 2)
    await until('it has come', () => listener.ids.at(-1) === id)
    expect(told.slice(-2)).to.deep.equal(['down', 'up'])
  })

  describe('and what is no Redis', () => {
    const impostors = {
      'speaks HTTP': (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
      'speaks before it is asked': (socket: Socket) => socket.write('220 mail.example ESMTP\r\n'),
      'closes at once': (socket: Socket) => socket.destroy(),
      'never answers': () => {},
      'answers what makes no sense': (socket: Socket) =>
        socket.on('data', () => socket.write('*-7\r\n!!\r\n\0\0\0')),
    }
    for (const [name, talk] of Object.entries(impostors)) {
      it(`${name}: away, and one warning`, async () => {
        const impostor = createServer((socket) => {
          socket.on('error', () => {})
          talk(socket)
        }).listen(0, '127.0.0.1')
        const sockets = new Set<Socket>()
        impostor.on('connection', (socket) => sockets.add(socket))
        processes.after(() => {
          for (const socket of sockets) socket.destroy()
          impostor.close()
        })
        await once(impostor, 'listening')
        const { port } = impostor.address() as AddressInfo
        const config = { url: `redis://127.0.0.1:${port}` }
        const { log } = await processes.start({ config, publishTimeout: 300 })
        for (const error of Object.values(await failures(log('c')))) {
          expect(error).to.include({ code: 'LARIAT_DOWN' })
          expect(error.isUncertain).to.equal(undefined)
        }
        expect(await warned()).to.have.length(1)
      })
    }

    for (const [name, config] of Object.entries({
      'a host that has no address': () => ({ url: 'redis://nobody.invalid:6379' }),
      'a port where nothing listens': () => ({ url: 'redis://127.0.0.1:1' }),
      'TLS to a plain port': () => ({ url: server.url.replace('redis:', 'rediss:') }),
      'a socket that is not there': () => ({ socket: { path: '/nowhere/redis.sock', tls: false as const } }),
    })) {
      it(`${name}: away with the cause, and one warning`, async () => {
        const { log } = await processes.start({ config: config(), publishTimeout: 1000 })
        for (const error of Object.values(await failures(log('c')))) {
          expect(error).to.include({ code: 'LARIAT_DOWN' })
          expect(error.message).to.match(/^Redis is away: \S/)
        }
        expect(await warned()).to.have.length(1)
      })
    }
  })
})
