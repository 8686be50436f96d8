import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { clock } from '../../lib/clock.js'
import { type Client, request } from '../support/raw.js'
import { turns } from '../support/stage.js'
import { type Faults, fault } from './fault.js'
import type { Scene } from './scene.js'
import { targets } from './targets.js'

/** What does not come to the endpoint is the same for all. */
const { 'SSE on a channel with history': channel } = targets

/** The first bytes of a TLS connection: a handshake record with a ClientHello. */
const hello = Buffer.from('16030100c8010000c40303', 'hex')

/** Bytes that look random, and are always the same. */
function bytesFrom(seed: string, count: number): Buffer {
  const size = 32
  const blocks = Array.from({ length: Math.ceil(count / size) }, (_, at) =>
    createHash('sha256').update(`${seed} ${at}`).digest(),
  )
  return Buffer.concat(blocks, count)
}

const garbage: Readonly<Record<string, Buffer>> = {
  'bytes of the seed 1': bytesFrom('seed 1', 200),
  'another protocol': Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'),
  'a TLS hello': Buffer.concat([hello, bytesFrom('seed 2', 200)]),
  'the preface of HTTP/2': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'a mebibyte of the seed 3': bytesFrom('seed 3', 2 ** 20),
  'a mebibyte of NUL': Buffer.alloc(2 ** 20),
}

/** Ten requests for the stream on one connection. */
async function pipelined(scene: Scene, count = 10): Promise<Client> {
  const client = scene.connect()
  client.write(request(scene.paths.stream, scene.how()).repeat(count))
  for (let more = 1; more < count; more++) client.write('')
  await scene.plot.log.until('subscribed', count)
  await scene.until(() => scene.plot.listening === count, 'all streams')
  return client
}

const streams = (scene: Scene) => [...scene.endpoint.streams]

/** The end of one leaves the connection to the next, also of those that are pulled. */
const whole = { stream: { interrupted: 'complete' } } as const

export const sending: Faults = {
  'the client sends garbage after its request': fault({
    reasons: ['disconnect'],
    async run(scene) {
      for (const [what, bytes] of Object.entries(garbage)) {
        const client = await scene.streaming()
        client.socket.write(bytes)
        await scene.over()
        expect((await client.closed()).isWhole, what).to.equal(false)
      }
    },
  }),
  'the client sends garbage in place of a request': fault({
    on: { channel },
    in: ['Express 5'],
    reasons: [],
    async run(scene) {
      for (const bytes of Object.values(garbage)) {
        const client = scene.connect()
        client.socket.write(bytes)
        await client.ended
        expect(client.raw.toString()).to.match(/^(?:$|HTTP\/1\.1 4\d\d )/)
      }
    },
  }),
  'ten pipelined streams': fault({
    options: whole,
    reasons: ['revoked'],
    async run(scene) {
      const client = await pipelined(scene)
      for (let turn = 1; turn <= 10; turn++) {
        expect(streams(scene)).to.have.length(11 - turn)
        streams(scene)[0]?.close()
        await scene.until(() => client.messages.filter(({ isWhole }) => isWhole).length === turn, 'its turn')
        if (turn < 10) await scene.until(() => client.messages.length === turn + 1, 'the next head')
      }
    },
  }),
  'the client of ten pipelined streams leaves in their midst': fault({
    options: whole,
    reasons: ['revoked', 'disconnect'],
    async run(scene) {
      const client = await pipelined(scene)
      for (const each of streams(scene).slice(0, 3)) each.close()
      await scene.until(() => client.messages.length === 4, 'the fourth')
      client.leave()
      await scene.over()
      expect(scene.kinds).to.deep.equal([...Array(3).fill('revoked'), ...Array(7).fill('disconnect')])
    },
  }),
  'pipelined requests of all kinds': fault({
    options: whole,
    reasons: ['revoked', 'disconnect'],
    async run(scene) {
      const { stream, rest } = scene.paths
      const client = scene.connect().ask(rest).ask(stream, scene.how()).ask(rest, { method: 'HEAD' })
      client.ask(rest, { method: 'POST', body: 'not to be taken' }).ask(stream, scene.how())
      client.ask(rest).ask(stream, scene.how())
      await scene.until(() => scene.plot.listening === 3 && client.messages.length === 2, 'three streams')
      expect(client.messages.map(({ isWhole }) => isWhole)).to.deep.equal([true, false])
      streams(scene)[0]?.close()
      await scene.until(() => client.messages.length === 5, 'the second stream')
      expect(client.messages.map(({ status }) => status)).to.deep.equal([200, 200, 200, 405, 200])
      client.leave()
      await scene.over()
      expect(scene.kinds).to.deep.equal(['revoked', 'disconnect', 'disconnect'])
    },
  }),
  'the client sends 100 KiB of headers': fault({
    on: { channel },
    in: ['Express 5'],
    reasons: [],
    async run(scene) {
      const client = scene.ask({ headers: { 'X-Large': 'x'.repeat(100 * 1024) } })
      await client.ended
      expect(client.raw.toString()).to.match(/^(?:$|HTTP\/1\.1 431 )/)
    },
  }),
  'the client never comes to the end of its request': fault({
    on: { channel },
    in: ['Express 5'],
    reasons: [],
    async run(scene) {
      const deadlines = clock.size
      scene.site.server.headersTimeout = 1
      const whole = request(scene.paths.stream, scene.how())
      const clients = Array.from({ length: 10 }, (_, at) => scene.connect().write(whole.slice(0, at + 1)))
      await turns()
      expect([streams(scene).length, scene.plot.given.length, clock.size]).to.deep.equal([0, 0, deadlines])
      await Promise.all(clients.map(({ ended }) => ended))
      scene.site.server.headersTimeout = 60_000
      expect(clients[0]?.raw.toString()).to.match(/^HTTP\/1\.1 408 /)
    },
  }),
}
