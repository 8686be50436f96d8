import { expect } from 'chai'
import { type Endpoint, loop, raw } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { staged } from '../support/stage.js'
import { serve, usesClients } from './clients.js'
import { curl, programs, urllib } from './programs.js'
import type { Answer } from './reader.js'

const size = 64 * 1024
const count = 256
const numbers = Array.from({ length: count }, (_, n) => `${n}`)

/** 16 MiB in pieces, each with its number: more than the kernel takes for a client. */
function* pieces(): Generator<Buffer> {
  for (const n of numbers) yield Buffer.from(`${n.padEnd(size - 1, '.')}\n`)
}

const slowReaders: Readonly<Record<string, (url: string) => Answer>> = {
  curl: (url) => curl(url, {}, ['--limit-rate', '32M']),
  "Python's urllib": (url) => urllib(url, { sleep: 0.001 }),
}

describe('Slow real clients, for which 128 KiB may wait', () => {
  staged()

  const log = new Log()
  const format = raw('text/plain')
  const terminate = ({ kind }: { kind: string }) => log.add(kind)
  const stream = { maxQueuedBytes: 2 * size }
  const table: Record<string, Endpoint> = {
    '/pulled': loop({ format, subscribe: pieces, terminate, stream }),
    '/pushed': loop({
      format,
      subscribe: ({ write }) => {
        for (const piece of pieces()) write(piece)
      },
      terminate,
      stream,
    }),
  }

  beforeEach(() => {
    log.entries.length = 0
  })

  for (const { name, needs, sees } of programs) {
    describe(name, () => {
      usesClients(needs)
      const read = slowReaders[name]!

      it('gets all of a source that is pulled, in order (docs/guide/slow-clients.md)', async () => {
        const site = await serve(table)
        const answer = read(`${site.url}/pulled`)
        expect(await answer.ended()).to.equal('whole')
        expect(answer.text.split('\n').map((line) => line.replace(/\.*$/, ''))).to.deep.equal([
          ...numbers,
          '',
        ])
        expect(log.entries).to.deep.equal(['end'])
      })

      it('is cut where as much is pushed, and sees that', async () => {
        const site = await serve(table)
        const answer = read(`${site.url}/pushed`)
        expect(await answer.ended())
          .to.have.property('error')
          .that.matches(sees.cut)
        expect(log.entries).to.deep.equal(['overflow'])
      })
    })
  }
})
