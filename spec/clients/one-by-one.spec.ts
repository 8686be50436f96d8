import { expect } from 'chai'
import { type Event, event, loop, sse } from '../../lib/index.js'
import { Log } from '../support/log.js'
import { staged } from '../support/stage.js'
import { listeners, serve, withEach } from './clients.js'

interface Case {
  title: string
  sent: unknown
  type?: string
  /** Events without an id of their own are not asked for one: an EventSource then tells the last that it knows. */
  id?: string
  data: string
}

const long = 'x'.repeat(2 ** 20)

const cases: readonly Case[] = [
  { title: 'text', sent: 'text', data: 'text' },
  { title: 'JSON', sent: { a: [1, null] }, data: '{"a":[1,null]}' },
  {
    title: 'an id and a type',
    sent: event('it', { id: '7', type: 'note' }),
    id: '7',
    type: 'note',
    data: 'it',
  },
  {
    title: 'lines that end in CR, LF and CRLF',
    sent: 'one\ntwo\rthree\r\n\nfour\n',
    data: 'one\ntwo\nthree\n\nfour\n',
  },
  { title: 'what looks like fields', sent: 'a\nid: 8\n\ndata: b', data: 'a\nid: 8\n\ndata: b' },
  { title: 'spaces at both ends', sent: '  two  ', data: '  two  ' },
  { title: 'Unicode', sent: 'ä 漢 👩‍🚀 \u2028 \ufeff', data: 'ä 漢 👩‍🚀 \u2028 \ufeff' },
  { title: 'an id in Unicode', sent: event(1, { id: 'ä 漢 👩‍🚀' }), id: 'ä 漢 👩‍🚀', data: '1' },
  { title: 'no text', sent: '', data: '' },
  { title: 'a type and no data', sent: event(undefined, { type: 'note' }), type: 'note', data: '' },
  { title: 'null', sent: null, data: 'null' },
  { title: 'a comment beside it', sent: event(0, { comment: 'a\nb' }), data: '0' },
  { title: '1 MiB', sent: event(long, { id: '9' }), id: '9', data: long },
  { title: 'what comes after 1 MiB', sent: 'small', data: 'small' },
]

describe('Real clients get each event before the next one is sent (WHATWG HTML 9.2.6)', () => {
  staged()

  withEach(listeners, (client) => {
    it('text and JSON, ids and types, all line breaks, Unicode, no data, 1 MiB', async () => {
      const log = new Log()
      let send: (data: Event | unknown) => void = () => {}
      const endpoint = loop({
        format: sse(),
        subscribe: (context) => {
          send = context.send
          log.add('subscribe')
        },
      })
      const site = await serve({ '/events': endpoint }, { client })
      const listening = client.listen(`${site.url}/events`)
      await log.until('subscribe')
      for (const { title, sent, type = 'message', id, data } of cases) {
        send(sent)
        const got = await listening.next()
        expect(got.type, title).to.equal(type)
        expect(got.data === data, `${title}: ${got.data.slice(0, 100)}`).to.equal(true)
        if (id !== undefined) expect(got.id, title).to.equal(id)
      }
    })
  })
})
