import { expect } from 'chai'
import { createHub, csv, event, jsonArray, ndjson, resource, sse, text } from '../../lib/index.js'
import { type Limits, Queue } from '../../lib/wire/queue.js'
import { hold } from '../support/held.js'
import { staged } from '../support/stage.js'
import { inherited, own, staysPure } from './purity.js'

describe('A name that all objects have is a name like any other in an app (CWE-1321)', () => {
  staged()

  staysPure()

  for (const name of inherited) {
    it(`A channel ${name} is a channel of its own`, async () => {
      const hub = createHub()
      const [one, other] = [hub.channel(name), hub.channel('other')]
      expect(hub.channel(name)).to.equal(one).and.not.to.equal(other)
      await one.publish('hello', { type: name })
      expect(one.subscribers).to.equal(0)
    })

    it(`An event of type ${name} keeps it`, async () => {
      const given = event({ a: 1 }, { type: name, id: name })
      expect(sse().encode(given)).to.equal(`event: ${name}\nid: ${name}\ndata: {"a":1}\n\n`)
      const [envelope] = [ndjson({ envelope: true }).encode(given)]
      expect(JSON.parse(String(envelope))).to.deep.equal({ id: name, type: name, data: { a: 1 } })
    })

    it(`Data with a member ${name} is written with it`, () => {
      const data = own(name)
      for (const format of [sse(), ndjson(), jsonArray()])
        expect(String(format.encode(event(data)))).to.include(`{"${name}":"own"}`)
      expect(() => text().encode(event(data))).to.throw(TypeError)
    })

    it(`A column ${name} has what the record has itself, and nothing that it inherits`, () => {
      const format = csv({ columns: [name, 'a'] })
      expect(format.open).to.equal(`${name},a\r\n`)
      expect(format.encode(event({ a: 1 }))).to.equal(',1\r\n')
      expect(format.encode(event({ ...own('a', 1), ...own(name) }))).to.match(/^(?:own)?,1\r\n$/)
      expect(format.encode(event(own(name)))).to.equal('own,\r\n')
    })

    it(`A spec, a table, options with a key ${name} are refused, and nothing is taken from it`, () => {
      expect(() => resource(own(name, {}))).to.throw(TypeError, 'unknown key')
      expect(() =>
        resource({ stream: own(name, 1), contentTypesProvided: [sse()], subscribe: () => [] }),
      ).to.throw(TypeError, 'unknown key')
      expect(() => resource({ contentTypesProvided: own(name, {}) })).to.throw(TypeError)
      expect(() => sse(own(name))).to.throw(TypeError, 'unknown key')
      expect(() => createHub().channel('a', own(name))).to.throw(TypeError, 'unknown key')
    })
  }

  it('Conflation by such keys keeps the newest of each', () => {
    const overflow = { conflate: (data: unknown) => (data as [string])[0] } as const
    const limits: Limits = { maxQueued: inherited.length, maxQueuedBytes: 100, overflow }
    const measure = {
      count: () => 1,
      size: () => 1,
      data: (item: [string, number]) => item,
      isKept: () => false,
    }
    const mailbox = new Queue<[string, number]>(measure, limits)
    for (const round of [1, 2]) for (const name of inherited) mailbox.offer([name, round])
    const kept = Array.from({ length: mailbox.size }, () => mailbox.take())
    expect(kept).to.deep.equal(inherited.map((name) => [name, 2]))
  })

  it('A message that a client has made is data: no JSON is an event, a stop, a format or a promise', async () => {
    const messages = [
      '{"then":"a","pipe":"b","getReader":1}',
      '{"express-lariat.is":"event","data":1,"id":"x"}',
      '{"type":"end","data":1}',
    ]
    const { client, context } = await hold({ format: ndjson() })
    for (const message of messages) context.send(JSON.parse(message))
    const body = await client.until(messages.at(-1)!)
    expect(body).to.equal(`${messages.join('\n')}\n`)
  })
})
