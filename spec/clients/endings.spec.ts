import { expect } from 'chai'
import { type Endpoint, loop } from '../../lib/index.js'
import { formatNames, formats } from '../support/formats.js'
import { Log } from '../support/log.js'
import { staged } from '../support/stage.js'
import { readers, serve, usesClients, withEach } from './clients.js'
import { curl } from './programs.js'
import type { Answer } from './reader.js'

const dataFor = (format: string) => (name: string) => (format === 'csv' ? { name } : name)

/** What ends when it is told to, by whoever has seen that it has begun. */
class Ends {
  readonly log = new Log()
  readonly table: Record<string, Endpoint> = {}
  #end: (isWhole: boolean) => void = () => {}

  constructor() {
    for (const name of formatNames) {
      const format = formats[name]()
      const source = () => this.#source(dataFor(name))
      const terminate = ({ kind }: { kind: string }) => this.log.add(kind)
      this.table[`/${name}`] = loop({ format, subscribe: source, terminate })
    }
  }

  async *#source(dataOf: (name: string) => unknown): AsyncGenerator<unknown> {
    yield dataOf('first')
    const isWhole = await new Promise<boolean>((resolve) => {
      this.#end = resolve
    })
    yield dataOf('last')
    if (!isWhole) throw new Error('It fails')
  }

  /** Ends a stream whose first event has come. */
  async end(answer: Answer, isWhole: boolean) {
    await answer.until('first')
    this.#end(isWhole)
    const ending = await answer.ended()
    expect(this.log.entries.splice(0)).to.deep.equal([isWhole ? 'end' : 'error'])
    return ending
  }
}

describe('Real readers tell a whole stream from one that was cut (docs/guide/loop.md: complete and cut)', () => {
  staged()

  withEach(readers, (client) => {
    // its process takes long to start
    const names = client.needs === 'python3' ? ['jsonArray', 'raw'] : formatNames

    it(`in ${names.join(', ')}`, async () => {
      const ends = new Ends()
      const site = await serve(ends.table, { client })
      for (const name of names) {
        const whole = client.read(`${site.url}/${name}`)
        expect(await ends.end(whole, true), name).to.equal('whole')
        expect(whole.text, name).to.include('last')
        const cut = client.read(`${site.url}/${name}`)
        expect(await ends.end(cut, false), name)
          .to.have.property('error')
          .that.matches(client.sees.cut)
        expect(whole.text.startsWith(cut.text), name).to.equal(true)
      }
    })

    it('and from a connection that was reset', async () => {
      const ends = new Ends()
      const site = await serve(ends.table, { client })
      const answer = client.read(`${site.url}/ndjson`)
      await answer.until('first')
      for (const socket of site.sockets) socket.resetAndDestroy()
      expect(await answer.ended())
        .to.have.property('error')
        .that.matches(client.sees.reset)
    })
  })

  describe('curl over HTTP/1.0, where a cut is a reset (docs/guide/loop.md: connections)', () => {
    usesClients('curl')

    it(`in ${formatNames.join(', ')}`, async () => {
      const ends = new Ends()
      const site = await serve(ends.table)
      for (const name of formatNames) {
        const read = () => curl(`${site.url}/${name}`, {}, ['--http1.0'])
        expect(await ends.end(read(), true), name).to.equal('whole')
        expect(await ends.end(read(), false), name)
          .to.have.property('error')
          .that.matches(/^56: /)
      }
    })
  })
})
