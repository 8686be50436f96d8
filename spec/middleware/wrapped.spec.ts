import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { RequestHandler, Response } from 'express'
import onHeaders from 'on-headers'
import { clock } from '../../lib/clock.js'
import { createHub, jsonArray, loop, ndjson, raw, sse } from '../../lib/index.js'
import { type Context, hold } from '../support/held.js'
import { onBoth } from '../support/http.js'
import { Client } from '../support/raw.js'
import { flood, stage, staged, turns, turnsUntil } from '../support/stage.js'

type Change = (req: unknown, res: unknown, body: Buffer) => string
const modify = createRequire(import.meta.url)('express-modify-response') as (
  isWanted: () => boolean,
  change: Change,
) => RequestHandler

type Write = (this: Response, ...given: unknown[]) => boolean

/** Wraps `res.write`, as what logs or changes bodies does; not everybody hands on what Node's own has said. */
function wrapping(answer: (said: boolean) => unknown): RequestHandler {
  return (_req, res, next) => {
    const write = res.write as Write
    res.write = ((...given: unknown[]) => answer(write.apply(res, given))) as Response['write']
    next()
  }
}

const answers = {
  nothing: () => undefined,
  'always true': () => true,
} satisfies Record<string, (said: boolean) => unknown>

onBoth('Middleware that is not careful (docs/guide/existing-app.md)', () => {
  staged()

  for (const [what, answer] of Object.entries(answers)) {
    describe(`whose \`write\` answers ${what}`, () => {
      it('gets each event out at once', async () => {
        const { client, context } = await hold({}, {}, { before: [wrapping(answer)] })
        await client.head()
        for (const count of [1, 2, 3]) {
          context.write(count)
          await client.until(`${count}\n`)
        }
        context.stream.close()
        expect((await client.whole()).body).to.equal('1\n2\n3\n')
      })

      it('does not hide that a client is behind, nor that it has caught up', async () => {
        const { client, context, log } = await hold(
          { format: raw('a/b') },
          { reads: false },
          { before: [wrapping(answer)] },
        )
        expect(context.write(flood)).to.equal('wait')
        client.socket.resume()
        expect(await context.drained()).to.equal('ok')
        await client.taken(flood.length)
        client.leave()
        await log.until('disconnect')
      })

      it('does not keep a client that takes nothing', async () => {
        const spec = { format: raw('a/b'), stream: { writeTimeout: 1000 } }
        const { context, log } = await hold(spec, { reads: false }, { before: [wrapping(answer)] })
        context.write(flood)
        await turns()
        stage.now.time.advance(1000)
        await log.until('overflow')
      })
    })
  }

  it("that throws as the head goes out: the app's error handler answers, without a word of a stream", async () => {
    const broken: RequestHandler = (_req, res, next) => {
      onHeaders(res, () => {
        throw new Error('hooked')
      })
      next()
    }
    const { client, log } = await hold({ format: ndjson() }, {}, { before: [broken] })
    const { status, body, headers } = await client.whole()
    expect({ status, body }).to.deep.equal({ status: 500, body: 'the app failed' })
    expect(headers).not.to.have.any.keys('content-type', 'cache-control', 'x-accel-buffering')
    await log.until('error')
    expect(stage.now.errors.map(String)).to.deep.equal(['Error: hooked'])
    expect((await client.ask('/').whole()).status).to.equal(500)
  })

  it('whose `on` throws: the streams of a channel get its events, and those of others beside them', async () => {
    const channel = createHub().channel<number>('a')
    const refusing: RequestHandler = (req, res, next) => {
      const on = res.on.bind(res)
      const refuse = (name: string, listener: () => void) => {
        if (name === 'prefinish') throw new Error('refused')
        return on(name, listener)
      }
      if (req.path === '/refusing') res.on = refuse as Response['on']
      next()
    }
    const site = await stage.now.serve(loop({ format: ndjson(), subscribe: channel }), { before: [refusing] })
    const clients = ['/', '/refusing', '/'].map((path) => site.get(path))
    for (const client of clients) await client.head()
    for (const number of [1, 2]) {
      await channel.publish(number)
      await turns()
    }
    for (const client of clients) expect(await client.until('2\n')).to.equal('1\n2\n')
  })

  it('whose `end` throws: the connection is dropped, and nothing is left', async () => {
    const broken: RequestHandler = (_req, res, next) => {
      res.end = () => {
        throw new Error('wrapped')
      }
      next()
    }
    const { client, context, log } = await hold({}, {}, { before: [broken] })
    await client.head()
    context.stream.close()
    expect((await client.closed()).isWhole).to.equal(false)
    await log.until('revoked')
    expect((await stage.now.warning()).message).to.contain('wrapped')
  })

  it('that takes the framing of a stream away: a cut is a reset, since nothing else tells it from an end', async () => {
    const unframed: RequestHandler = (_req, res, next) => {
      onHeaders(res, () => {
        res.removeHeader('Transfer-Encoding')
        res.setHeader('Connection', 'close')
      })
      next()
    }
    const info = (message: unknown, { write }: Context) => {
      if (message === 'broken') throw new Error(message)
      write(message)
    }
    const { client, context, log } = await hold({ info }, {}, { before: [unframed] })
    context.send('one')
    await client.until('one')
    expect(client.message.headers).not.to.have.property('transfer-encoding')
    context.send('broken')
    await log.until('error')
    expect(await client.ended).to.equal('reset')
  })

  it('that ends the connection: a client that does not close its half is dropped after the writeTimeout', async () => {
    const { site, log } = await hold({ stream: { heartbeat: 1000, writeTimeout: 4000 } })
    const socket = connect({ port: site.port, host: '127.0.0.1', allowHalfOpen: true })
    const other = new Client(socket)
    await other.ask('/').head()
    // as the 'clientError' handler of Node's own documentation does
    site.server.once('clientError', (_error, connection) =>
      connection.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    )
    other.write('garbage\r\n\r\n')
    await new Promise((resolve) => socket.once('end', resolve))
    stage.now.time.advance(1000)
    for (let quarter = 0; quarter < 4; quarter++) {
      await turns()
      stage.now.time.advance(1000)
    }
    await log.until('disconnect')
    socket.destroy()
  })

  describe('that keeps or delays what is written: no client hangs, and what cannot be streamed is ended', () => {
    const modifying = () =>
      modify(
        () => true,
        (_req, _res, body) => body.toString().toUpperCase(),
      )

    it('express-modify-response: a list arrives whole, changed', async () => {
      const { client } = await hold(
        { format: jsonArray(), subscribe: (() => ['a', 'b']) as never },
        {},
        { before: [modifying()] },
      )
      expect((await client.whole()).body).to.equal('["A","B"]')
    })

    for (const [name, format] of Object.entries({ sse: sse(), ndjson: ndjson() })) {
      it(`express-modify-response, ${name}: an endless stream is ended after a second, with what there was`, async () => {
        const { client, context, log } = await hold({ format }, {}, { before: [modifying()] })
        await turns()
        context.write('a')
        await turns()
        expect(log.entries).to.deep.equal(['subscribe'])
        stage.now.time.advance(1000)
        await log.until('error')
        expect((await client.whole()).body).to.contain('A')
        await turns()
        await turnsUntil(() => clock.size === 0)
      })
    }

    const sleep = () => turns(3)
    const delays: Readonly<Record<string, (write: () => unknown) => unknown>> = {
      'a promise of what Node said': async (write) => {
        await sleep()
        return write()
      },
      'a promise of nothing': (write) => sleep().then(() => void write()),
      'nothing, and writes later': (write) => void sleep().then(write),
    }
    for (const [what, delay] of Object.entries(delays)) {
      it(`an asynchronous \`write\` that returns ${what}: each event arrives`, async () => {
        const delaying: RequestHandler = (_req, res, next) => {
          const write = res.write as Write
          res.write = ((...given: unknown[]) => delay(() => write.apply(res, given))) as Response['write']
          next()
        }
        const { client, context, log } = await hold({ format: sse() }, {}, { before: [delaying] })
        for (const count of [1, 2, 3]) {
          context.write(count)
          await client.until(`data: ${count}\n\n`)
        }
        if (!what.startsWith('nothing')) context.write('last')
        context.stream.close()
        const { body } = await client.whole()
        if (!what.startsWith('nothing')) expect(body).to.contain('last')
        await log.until('revoked')
      })
    }

    it('a `write` that rejects: the stream is cut, and the process lives', async () => {
      const rejecting: RequestHandler = (_req, res, next) => {
        res.write = (async () => {
          throw new Error('wrapped')
        }) as unknown as Response['write']
        next()
      }
      const { client, log, reasons } = await hold({ format: sse() }, {}, { before: [rejecting] })
      await log.until('error')
      expect(String(reasons[0]?.error)).to.contain('wrapped')
      await client.ended
    })

    it('a `write` that rejects for an event, after the end: what is not whole is cut', async () => {
      let count = 0
      let reject = () => {}
      const rejecting: RequestHandler = (_req, res, next) => {
        const write = res.write as Write
        res.write = ((...given: unknown[]) => {
          if (++count !== 3) return write.apply(res, given)
          return new Promise((_resolve, fail) => {
            reject = () => fail(new Error('wrapped'))
          })
        }) as Response['write']
        next()
      }
      const { client, context, log } = await hold({ format: sse() }, {}, { before: [rejecting] })
      for (const each of [1, 2]) context.write(each)
      context.stream.close()
      await log.until('revoked')
      reject()
      expect(await client.closed()).to.include({ body: ':\ndata: 1\n\n', isWhole: false })
    })

    it('a `write` that answers a thenable which calls back twice', async () => {
      const twice: RequestHandler = (_req, res, next) => {
        const write = res.write as Write
        res.write = ((...given: unknown[]) => {
          write.apply(res, given)
          return {
            // biome-ignore lint/suspicious/noThenProperty: that is what is tested
            then(answer: () => void) {
              answer()
              answer()
            },
          }
        }) as unknown as Response['write']
        next()
      }
      const { client, context } = await hold({}, {}, { before: [twice] })
      for (const each of [1, 2]) context.write(each)
      context.stream.close()
      expect((await client.whole()).body).to.equal('1\n2\n')
    })

    it('an `end` that throws after an asynchronous `write`: a warning, and the connection is dropped', async () => {
      const failing: RequestHandler = (_req, res, next) => {
        const write = res.write as Write
        res.write = (async (...given: unknown[]) => {
          await turns(1)
          return write.apply(res, given)
        }) as unknown as Response['write']
        res.end = () => {
          throw new Error('wrapped')
        }
        next()
      }
      const { client, context } = await hold({}, {}, { before: [failing] })
      context.write(1)
      context.stream.close()
      await client.ended
      expect(String(await stage.now.warning())).to.contain('wrapped')
    })

    it('a `flush` that rejects: the stream is cut', async () => {
      const rejecting: RequestHandler = (_req, res, next) => {
        const write = res.write as Write
        res.write = ((...given: unknown[]) => write.apply(res, given)) as Response['write']
        Object.assign(res, {
          flush: async () => {
            throw new Error('wrapped')
          },
        })
        next()
      }
      const { client, context, log, reasons } = await hold({}, {}, { before: [rejecting] })
      context.write(1)
      await log.until('error')
      expect(String(reasons[0]?.error)).to.contain('wrapped')
      await client.ended
    })

    it('a `write` that throws for the last bytes: the stream is cut, with a warning, and nothing is left', async () => {
      const failing = (nth: number): RequestHandler => {
        return (_req, res, next) => {
          const write = res.write as Write
          let count = 0
          res.write = ((...given: unknown[]) => {
            if (++count === nth) throw new Error('wrapped')
            return write.apply(res, given)
          }) as Response['write']
          next()
        }
      }
      const endings: [nth: number, stream: object, end: (context: Context) => void][] = [
        [2, { endEvent: true }, ({ stream }) => stream.close()],
        [2, { errorEvent: true }, ({ fail }) => fail(new Error('source'))],
        [
          2,
          { gather: 1000 },
          ({ write, stream }) => {
            write(1)
            stream.close()
          },
        ],
      ]
      for (const [nth, stream, end] of endings) {
        const { client, context, site } = await hold(
          { format: sse(), stream },
          {},
          { before: [failing(nth)] },
        )
        await client.head()
        end(context)
        expect(await client.closed()).to.include({ body: ':\n', isWhole: false })
        expect(String(await stage.now.warning())).to.contain('wrapped')
        expect(site.server.listening).to.equal(true)
      }
    })

    it('a `write` that never calls the original, and an `end` that does not either: dropped after the writeTimeout', async () => {
      const deaf: RequestHandler = (_req, res, next) => {
        res.write = (() => true) as Response['write']
        res.end = (() => res) as Response['end']
        next()
      }
      const { client, log } = await hold(
        { format: sse(), stream: { writeTimeout: 4000 } },
        {},
        { before: [deaf] },
      )
      stage.now.time.advance(1000)
      await log.until('error')
      for (let quarter = 0; quarter < 5; quarter++) {
        await turns()
        stage.now.time.advance(1000)
      }
      await client.ended
    })

    it('a `write` that keeps events once the head is out: ended after the writeTimeout', async () => {
      let keeps = false
      const keeping: RequestHandler = (_req, res, next) => {
        const write = res.write as Write
        res.write = ((...given: unknown[]) => keeps || write.apply(res, given)) as Response['write']
        next()
      }
      const { client, context, log } = await hold(
        { stream: { writeTimeout: 4000 } },
        {},
        { before: [keeping] },
      )
      context.write(1)
      await client.until('1')
      keeps = true
      context.write(2)
      await turns()
      stage.now.time.advance(3999)
      expect(log.entries).to.deep.equal(['subscribe'])
      stage.now.time.advance(1)
      await log.until('error')
      expect((await client.whole()).body).to.equal('1\n')
    })

    it("a `writeHead` that throws once: the app's error handler answers", async () => {
      const broken: RequestHandler = (_req, res, next) => {
        const { writeHead } = res
        res.writeHead = () => {
          res.writeHead = writeHead
          throw new Error('hooked')
        }
        next()
      }
      const { client, log } = await hold({ format: sse() }, {}, { before: [broken] })
      expect(await client.whole()).to.include({ status: 500, body: 'the app failed' })
      await log.until('error')
    })
  })
})
