import { AssertionError } from 'node:assert'
import { expect } from 'chai'
import cors from 'cors'
import express, { type RequestHandler } from 'express'
import { type CaseName, type ConformsOptions, conforms, type Subject } from '../../lib/testing.js'
import { some } from '../support/runs.js'
import { byHand, type Fault, spoilt } from './faulty.js'
import { channelled, kinds } from './routes.js'

/** Cases of a second each, which need not be tried on everything. */
const isLong = (name: string) => /^A (?:client that does not read|hundred streams)/.test(name)

/**
 * The names of the cases that a route fails. Long ones are tried if they are among those that it should fail, and of the
 * others all in full.
 */
async function failed(
  open: () => Promise<Subject>,
  options: ConformsOptions,
  expected?: readonly string[],
): Promise<string[]> {
  const names: string[] = []
  const all = [...conforms(open, { within: 300, ...options })]
  const tried = new Set(expected ? some(all).filter(({ name }) => !isLong(name)) : all)
  for (const each of all) {
    const { name, run } = each
    if (!tried.has(each) && !expected?.includes(name)) continue
    await run().catch((error) => {
      expect(error, String(error.stack)).to.be.instanceOf(AssertionError)
      names.push(name)
    })
  }
  return names
}

/** The kinds on which the long cases are tried: what is pushed, and what is pulled. */
const isTried = /history|Node stream/

