// Rules about single requests: methods, negotiation, fields, old clients and hostile ones.
import { demand, leaveOut } from './breach.js'
import type { Rule } from './rules.js'
import { offeredBy } from './trial.js'
import { hasRecords, type Visit } from './visit.js'

/** Fields that are about one connection, one framing or one moment, or that only the content decides (RFC 9110 9.3.2). */
const momentary =
  /^(?:connection|keep-alive|date|transfer-encoding|content-length|last-event-id|event-gap|trailer)$/

const listed = (field = '') =>
  field
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

export const requests = {
  'HEAD ends, with the status and the fields of GET, and subscribes nobody (RFC 9110 9.3.2)': {
    async try(trial, rule) {
      if (trial.method !== 'GET') leaveOut(`the stream is the answer to ${trial.method}`)
      const [one, other] = [await trial.open(), await trial.open()]
      const subscribed = trial.subject.subscribers?.()
      const head = await trial.whole(await trial.ask({ method: 'HEAD' }))
      demand(head.status === one.status, () => ({ rule, came: head.status, expected: one.status }))
      for (const [name, value] of Object.entries(one.headers)) {
        // what differs from one GET to another is none of the resource
        if (momentary.test(name) || other.headers[name] !== value) continue
        demand(head.headers[name] === value, () => ({
          rule,
          came: `${name}: ${head.headers[name] ?? '(missing)'}`,
          expected: `${name}: ${value}`,
        }))
      }
      if (subscribed !== undefined) await trial.unsubscribed(rule, subscribed)
    },
  },

  'OPTIONS ends, and says what is allowed (RFC 9110 9.3.7)': {
    async try(trial, rule) {
      const answer = await trial.whole(await trial.ask({ method: 'OPTIONS' }))
      if (!trial.isOurs && answer.status >= 400 && answer.status !== 405) return
      // a middleware for CORS may answer in its own way
      const { allow, 'access-control-allow-methods': allowed = allow } = answer.headers
      demand(listed(allow ?? allowed).includes(trial.method), () => ({
        rule,
        came: `${answer.status}, Allow: ${answer.headers.allow ?? '(missing)'}`,
        expected: `an Allow with ${trial.method}`,
      }))
    },
  },

  'A method that is not allowed is refused, with those that are (RFC 9110 15.5.6)': {
    async try(trial, rule) {
      const allowed = listed((await trial.whole(await trial.ask({ method: 'OPTIONS' }))).headers.allow)
      const method = ['PATCH', 'PUT', 'DELETE', 'POST'].find(
        (each) => each !== trial.method && !allowed.includes(each),
      )
      if (method === undefined) leaveOut('all methods are allowed')
      const { status, headers } = await trial.whole(await trial.ask({ method }))
      const isRefused = status === 405 || (!trial.isOurs && (status === 404 || status === 501))
      demand(isRefused, () => ({ rule, came: `${status} for ${method}`, expected: '405' }))
      if (status !== 405) return
      demand(listed(headers.allow).includes(trial.method), () => ({
        rule,
        came: `405, Allow: ${headers.allow ?? '(missing)'}`,
        expected: `an Allow with ${trial.method}`,
      }))
    },
  },

  'An Accept that nothing fits is a 406 that lists what is offered, and varies by Accept (RFC 9110 15.5.7, 12.5.5)':
    {
      isOurs: true,
      async try(trial, rule) {
        if (!trial.negotiates) leaveOut('the route does not negotiate')
        const refusal = await trial.refused()
        demand(refusal.status === 406, () => ({ rule, came: refusal.status, expected: 406 }))
        const offered = offeredBy(refusal)
        const { formats = offered } = trial.subject
        demand(offered.length > 0 && formats.every((format) => offered.includes(format)), () => ({
          rule,
          came: refusal.body,
          expected: formats.length > 0 ? `a list with ${formats.join(', ')}` : 'a list of media types',
        }))
        const stream = await trial.ask()
        for (const { status, headers } of [refusal, stream])
          demand(
            listed(headers.vary?.toLowerCase()).some((name) => name === 'accept' || name === '*'),
            () => ({
              rule,
              came: `${status}, Vary: ${headers.vary ?? '(missing)'}`,
              expected: 'Vary: Accept',
            }),
          )
      },
    },

  'Each format is sent with its Content-Type, and can be read (RFC 9110 8.3)': {
    async try(trial, rule) {
      for (const format of await trial.formats()) {
        const visit = await trial.open(trial.accepting(format))
        demand(visit.mediaType === format, () => ({
          rule,
          came: visit.headers['content-type'] ?? 'no Content-Type',
          expected: format,
        }))
        await trial.unlessMute(async () => {
          const count = hasRecords(format) ? visit.events.length + 2 : 0
          const size = hasRecords(format) ? 0 : visit.bytes + 1
          await trial.publish(2)
          await trial.until(
            () => isReadTo(visit, count, size),
            () => ({ rule, came: `${visit.events.length} events of ${format}`, expected: `${count}` }),
          )
        })
        readable(visit, rule)
        visit.leave()
      }
    },
  },

  'No field is about the connection, and there is one framing (RFC 9110 7.6.1, RFC 9112 6.3)': {
    async try(trial, rule) {
      // Node writes `Connection: keep-alive` by itself, but not to a client that is to close
      for (const method of trial.method === 'GET' ? ['GET', 'HEAD'] : [trial.method]) {
        const asked = { headers: { Connection: 'close' }, ...(method !== trial.method && { method }) }
        const visit = trial.send(asked)
        if (!(await trial.comes(() => visit.status > 0))) continue
        const { headers } = visit
        demand(/^(?:close)?$/i.test(headers.connection ?? ''), () => ({
          rule,
          came: `Connection: ${headers.connection} for a ${method} with Connection: close`,
          expected: 'none of its own: HTTP/2 forbids it (RFC 9113 8.2.2)',
        }))
        const framings = ['transfer-encoding', 'content-length'].filter((name) => name in headers)
        demand(framings.length < 2, () => ({
          rule,
          came: framings.map((name) => `${name}: ${headers[name]}`).join(', '),
          expected: 'one of them',
        }))
      }
    },
  },

  'Nothing between stores, transforms or holds back a stream (RFC 9111 5.2.2.5, 5.2.2.6)': {
    isOurs: true,
    async try(trial, rule) {
      const { headers } = await trial.open()
      for (const directive of ['no-store', 'no-transform'])
        demand(listed(headers['cache-control']).includes(directive), () => ({
          rule,
          came: `Cache-Control: ${headers['cache-control'] ?? '(missing)'}`,
          expected: directive,
        }))
    },
  },

  'A client of HTTP/1.0 gets the same events, without chunks (RFC 9112 6.1)': {
    async try(trial, rule) {
      const old = await trial.open({ version: '1.0' })
      const { 'transfer-encoding': coding } = old.headers
      demand(coding === undefined, () => ({
        rule,
        came: `Transfer-Encoding: ${coding}`,
        expected: 'a body that ends with the connection',
      }))
      const now = await trial.open()
      if (!hasRecords(old.mediaType) || typeof trial.subject.publish !== 'function') return
      await trial.emit(2, now)
      const expected = trial.keysOf(now)
      await trial.until(
        () => expected.every((key) => trial.keysOf(old).includes(key)),
        () => ({ rule, came: trial.keysOf(old), expected }),
      )
    },
  },

  'A hostile Last-Event-ID is answered, and harms nobody (RFC 9110 5.5)': {
    async try(trial, rule) {
      const answered = async (ask: { path?: string; lastEventId?: string }) => {
        const visit = await trial.ask(ask)
        // a connection that is closed without a word has an answer, too: its request was none
        demand(visit.status < 500, () => ({
          rule,
          came: `${visit.status} for ${JSON.stringify(ask).slice(0, 80)}`,
          expected: 'a stream, or a refusal of 400 to 499',
        }))
        visit.leave()
      }
      for (const id of hostile) {
        await answered({
          lastEventId: Buffer.from(id)
            .toString('latin1')
            .replace(/[\r\n]/g, ''),
        })
        const { path } = trial.subject
        await answered({
          path: `${path}${path.includes('?') ? '&' : '?'}lastEventId=${encodeURIComponent(id)}`,
        })
      }
      await trial.unlessMute(async () => {
        const visit = await trial.open()
        if (hasRecords(visit.mediaType)) await trial.emit(1, visit)
      })
    },
  },
} satisfies Record<string, Rule>

const hostile = [
  'x'.repeat(10_000),
  '9'.repeat(400),
  'a\0b',
  'a\r\nSet-Cookie: b',
  'идентификатор',
  '標識符 🪢',
  '\ufffe-1',
  '-1',
  '../../etc/passwd',
  '{"$gt":""}',
  '__proto__',
  '%00%0d%0a',
]

function isReadTo({ events, bytes, isWhole, fault }: Visit, count: number, size: number): boolean {
  return (events.length >= count && bytes >= size) || isWhole !== undefined || fault !== undefined
}

function readable({ fault, mediaType }: Visit, rule: string): void {
  demand(fault === undefined, () => ({
    rule,
    came: fault?.message,
    expected: `what ${mediaType} says`,
  }))
}
