import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, getEventListeners } from 'node:events'
import { addAbortSignal, Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { ReadableStream, TransformStream, WritableStream } from 'node:stream/web'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import type { Watched } from '../../lib/declare/context.js'
import { stop } from '../../lib/index.js'
import { cases } from '../support/cases.js'
import { hold } from '../support/held.js'
import { stage, staged, turns } from '../support/stage.js'

interface Mortal {
  readonly target: Watched
  /** How it dies; it may die of an error. */
  die(error?: Error): unknown
  /** Listeners that are on it. */
  listeners?(): number
  /** It dies of a failure: the loop ends cut. */
  readonly fails?: true
  /** Lets go of what a living one holds. */
  free?(): unknown
}

const count = (emitter: EventEmitter) =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
const countTarget = (target: EventTarget) =>
  ['abort', 'close', 'error'].reduce((sum, name) => sum + getEventListeners(target, name).length, 0)

function emitterLike(target: EventEmitter & Watched, die: Mortal['die'], free = () => {}): Mortal {
  return { target, die, listeners: () => count(target), free }
}

function failing(mortal: Mortal): Mortal {
  return { ...mortal, fails: true }
}

function child(code = 'setInterval(() => {}, 1000)'): ChildProcess {
  return spawn(process.execPath, ['--eval', code])
}

/** A Worker that waits for a message, and then does so. */
function worker(code: string): Worker {
  return new Worker(`require('node:worker_threads').parentPort.once('message', () => {${code}})`, {
    eval: true,
  })
}

function webStream() {
  const controllers: ReadableStreamDefaultController[] = []
  const target = new ReadableStream({
    start(controller) {
      controllers.push(controller)
    },
  })
  return { target, controller: controllers[0] as ReadableStreamDefaultController }
}

const kinds: Record<string, () => Mortal> = {
  'a ChildProcess: exit': () => {
    const target = child('process.stdin.resume()')
    return emitterLike(
      target,
      () => target.stdin?.end(),
      () => target.kill(),
    )
  },
  'a ChildProcess: exit with an error': () => {
    const target = child("process.stdin.resume().on('end', () => process.exit(3))")
    return failing(
      emitterLike(
        target,
        () => target.stdin?.end(),
        () => target.kill(),
      ),
    )
  },
  'a ChildProcess: killed': () => {
    const target = child()
    return failing(
      emitterLike(
        target,
        () => target.kill(),
        () => target.kill(),
      ),
    )
  },
  'a Worker: exit': () => {
    const target = worker('')
    return emitterLike(
      target,
      () => target.postMessage('end'),
      () => target.terminate(),
    )
  },
  'a Worker: exit with an error': () => {
    const target = worker('process.exit(3)')
    return failing(
      emitterLike(
        target,
        () => target.postMessage('end'),
        () => target.terminate(),
      ),
    )
  },
  'an AbortSignal: aborted': () => {
    const controller = new AbortController()
    return {
      target: controller.signal,
      die: () => controller.abort(),
      listeners: () => countTarget(controller.signal),
    }
  },
  'a promise: fulfilled': () => {
    let resolve = () => {}
    const target = new Promise<void>((done) => {
      resolve = done
    })
    return { target, die: () => resolve() }
  },
  'a promise: rejected': () => {
    let reject = (_: unknown) => {}
    const target = new Promise<void>((_, fail) => {
      reject = fail
    })
    target.catch(() => {})
    return failing({ target, die: () => reject(new Error('rejected')) })
  },
  'an EventEmitter: close': () => {
    const target = new EventEmitter()
    return emitterLike(target, () => target.emit('close'))
  },
  'an EventEmitter: error': () => {
    const target = new EventEmitter()
    return failing(emitterLike(target, () => target.emit('error', new Error('broken'))))
  },
  'an EventTarget: close': () => {
    const target = new EventTarget()
    return {
      target,
      die: () => target.dispatchEvent(new Event('close')),
      listeners: () => countTarget(target),
    }
  },
  'an EventTarget: error': () => {
    const target = new EventTarget()
    return failing({
      target,
      die: () => target.dispatchEvent(new Event('error')),
      listeners: () => countTarget(target),
    })
  },
  'a Node Readable: end': () => {
    const target = new Readable({ read() {} })
    return emitterLike(target, () => target.resume().push(null))
  },
  'a Node Readable: close': () => {
    const target = new Readable({ read() {} })
    return emitterLike(target, () => target.destroy())
  },
  'a Node Readable: error': () => {
    const target = new Readable({ read() {} })
    return failing(emitterLike(target, () => target.destroy(new Error('broken'))))
  },
  'a Node Writable: close': () => {
    const target = new Writable({ write: (_chunk, _encoding, done) => done() })
    return emitterLike(target, () => target.end())
  },
  'a Node Duplex: error': () => {
    const target = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    return failing(emitterLike(target, () => target.destroy(new Error('broken'))))
  },
  'a Web stream: closed': () => {
    const { target, controller } = webStream()
    return { target, die: () => controller.close() }
  },
  'a Web stream: errored': () => {
    const { target, controller } = webStream()
    return failing({ target, die: () => controller.error(new Error('broken')) })
  },
  'a Web stream: errored with nothing': () => {
    const { target, controller } = webStream()
    return failing({ target, die: () => controller.error() })
  },
  'a Web stream that somebody reads: closed': () => {
    const { readable, writable } = new TransformStream()
    const reader = readable.getReader()
    void reader.read()
    return { target: readable, die: () => writable.close() }
  },
  'a Web WritableStream: closed': () => {
    const target = new WritableStream()
    return { target: target as unknown as Watched, die: () => target.close() }
  },
  'anything with onDown': () => {
    const callbacks = new Set<() => void>()
    return {
      target: {
        onDown(callback) {
          callbacks.add(callback)
          return () => callbacks.delete(callback)
        },
      },
      die() {
        for (const each of callbacks) each()
      },
      listeners: () => callbacks.size,
    }
  },
}

/** Waits until a mortal has died, for those that take their time. */
async function dead({ target, die }: Mortal): Promise<void> {
  if (target instanceof EventEmitter && 'kill' in target) {
    const exit = new Promise((resolve) => target.once('close', resolve))
    die()
    await exit
  } else if (target instanceof Worker) {
    const exit = new Promise((resolve) => target.once('exit', resolve))
    die()
    await exit
  } else {
    if (target instanceof EventEmitter) target.once('error', () => {})
    await die()
    await turns()
  }
}

describe('monitor watches what the data comes from (docs/guide/loop.md)', () => {
  staged()

  for (const [name, make] of Object.entries(kinds)) {
    describe(name, () => {
      let mortal: Mortal
      beforeEach(() => {
        mortal = make()
      })
      afterEach(() => mortal.free?.())

      it('dying later without a message ends the loop with `down`: complete, or cut with the error of a failure', async () => {
        const { client, log, reasons } = await hold({ subscribe: ({ monitor }) => monitor(mortal.target) })
        await client.head()
        expect(log.entries).to.deep.equal(['subscribe'])
        await mortal.die()
        await log.until('down')
        expect((await (mortal.fails ? client.closed() : client.whole())).isWhole).to.equal(!mortal.fails)
        expect(log.entries).to.deep.equal(['subscribe', 'down'])
        if (mortal.fails) expect(reasons[0]?.error).to.be.instanceOf(Error)
        else expect(reasons).to.deep.equal([{ kind: 'down' }])
      })

      it('dying later with a message: it arrives in `info`, once, and the loop goes on', async () => {
        const { client, context } = await hold({
          subscribe: ({ monitor }) => monitor(mortal.target, { died: name }),
          info: (message, { write }) => void write(message),
        })
        await client.head()
        await mortal.die()
        await client.until(JSON.stringify({ died: name }))
        context.send('and on')
        expect(await client.until('"and on"\n')).to.equal(`${JSON.stringify({ died: name })}\n"and on"\n`)
      })

      if (!/^an Event(Emitter|Target)|^anything/.test(name)) {
        it('already dead without a message: 503, as the head has not gone out, and terminate gets `down`', async () => {
          await dead(mortal)
          const before = mortal.listeners?.()
          const { client, log } = await hold({ subscribe: ({ monitor }) => monitor(mortal.target) })
          const message = await client.whole()
          expect(message.status).to.equal(503)
          expect(message.headers['content-type']).to.equal('application/problem+json')
          expect(log.entries).to.deep.equal(['subscribe', 'down'])
          await turns()
          expect(mortal.listeners?.(), 'listeners').to.equal(before)
        })

        it('already dead with a message: it arrives in `info` after the head', async () => {
          await dead(mortal)
          const { client } = await hold({
            subscribe: ({ monitor }) => monitor(mortal.target, 'was dead'),
            info: (message, { write, res }) => void write([message, res.headersSent]),
          })
          expect((await client.head()).status).to.equal(200)
          await client.until('["was dead",true]\n')
        })

        it('already dead when `info` asks: the loop ends with `down`', async () => {
          await dead(mortal)
          const { client, context, log } = await hold({ info: (_, { monitor }) => monitor(mortal.target) })
          context.send('watch it')
          await log.until('down')
          expect((await client.head()).status).to.equal(200)
        })
      }

      it('dying while `subscribe` is pending: 503', async () => {
        let resolve = () => {}
        const { client } = await hold({
          subscribe({ monitor }) {
            monitor(mortal.target)
            return new Promise<void>((done) => {
              resolve = done
            })
          },
        })
        await mortal.die()
        expect((await client.whole()).status).to.equal(503)
        resolve()
      })

      it('has no listener left after the end of the loop', async () => {
        const before = mortal.listeners?.()
        const { client, log, context } = await hold()
        await client.head()
        context.monitor(mortal.target)
        context.monitor(mortal.target, 'died')
        if (before !== undefined) expect(mortal.listeners?.()).to.be.above(before)
        client.leave()
        await log.until('disconnect')
        // what the end breaks may say so late
        await turns()
        expect(mortal.listeners?.()).to.equal(before)
      })

      it('dying after the end of the loop is nothing', async () => {
        const { client, log, context } = await hold()
        await client.head()
        context.monitor(mortal.target)
        client.leave()
        await log.until('disconnect')
        await dead(mortal)
        await turns()
        expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'disconnect'])
      })
    })
  }

  it('a child process that cannot be started is dead, and its error harms nobody', async () => {
    const { client, reasons } = await hold({
      subscribe: ({ monitor }) => monitor(spawn('/nonexistent/program')),
    })
    expect((await client.whole()).status).to.equal(503)
    expect(reasons[0]).to.have.property('kind', 'down')
    expect(reasons[0]?.error).to.have.property('code', 'ENOENT')
  })

  it('a child process that could not be started is dead', async () => {
    const missing = spawn('/nonexistent/program')
    await new Promise((resolve) => missing.once('error', resolve))
    const { client } = await hold({ subscribe: ({ monitor }) => monitor(missing) })
    expect((await client.whole()).status).to.equal(503)
  })

  it('a process that a signal has killed is dead', async () => {
    const target = child()
    const exit = new Promise((resolve) => target.once('exit', resolve))
    target.kill('SIGKILL')
    await exit
    const { client } = await hold({ subscribe: ({ monitor }) => monitor(target) })
    expect((await client.whole()).status).to.equal(503)
  })

  it('a Readable that has ended but not closed is dead', async () => {
    const target = new Readable({ read() {}, autoDestroy: false })
    target.resume().push(null)
    await new Promise((resolve) => target.once('end', resolve))
    const { client } = await hold({ subscribe: ({ monitor }) => monitor(target) })
    expect((await client.whole()).status).to.equal(503)
  })

  it('a Readable that ends without closing dies', async () => {
    const target = new Readable({ read() {}, autoDestroy: false })
    const { client, context, log } = await hold()
    await client.head()
    context.monitor(target)
    target.resume().push(null)
    await client.whole()
    await log.until('down')
  })

  it('a stream that was destroyed just now is dead, though it has not said so yet', async () => {
    const { client } = await hold({
      subscribe: ({ monitor }) => monitor(new Readable({ read() {}, destroy() {} }).destroy()),
    })
    expect((await client.whole()).status).to.equal(503)
  })

  it('a Transform whose input has ended is alive until its output has', async () => {
    const target = new PassThrough()
    target.end('the rest')
    await new Promise((resolve) => target.once('finish', resolve))
    const { client, log } = await hold({ subscribe: ({ monitor }) => monitor(target) })
    expect((await client.head()).status).to.equal(200)
    await turns()
    expect(log.entries).to.deep.equal(['subscribe'])
    target.resume()
    await client.whole()
    await log.until('down')
  })

  it('a promise of another kind that is settled is dead', async () => {
    class Other {
      // biome-ignore lint/suspicious/noThenProperty: it is a promise of another kind
      then(resolve: (value: unknown) => void) {
        queueMicrotask(() => resolve(1))
      }
    }
    const target = new Other() as unknown as PromiseLike<unknown>
    const { client } = await hold({ subscribe: ({ monitor }) => monitor(target) })
    expect((await client.whole()).status).to.equal(503)
  })

  it('onDown that calls back at once: already dead', async () => {
    const { client } = await hold({
      subscribe: ({ monitor }) => monitor({ onDown: (callback) => callback(new Error('dead')) }),
    })
    expect((await client.whole()).status).to.equal(503)
  })

  it('onDown that calls back twice is heard once', async () => {
    const { client, context } = await hold()
    const downs: (() => void)[] = []
    context.monitor({ onDown: (callback) => downs.push(callback) }, 'died')
    for (const down of [...downs, ...downs]) down()
    context.send('next')
    expect(await client.until('next')).to.equal('"died"\n"next"\n')
  })

  it('the reason has the error that it died of', async () => {
    const error = new Error('of this')
    const { client, context, reasons } = await hold()
    await client.head()
    context.monitor(Promise.reject(error))
    await client.closed()
    expect(reasons).to.deep.equal([{ kind: 'down', error }])
  })

  it('the error of a stream and of an emitter is in the reason, and never told to the client', async () => {
    const secret = new Error('secret')
    const emitter = new EventEmitter()
    const stream = new Readable({ read() {} })
    for (const [target, die] of [
      [emitter, () => emitter.emit('error', secret)],
      [stream, () => stream.destroy(secret)],
    ] as const) {
      const { client, context, reasons } = await hold()
      await client.head()
      context.monitor(target)
      die()
      expect((await client.closed()).body).to.equal('')
      expect(reasons).to.deep.equal([{ kind: 'down', error: secret }])
    }
  })

  it('an aborted signal has not failed, whatever its reason: it was meant to', async () => {
    const controller = new AbortController()
    const { client, context, reasons } = await hold()
    await client.head()
    context.monitor(controller.signal)
    controller.abort(new Error('a reason'))
    await client.whole()
    expect(reasons).to.deep.equal([{ kind: 'down' }])
  })

  it('a failure without an error has one in the reason', async () => {
    const emitter = new EventEmitter()
    for (const [targetOf, die] of [
      [() => emitter, () => emitter.emit('error')],
      [() => Promise.reject(), () => {}],
    ] as const) {
      const { client, context, reasons } = await hold()
      await client.head()
      context.monitor(targetOf())
      die()
      expect((await client.closed()).isWhole).to.equal(false)
      expect(reasons[0]?.error).to.have.property('code', 'LARIAT_DOWN')
    }
  })

  it('the exit of a process says its code or its signal', async () => {
    for (const [run, error] of [
      ['process.exit(3)', 'The process exited with code 3'],
      ["process.kill(process.pid, 'SIGKILL')", 'The process was ended by SIGKILL'],
    ] as const) {
      const { client, reasons } = await hold({ subscribe: ({ monitor }) => monitor(child(run)) })
      expect((await client.closed()).isWhole).to.equal(false)
      expect(reasons[0]?.error).to.have.property('message', error)
    }
  })

  it('without `info` a message is written', async () => {
    const { client } = await hold({ subscribe: ({ monitor }) => monitor(AbortSignal.abort(), 'died') })
    await client.until('"died"\n')
  })

  it('a message that is null is one', async () => {
    const { client } = await hold({ subscribe: ({ monitor }) => monitor(AbortSignal.abort(), null) })
    await client.until('null\n')
  })

  it('a message that cannot be serialised ends the loop with `error`', async () => {
    const controller = new AbortController()
    const { client, context, log } = await hold()
    await client.head()
    context.monitor(controller.signal, 1n)
    controller.abort()
    expect((await client.closed()).isWhole).to.equal(false)
    await log.until('error')
  })

  it('one whose message ends the loop by stop()', async () => {
    const controller = new AbortController()
    const { client, context, reasons } = await hold({ info: () => stop() })
    await client.head()
    context.monitor(controller.signal, 'died')
    controller.abort()
    await client.whole()
    expect(reasons).to.deep.equal([{ kind: 'stop' }])
  })

  it('several at once: the first to die ends the loop', async () => {
    const controllers = [1, 2, 3].map(() => new AbortController())
    const { client, context, log } = await hold()
    await client.head()
    for (const { signal } of controllers) context.monitor(signal)
    for (const each of controllers) each.abort()
    await client.whole()
    expect(log.entries).to.deep.equal(['subscribe', 'unsubscribe', 'down'])
    expect(controllers.map(({ signal }) => countTarget(signal))).to.deep.equal([0, 0, 0])
  })

  cases(
    'throws a TypeError for a target that cannot be watched, and says which can',
    Object.entries({
      null: null,
      undefined: undefined,
      'a string': 'process',
      'a number': 7,
      'a plain object': {},
      'a function': () => {},
    }),
    ([name]) => `throws a TypeError for ${name}, that says what it takes`,
    async ([, target]) => {
      const { client } = await hold({ subscribe: ({ monitor }) => monitor(target as never) })
      expect((await client.whole()).status).to.equal(500)
      expect(stage.now.errors[0])
        .to.be.instanceOf(TypeError)
        .with.property('message')
        .that.matches(/^monitor\(.*ChildProcess/)
    },
  )

  describe('what was monitored ends no process', () => {
    it('after the end: a promise that rejects, an emitter that fails; a shared target has one listener', async () => {
      const emitter = new EventEmitter()
      let reject = (_: unknown) => {}
      const promise = new Promise((_, fail) => {
        reject = fail
      })
      for (let stream = 0; stream < 3; stream++) {
        const { client, context, log } = await hold()
        await client.head()
        client.leave()
        await log.until('disconnect')
        for (const target of [emitter, promise, emitter]) context.monitor(target)
      }
      expect(count(emitter)).to.equal(1)
      emitter.emit('error', new Error('late'))
      reject(new Error('late'))
      await turns()
    })

    it('at the end: what was made with `signal` throws its AbortError at once, in the next turn, or when it closes', async () => {
      const made: Record<string, (signal: AbortSignal) => Watched> = {
        'a process': (signal) =>
          spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { signal }),
        'a stream': (signal) => addAbortSignal(signal, new Readable({ read() {} })),
        'a stream that closes late': (signal) =>
          addAbortSignal(
            signal,
            new Readable({ read() {}, destroy: (error, done) => void turns().then(() => done(error)) }),
          ),
        'an emitter, at once': (signal) => {
          const emitter = new EventEmitter()
          signal.addEventListener('abort', () => emitter.emit('error', signal.reason))
          return emitter
        },
        'an emitter, in the next turn': (signal) => {
          const emitter = new EventEmitter()
          signal.addEventListener('abort', () => setImmediate(() => emitter.emit('error', signal.reason)))
          return emitter
        },
        'a promise': (signal) =>
          new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason))),
      }
      for (const make of Object.values(made)) {
        const { client, log } = await hold({ subscribe: ({ monitor, signal }) => monitor(make(signal)) })
        await client.head()
        client.leave()
        await log.until('disconnect')
        await turns(50)
      }
    })

    it('a stream that was destroyed with an error that it has not told yet', async () => {
      const broken = () => new Readable({ read() {} }).destroy(new Error('broken'))
      const { client } = await hold({ subscribe: ({ monitor }) => monitor(broken()) })
      expect((await client.whole()).status).to.equal(503)
    })
  })
})