describe('conforms', () => {
  for (const [kind, open] of Object.entries(kinds))
    describe(`is kept by ${kind}`, () => {
      for (const { name, run } of conforms(open)) if (!isLong(name) || isTried.test(kind)) it(name, run)
    })

  describe('the policies for slow clients', () => {
    for (const overflow of ['close', 'dropOldest', 'dropNewest', 'conflate'] as const) {
      const policy = overflow === 'conflate' ? { conflate: (data: unknown) => Object(data).key } : overflow
      const open = () => channelled({ stream: { overflow: policy } }, { overflow })
      const [one] = conforms(open).filter(({ name }) => isLong(name) && !/hundred/.test(name))
      it(`${overflow} is told from others`, async () => {
        await one!.run()
        // what a client sees of conflate is what it sees of dropOldest
        if (overflow === 'conflate') return
        const other = overflow === 'dropOldest' ? 'dropNewest' : 'dropOldest'
        const [wrong] = conforms(() =>
          channelled({ stream: { overflow: policy } }, { overflow: other }),
        ).filter(({ name }) => isLong(name) && !/hundred/.test(name))
        expect(await wrong!.run().catch((error) => error)).to.be.instanceOf(AssertionError)
      })
    }
  })

  describe('of routes that are written by hand, with what HTTP demands', () => {
    it('one that keeps all rules passes', async () => {
      expect(await failed(() => byHand(), { only: 'http', within: 5000 })).to.deep.equal([])
    })

    const faults: Readonly<Record<Fault, readonly CaseName[]>> = {
      'never unsubscribes': [
        'A client that leaves is unsubscribed, once, however it leaves (docs/guide/loop.md)',
      ],
      'unsubscribes twice': [
        'A client that leaves is unsubscribed, once, however it leaves (docs/guide/loop.md)',
      ],
      'ends a failed source whole': [
        'A source that fails cuts its streams: in no format do they end whole (RFC 9112 8)',
      ],
      'leaves a failed source open': [
        'A source that fails cuts its streams: in no format do they end whole (RFC 9112 8)',
      ],
      'ignores Last-Event-ID': [
        'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)',
      ],
      'doubles an event': [
        'A client that comes back with its last id gets nothing twice (WHATWG HTML 9.2.4)',
      ],
      'replays in another order': [
        'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)',
      ],
      'forgets what comes during a replay': [
        'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)',
      ],
      'ends behind a replay': [
        'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)',
      ],
      'keeps HEAD open': [
        'HEAD ends, with the status and the fields of GET, and subscribes nobody (RFC 9110 9.3.2)',
      ],
      'sends Connection: keep-alive': [
        'No field is about the connection, and there is one framing (RFC 9110 7.6.1, RFC 9112 6.3)',
      ],
      'buffers without bound': [
        'A client that does not read gets the declared policy (docs/guide/slow-clients.md)',
      ],
      'waits for its slowest client': [
        'A client that does not read does not slow the others (docs/guide/slow-clients.md)',
      ],
      'turns the order round': ['Two clients get the same events, in one order'],
      'fails at an odd id': ['A hostile Last-Event-ID is answered, and harms nobody (RFC 9110 5.5)'],
      'sends what is no JSON': ['Each format is sent with its Content-Type, and can be read (RFC 9110 8.3)'],
      'subscribes those that have left': ['A hundred streams that are opened and left leave nothing'],
      'streams to any method': [
        'OPTIONS ends, and says what is allowed (RFC 9110 9.3.7)',
        'A method that is not allowed is refused, with those that are (RFC 9110 15.5.6)',
      ],
    }
    for (const [fault, names] of Object.entries(faults) as [Fault, CaseName[]][])
      it(`one that ${fault} fails by that`, async () => {
        expect(await failed(() => byHand(fault), { only: 'http' }, names)).to.deep.equal(names)
      })
  })

  describe('of endpoints', () => {
    const names: Readonly<Record<keyof typeof spoilt, readonly CaseName[]>> = {
      'without a Vary': [
        'An Accept that nothing fits is a 406 that lists what is offered, and varies by Accept (RFC 9110 15.5.7, 12.5.5)',
      ],
      'with an OPTIONS that does not say what is allowed': [
        'OPTIONS ends, and says what is allowed (RFC 9110 9.3.7)',
      ],
      'with a 405 that does not say what is allowed': [
        'A method that is not allowed is refused, with those that are (RFC 9110 15.5.6)',
      ],
      'with fields that HEAD has not': [
        'HEAD ends, with the status and the fields of GET, and subscribes nobody (RFC 9110 9.3.2)',
      ],
      'that may be stored': [
        'Nothing between stores, transforms or holds back a stream (RFC 9111 5.2.2.5, 5.2.2.6)',
      ],
      'without heartbeats': ['A heartbeat comes when nothing else does, and is no event (WHATWG HTML 9.2.7)'],
      'that retains less than is said': [
        'An id that is too old is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)',
      ],
      'that tells a gap behind events': [
        'An id that is unknown is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)',
        'An id that is too old is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)',
      ],
      'that tells no gap in its head': [
        'An id that is unknown is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)',
        'An id that is too old is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)',
      ],
    }
    for (const [fault, open] of Object.entries(spoilt) as [keyof typeof spoilt, () => Promise<Subject>][])
      it(`one ${fault} fails by that`, async () => {
        expect(await failed(open, {}, names[fault])).to.deep.equal(names[fault])
      })
  })

  it('OPTIONS may be answered by a middleware for CORS', async () => {
    const open = () => channelled({}, {}, (endpoint) => express().use(cors(), endpoint as RequestHandler))
    const options = conforms(open).find(({ name }) => name.startsWith('OPTIONS'))
    await options!.run()
  })

  it('A failure says the rule, what came, and what was expected', async () => {
    const [head] = conforms(() => byHand('keeps HEAD open'), { only: 'http', within: 100 })
    const error = await head!.run().catch((error) => error)
    expect(error.message).to.match(
      /^HEAD .* has to be answered\n {2}came: no head within 100 ms\n {2}expected: a head$/,
    )
  })

  it('A case that is skipped does not run, and tells why; one that there is none of is a TypeError', async () => {
    const name: CaseName = 'OPTIONS ends, and says what is allowed (RFC 9110 9.3.7)'
    let isOpen = false
    const open = () => {
      isOpen = true
      return byHand()
    }
    const cases = conforms(open, { skip: { [name]: 'the proxy answers it' } })
    const told: unknown[] = []
    const context = { skip: (reason: unknown) => told.push(reason) }
    const reason = await cases.find((each) => each.name === name)!.run(context)
    expect([reason, ...told, isOpen]).to.deep.equal(['the proxy answers it', 'the proxy answers it', false])
    expect(() => conforms(open, { skip: { OPTIONS: 'no' } as never })).to.throw(TypeError, 'there is no case')
    expect(() => conforms(open, { onyl: 'http' } as never)).to.throw(TypeError, 'unknown option onyl')
  })
})
