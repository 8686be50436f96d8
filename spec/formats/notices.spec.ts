import { expect } from 'chai'
import type { Format, FormatOptions, Notice } from '../../lib/formats/format.js'
import {
  csv,
  event,
  jsonArray,
  jsonSeq,
  type LoopContext,
  loop,
  multipart,
  ndjson,
  sse,
  text,
} from '../../lib/index.js'
import { stage, staged, turns } from '../support/stage.js'
import { asText } from './written.js'

type Choose = FormatOptions['notice']
const formats: Record<string, (options: FormatOptions) => Format> = {
  sse,
  ndjson,
  'ndjson in envelopes': (options) => ndjson({ envelope: true, ...options }),
  jsonSeq,
  jsonArray,
  csv: (options) => csv({ columns: ['a', 'b'], ...options }),
  text,
  multipart: (options) => multipart('text/x-a', options),
  'multipart of JSON': (options) => multipart('application/json', options),
}

const noticed = (format: Format, kind: Notice, details = {}) =>
  asText(format.notice?.(kind, details) ?? '').replace(/\r\n--[\w-]+$/, '')

describe('A notice by choice', () => {
  const [string, object] = ['[DONE]', event({ why: 'over' }, { type: 'bye', id: '1' })]
  const expected: Record<keyof typeof formats, [string: string, event: string]> = {
    sse: ['data: [DONE]\n\n', 'event: bye\nid: 1\ndata: {"why":"over"}\n\n'],
    ndjson: ['"[DONE]"\n', '{"why":"over"}\n'],
    'ndjson in envelopes': ['{"data":"[DONE]"}\n', '{"id":"1","type":"bye","data":{"why":"over"}}\n'],
    jsonSeq: ['\x1e"[DONE]"\n', '\x1e{"why":"over"}\n'],
    jsonArray: ['"[DONE]"', '{"why":"over"}'],
    csv: ['[DONE]\r\n', ',\r\n'],
    text: ['[DONE]', ''],
    multipart: ['\r\nContent-Type: text/x-a\r\n\r\n[DONE]', ''],
    'multipart of JSON': [
      '\r\nContent-Type: application/json\r\n\r\n"[DONE]"',
      '\r\nContent-Type: application/json\r\n\r\n{"why":"over"}',
    ],
  }

  for (const [name, make] of Object.entries(formats)) {
    const [asString, asEvent] = expected[name]!
    const of = (notice: NonNullable<Choose>, options: FormatOptions = {}) => make({ ...options, notice })

    it(`is data in ${name}: a string as it writes strings, or an event`, () => {
      expect(
        noticed(
          of(() => string),
          'end',
        ),
      ).to.equal(asString)
      // text and bytes cannot say an object: the stream goes on without, and a warning tells why
      if (asEvent === '')
        expect(() =>
          noticed(
            of(() => object),
            'end',
          ),
        ).to.throw(TypeError)
      else
        expect(
          noticed(
            of(() => object),
            'end',
          ),
        ).to.equal(asEvent)
    })

    it(`leaves a string alone in ${name}, and gives an event to serialize`, () => {
      const serialize = (data: unknown) => `<${String(data)}>`
      expect(
        noticed(
          of(() => string, { serialize }),
          'end',
        ),
      ).to.equal(asString)
      expect(
        noticed(
          of(() => event('x'), { serialize }),
          'end',
        ),
      ).to.include('<x>')
    })

    it(`is asked in ${name} for each kind, with what there is to tell; undefined is nothing`, () => {
      const asked: unknown[] = []
      const format = of((...given) => void asked.push(given))
      const kinds = ['gap', 'position', 'dropped', 'end', 'reconnect', 'error'] as const
      for (const kind of kinds) expect(noticed(format, kind, { reason: kind })).to.equal('')
      expect(asked).to.deep.equal(kinds.map((kind) => [kind, { reason: kind }]))
    })

    it(`says what it expected in ${name}`, () => {
      for (const answer of [null, 1, {}, Promise.resolve('a'), Buffer.from('a')]) {
        expect(() =>
          noticed(
            of(() => answer as never),
            'gap',
          ),
        )
          .to.throw(TypeError, /notice.*returned.*'gap': expected an event\(\), a string, or undefined/)
          .that.includes({ code: 'LARIAT_DATA' })
      }
      expect(() => make({ notice: '[DONE]' as never })).to.throw(TypeError, /notice.*expected a function/)
    })
  }
})

describe('A notice by choice, on the wire', () => {
  staged()

  async function held(format: Format, stream = {}) {
    let context!: LoopContext<undefined>
    const subscribe = (given: LoopContext<undefined>) => {
      context = given
    }
    const site = await stage.now.serve(
      loop({ format, subscribe, stream: { endEvent: true, errorEvent: true, ...stream } }),
    )
    const client = site.get()
    await client.head()
    return { client, context }
  }

  const bye: Choose = (kind, { reason }) => (kind === 'end' ? `bye, ${reason}` : undefined)

  it('ends as OpenAI streams do: data: [DONE]', async () => {
    const done: Choose = (kind) => (kind === 'end' ? '[DONE]' : undefined)
    const site = await stage.now.serve(
      loop({ format: sse({ notice: done }), subscribe: () => [{ token: 'a' }], stream: { endEvent: true } }),
    )
    expect((await site.get().whole()).body).to.equal(':\ndata: {"token":"a"}\n\ndata: [DONE]\n\n')
  })

  it('fails as OpenAI streams do: with the error, which is in the details for those who name it', async () => {
    const failure = Object.assign(new Error('The rope broke'), { code: 'rope', secret: 'x' })
    async function* breaking() {
      yield { token: 'a' }
      throw failure
    }
    const seen: unknown[] = []
    const says: readonly [NonNullable<Choose>, string][] = [
      [
        (_kind, { error }) => event({ error: { message: (error as Error).message } }),
        'data: {"error":{"message":"The rope broke"}}',
      ],
      [
        (kind, details) => {
          seen.push(details.error)
          return event(details, { type: kind })
        },
        'event: error\ndata: {}',
      ],
    ]
    for (const [notice, body] of says) {
      const site = await stage.now.serve(
        loop({ format: sse({ notice }), subscribe: breaking, stream: { errorEvent: true }, terminate() {} }),
      )
      const closed = await site.get().closed()
      expect(closed).to.include({ body: `:\ndata: {"token":"a"}\n\n${body}\n\n`, isWhole: false })
    }
    expect(seen).to.deep.equal([failure])
  })

  it('is an element of an array, a record, a part, a text, before the tail', async () => {
    for (const [format, body] of [
      [jsonArray({ notice: bye }), '[1,"bye, end"]'],
      [jsonSeq({ notice: bye }), '\x1e1\n\x1e"bye, end"\n'],
      [text({ notice: bye }), '1bye, end'],
      [csv({ columns: ['a'], notice: bye, serialize: String }), 'a\r\n1\r\n"bye, end"\r\n'],
    ] as const) {
      const site = await stage.now.serve(loop({ format, subscribe: () => [1], stream: { endEvent: true } }))
      expect((await site.get().whole()).body).to.equal(body)
    }
  })

  it('that fails is left out, and a warning says so', async () => {
    const { client, context } = await held(
      sse({
        notice: () => {
          throw new Error('no words')
        },
      }),
    )
    context.write('a')
    context.stream.close()
    expect((await client.whole()).body).to.equal(':\ndata: a\n\n')
    expect((await stage.now.warning()).message).to.include('no words')
    await turns()
  })
})
