import { expect } from 'chai'
import morgan from 'morgan'
import { pino } from 'pino'
import { pinoHttp } from 'pino-http'
import { type Endpoint, loop, ndjson, raw, resource, sse } from '../../lib/index.js'
import { hold } from '../support/held.js'
import { onBoth } from '../support/http.js'
import { Log } from '../support/log.js'
import { flood, stage, staged, turns } from '../support/stage.js'

type Held = Awaited<ReturnType<typeof hold>>

/** Request logs, whose lines come down to `method path status`. */
const loggers = {
  'morgan("tiny")': (lines: Log) =>
    morgan('tiny', { stream: { write: (line) => lines.add(/^\S+ \S+ \S+/.exec(line)![0]) } }),
  'morgan("combined")': (lines: Log) =>
    morgan('combined', {
      stream: {
        write(line) {
          const [, request, status] = /"(GET [^ ]*) HTTP\/1\.1" (\S+)/.exec(line)!
          lines.add(`${request} ${status}`)
        },
      },
    }),
  'pino-http': (lines: Log) =>
    pinoHttp({
      logger: pino(
        {},
        {
          write(line: string) {
            const { req, res } = JSON.parse(line)
            lines.add(`${req.method} ${req.url} ${res.statusCode}`)
          },
        },
      ),
    }),
}

onBoth('Behind a request log (docs/guide/existing-app.md)', () => {
  staged()

  for (const [name, logger] of Object.entries(loggers)) {
    describe(name, () => {
      for (const [end, reason, act] of [
        ['a complete end', 'revoked', ({ context }) => context.stream.close()],
        ['a client that leaves', 'disconnect', ({ client }) => client.leave()],
        ['a client that resets', 'disconnect', ({ client }) => client.reset()],
        ['a cut', 'error', ({ context }) => context.send({ fail: true })],
      ] as const satisfies [string, string, (held: Held) => void][]) {
        it(`has one line of a stream, with its status, after ${end} and not before`, async () => {
          const lines = new Log()
          const held = await hold(
            {
              info(message, { write }) {
                if ((message as { fail?: true }).fail) throw new Error('broken')
                return write(message)
              },
              terminate() {},
            },
            {},
            { before: [logger(lines)] },
          )
          held.context.write('something')
          await held.client.until('something')
          expect(lines.entries).to.deep.equal([])
          act(held)
          await lines.until('GET / 200')
          await held.log.until(reason)
          await turns()
          expect(lines.entries).to.deep.equal(['GET / 200'])
        })
      }

      it('has one line of what is answered without a stream, and of each request of a connection', async () => {
        const lines = new Log()
        const site = await stage.now.serve(
          resource({
            contentTypesProvided: { 'text/plain': () => 'hello', 'text/event-stream': sse() },
            subscribe: () => [1],
          }),
          { before: [logger(lines)] },
        )
        const client = site.connect()
        for (const [path, Accept] of [
          ['/plain', 'text/plain'],
          ['/none', 'image/png'],
          ['/stream', 'text/event-stream'],
        ] as const) {
          await client.ask(path, { headers: { Accept } }).whole()
        }
        await lines.until('GET /stream 200')
        expect(lines.entries).to.deep.equal(['GET /plain 200', 'GET /none 406', 'GET /stream 200'])
      })

      it('has one line of a client that is too slow', async () => {
        const lines = new Log()
        const { context, client, log } = await hold(
          { format: raw('text/plain'), terminate() {} },
          { reads: false },
          { before: [logger(lines)] },
        )
        while (context.write(flood) !== 'closed');
        await log.until('overflow')
        await lines.until('GET / 200')
        client.leave()
        await turns()
        expect(lines.entries).to.deep.equal(['GET / 200'])
      })
    })
  }

  describe('of a client that leaves before the head', () => {
    const pending = (log: Log): Endpoint =>
      loop({
        format: ndjson(),
        async subscribe({ signal }) {
          log.add('subscribe')
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
        terminate: ({ kind }) => log.add(kind),
      })

    it('morgan has a line without a status', async () => {
      const [log, lines] = [new Log(), new Log()]
      const site = await stage.now.serve(pending(log), { before: [loggers['morgan("tiny")'](lines)] })
      const client = site.get()
      await log.until('subscribe')
      client.leave()
      await log.until('disconnect')
      await lines.until('GET / -')
      expect(lines.entries).to.have.length(1)
    })

    it('pino-http has a line without a status', async () => {
      const [log, lines] = [new Log(), new Log()]
      const site = await stage.now.serve(pending(log), { before: [loggers['pino-http'](lines)] })
      const client = site.get()
      await log.until('subscribe')
      client.leave()
      await log.until('disconnect')
      await lines.until('GET / null')
      expect(lines.entries).to.have.length(1)
    })
  })

  for (const [end, reason, message, act] of [
    ['a complete end', 'revoked', 'request completed', ({ context }) => context.stream.close()],
    ['a client that leaves', 'disconnect', 'request aborted', ({ client }) => client.leave()],
    ['a cut', 'error', 'request aborted', ({ context }) => context.send(undefined)],
  ] as const satisfies [string, string, string, (held: Held) => void][]) {
    it(`pino-http says \`${message}\` after ${end}, and \`req.log\` may be used to the end`, async () => {
      const lines = new Log()
      const write = (line: string) => {
        const { msg, req } = JSON.parse(line)
        lines.add(`${req.url} ${msg}`)
      }
      const held = await hold(
        {
          info() {
            throw new Error('broken')
          },
          terminate: ({ kind }, { req }) => req.log.info(kind),
        },
        {},
        { before: [pinoHttp({ logger: pino({}, { write }) })] },
      )
      await held.client.head()
      act(held)
      await lines.until(`/ ${message}`)
      await lines.until(`/ ${reason}`)
      expect(lines.entries).to.have.length(2)
    })
  }
})
