import { once } from 'node:events'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import express from 'express'
import { loop, ndjson, resource, sse, stop } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { stage, staged, turns } from '../support/stage.js'

/** A stream that never ends by itself. */
const endless = () => new Readable({ read() {} })

/** What a provider may answer that has to be closed, and the stream in it. */
const answers: Readonly<Record<string, (stream: Readable) => never>> = {
  'a body': (stream) => stream as never,
  'a list': (stream) => ndjson().once(stream) as never,
  'a stop with a body': (stream) => stop(200, { body: stream }) as never,
}

describe('A body that comes after the client has left is closed', () => {
  staged()

  /** A resource whose provider waits until it is told to answer. */
  async function providing(answer: () => never) {
    const log = new Log()
    let provide = () => {}
    const site = await stage.now.serve(
      resource({
        decisionTimeout: 1000,
        contentTypesProvided: {
          'text/plain': async ({ res }) => {
            res.on('close', () => log.add('left'))
            log.add('asked')
            await new Promise<void>((resolve) => {
              provide = resolve
            })
            return answer()
          },
        },
      }),
    )
    const client = site.get()
    await log.until('asked')
    return { client, log, provide: () => provide() }
  }

  for (const [what, answer] of Object.entries(answers)) {
    it(`${what} that comes after the client has left`, async () => {
      const stream = endless()
      const { client, log, provide } = await providing(() => answer(stream))
      client.leave()
      await log.until('left')
      provide()
      if (!stream.destroyed) await once(stream, 'close')
      expect(stream.destroyed).to.equal(true)
    })

    it(`${what} that comes after decisionTimeout`, async () => {
      const stream = endless()
      const { client, provide } = await providing(() => answer(stream))
      stage.now.time.advance(1000)
      expect((await client.head()).status).to.equal(503)
      provide()
      if (!stream.destroyed) await once(stream, 'close')
      expect(stream.destroyed).to.equal(true)
    })
  }

  it('a stream that fails while later callbacks are asked is an error of the request, not of the process', async () => {
    const stream = endless()
    const site = await stage.now.serve(
      resource({
        contentTypesProvided: { 'text/plain': () => stream },
        multipleChoices: async () => {
          stream.destroy(new Error('broken'))
          await turns(3)
          return false
        },
      }),
    )
    expect((await site.get().head()).status).to.equal(500)
    expect(stage.now.errors).to.have.length(1)
    expect(stage.now.errors[0]).to.have.property('message', 'broken')
  })

  it('a body behind another pipelined response is closed, and its signal aborted, when the client goes', async () => {
    const log = new Log()
    const stream = endless()
    let signal: AbortSignal | undefined
    const site = await stage.now.serve(
      express
        .Router()
        .use('/held', loop({ format: sse(), subscribe: () => {} }))
        .use(
          '/body',
          resource({
            contentTypesProvided: {
              'text/plain': () => {
                log.add('body')
                return stream
              },
            },
          }),
        )
        .use(
          '/pending',
          resource({
            contentTypesProvided: {
              'text/plain': (context) => {
                signal = context.signal
                log.add('pending')
                return new Promise<string>((resolve) => {
                  context.signal.addEventListener('abort', () => resolve('late'))
                })
              },
            },
          }),
        ),
    )
    const client = site.connect()
    client.ask('/held').ask('/body').ask('/pending')
    await log.until('body')
    await log.until('pending')
    client.leave()
    if (!stream.destroyed) await once(stream, 'close')
    expect(stream.destroyed).to.equal(true)
    expect(signal?.aborted).to.equal(true)
  })
})
