import { expect } from 'chai'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { callbacks } from '../../lib/declare/callbacks.js'
import { createHub, jsonArray, jsonSeq, loop, ndjson, sse } from '../../lib/index.js'
import { cases } from '../support/cases.js'
import { staysClean } from '../support/clean.js'
import type { Asked } from '../support/http.js'
import { changingSite } from './changing.js'
import { answered, declarations, type Fate, places } from './places.js'
import { readAnswers } from './wire.js'

/** What would be a header, an event or a response of its own if it got out as it is. */
const texts: Readonly<Record<string, string>> = {
  CRLF: 'a\r\nX-Injected: yes',
  'an empty line': 'a\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: yes\r\n\r\n',
  LF: 'a\nX-Injected: yes',
  CR: 'a\rX-Injected: yes',
  NUL: 'a\0X-Injected: yes',
  // its lower byte is LF
  'U+010A': 'a\u010aX-Injected: yes',
  'U+2028': 'a\u2028X-Injected: yes',
  'half a surrogate pair': 'a\ud800X-Injected',
  'Latin-1': 'aé',
  'a great length': 'a'.repeat(10_000),
}

/** What of each fate is let through. */
const fits: Partial<Record<Fate, RegExp>> = {
  field: /^[\t\x20-\x7e\x80-\xff]*$/,
  token: /^[!#$%&'*+.^_`|~\w-]+$/,
  line: /^[^\r\n\0]*$/,
  refused: /^(?!)/,
}

function isRefused(fate: Fate, text: string): boolean {
  return fits[fate]?.test(text) === false
}

/** What UTF-8 makes of a text. */
const wellFormed = (text: string) => Buffer.from(text).toString()

/** The events of an event stream, as a client reads them. */
function eventsOf(body: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = []
  createParser({ onEvent: (event) => events.push(event) }).feed(body)
  return events
}

function bytesOf({ method = 'GET', url = '/', headers = {}, body = '' }: Asked): string {
  const fields = { Host: 'a', Connection: 'close', 'Content-Length': String(body.length), ...headers }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

describe('No value that an app gives makes a header or a response of its own (CWE-113)', () => {
  staysClean()
  const served = changingSite()

  for (const { what, fate, label = what, asked = {}, put } of places) {
    it(`${what}: ${fate}`, async () => {
      for (const [name, text] of Object.entries(texts)) {
        served.use(put(text))
        const bytes = Buffer.from(await served.site.exchange(bytesOf(asked)), 'latin1')
        const [answer, ...more] = readAnswers(bytes, [{ method: asked.method ?? 'GET', version: '1.1' }])
        expect(more, name).to.deep.equal([])
        expect(answer!.isWhole, name).to.equal(true)
        expect(answer!.all('x-injected'), name).to.deep.equal([])
        const head = bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString('latin1')
        if (fate === 'encoded') expect(head, name).to.match(/^[\r\n -~]*$/)
        if (fate === 'body' || fate === 'unsent') expect(head, name).not.to.include('Injected')
        if (answer!.all('content-type')[0] === 'text/event-stream') {
          const events = eventsOf(answer!.body.toString())
          expect(events.length, name).to.be.below(2)
          for (const { id, event } of events)
            expect(JSON.stringify([id, event])).to.be.oneOf([
              '[null,null]',
              JSON.stringify([wellFormed(text), null]),
              JSON.stringify([null, wellFormed(text)]),
            ])
        }
        const errors = served.site.errors.splice(0) as Error[]
        const fails = isRefused(fate, text) || what.includes('throws')
        expect(errors.length, `${name}: ${answer?.status} ${errors[0]?.message}`).to.equal(fails ? 1 : 0)
        if (!fails) continue
        expect(errors[0], name).to.be.an.instanceOf(TypeError)
        expect(errors[0]!.message, name).to.match(new RegExp(`\\b${label}\\b`))
        expect(answer!.status, name).to.equal(500)
        expect(answer!.body.toString(), name).to.equal('The app answers.')
        expect(bytes.toString('latin1'), name).not.to.include('Injected')
      }
    })
  }
})

describe('No value that an app declares does', () => {
  cases(
    'A value that is refused is refused when it is declared',
    declarations,
    ({ what }) => `${what}: what is refused is refused when it is declared`,
    ({ fate, make }) => {
      for (const [name, text] of Object.entries(texts)) {
        if (isRefused(fate, text)) expect(() => make(text), name).to.throw(TypeError)
        else make(text)
      }
    },
  )

  it('Every callback is in the table', () => {
    expect(Object.keys(answered).sort()).to.deep.equal(Object.keys(callbacks).sort())
    // those that answer with a text at all are more than refused
    const boolean = Object.entries(callbacks).filter(([, { fallback }]) => typeof fallback === 'boolean')
    const refused = Object.entries(answered).filter(([, all]) => all.every(({ fate }) => fate === 'refused'))
    expect(refused.map(([name]) => name).sort()).to.deep.equal(
      [
        ...boolean.map(([name]) => name).filter((name) => !/^(?:moved|isAuth|deleteResource)/.test(name)),
        'encodingsProvided',
        'lastModified',
        'rangesProvided',
      ].sort(),
    )
  })
})

describe('A Last-Event-ID is echoed as JSON alone', () => {
  staysClean()
  const served = changingSite()
  const formats = [
    sse(),
    ndjson({ envelope: true }),
    jsonSeq({ envelope: true }),
    jsonArray({ envelope: true }),
  ]

  cases(
    'Its text is echoed as JSON, whatever it contains',
    Object.entries(texts),
    ([name]) => `With ${name} in it`,
    async ([, text]) => {
      for (const format of formats) {
        const hub = createHub()
        const channel = hub.channel('a', { history: 10 })
        await channel.publish('event one')
        served.use(loop({ format, subscribe: channel, stream: { maxDuration: 1 } }))
        const asked = { url: `/?lastEventId=${encodeURIComponent(wellFormed(text))}` }
        const bytes = Buffer.from(await served.site.exchange(bytesOf(asked)), 'latin1')
        const [answer, ...more] = readAnswers(bytes, [{ method: 'GET', version: '1.1' }])
        expect(more).to.deep.equal([])
        expect(answer!.all('last-event-id')).to.deep.equal(['earliest'])
        expect(answer!.all('event-gap')).to.deep.equal(['unknown'])
        expect(answer!.all('x-injected')).to.deep.equal([])
        const body = answer!.body.toString()
        const [first, ...others] =
          format === formats[0]
            ? eventsOf(body).map(({ event, data }) => (event === 'gap' ? JSON.parse(data) : data))
            : body
                .split(/[\n\x1e[\],]{1,2}(?=\{|$)/)
                .filter((record) => record.trim() !== '')
                .map((record) => JSON.parse(record))
        expect(first).to.deep.include({ reason: 'unknown' })
        expect(first.requested).to.equal(wellFormed(text))
        expect(others).to.have.length(1)
      }
    },
  )
})
