// Rules about what becomes of streams: who gets what, who leaves, what fails, and what is left.
import { demand, leaveOut } from './breach.js'
import type { Rule } from './rules.js'
import type { Trial } from './trial.js'
import type { Visit } from './visit.js'

const leaving = ['leave', 'reset', 'halfClose'] as const

/** Formats that have heartbeats. */
const beating = /^text\/event-stream$|json/

export const endings = {
  'Two clients get the same events, in one order': {
    needs: ['publish'],
    async try(trial, rule) {
      if (trial.subject.publish === 'by itself') leaveOut('each client may have a source of its own')
      const [format = ''] = await trial.recorded()
      const [one, other] = [await trial.open({ accept: format }), await trial.open({ accept: format })]
      await trial.emit(5, one, other)
      const [ofOne, ofOther] = [last(5, trial, one), last(5, trial, other)]
      if (trial.subject.isOrdered === false) for (const keys of [ofOne, ofOther]) keys.sort()
      demand(ofOne.join() === ofOther.join(), () => ({ rule, came: ofOther, expected: ofOne }))
      demand(new Set(ofOne).size === 5, () => ({ rule, came: ofOne, expected: 'no two events alike' }))
    },
  },

  'A client that leaves is unsubscribed, once, however it leaves (docs/guide/loop.md)': {
    needs: ['subscribers'],
    async try(trial, rule) {
      for (const how of leaving) {
        const [staying, going] = [await trial.open(), await trial.open()]
        going[how]()
        const counts = `${rule}: after ${how}()`
        await trial.unsubscribed(counts, trial.before + 1)
        staying.leave()
        await trial.unsubscribed(counts)
        // a second unsubscribe, of one that has left before, would be too much for who comes now
        const next = await trial.open()
        await trial.unsubscribed(counts, trial.before + 1)
        next.leave()
        await trial.unsubscribed(counts)
      }
    },
  },

  'A source that fails cuts its streams: in no format do they end whole (RFC 9112 8)': {
    needs: ['fail'],
    async try(trial, rule) {
      const visits: Visit[] = []
      for (const format of await trial.formats()) visits.push(await trial.open(trial.accepting(format)))
      await trial.subject.fail?.()
      for (const visit of visits) {
        await trial.until(
          () => visit.isWhole !== undefined,
          () => ({ rule, came: `a stream of ${visit.mediaType} that stays open`, expected: 'a cut' }),
        )
        demand(visit.isWhole === false, () => ({
          rule,
          came: `a complete end of ${visit.mediaType}`,
          expected: 'a connection that is lost before the end of the body',
        }))
      }
    },
  },

  'A hundred streams that are opened and left leave nothing': {
    async try(trial, rule) {
      const one = await trial.open()
      const { mediaType } = one
      one.leave()
      const { subscribers } = trial.subject
      if (subscribers && !(await trial.comes(() => subscribers() === trial.before)))
        leaveOut('not even one that leaves is unsubscribed')
      const visits = Array.from({ length: 100 }, () => trial.send(trial.accepting(mediaType)))
      // half of them leave before they are answered
      for (const visit of visits.slice(0, 50)) {
        await trial.comes(() => visit.isSent)
        visit.leave()
      }
      for (const visit of visits.slice(50)) {
        await trial.until(
          () => visit.status > 0 || visit.isWhole !== undefined,
          () => ({ rule, came: 'a request that is not answered', expected: 'a stream, or a refusal' }),
        )
      }
      for (const [at, visit] of visits.slice(50).entries()) visit[leaving[at % 3] ?? 'leave']()
      await trial.unsubscribed(rule)
    },
  },

  'A heartbeat comes when nothing else does, and is no event (WHATWG HTML 9.2.7)': {
    isOurs: true,
    async try(trial, rule) {
      const { at, heartbeat = 15_000, publish } = trial.subject
      if (heartbeat === false) leaveOut('the route has no heartbeats')
      if (!at.clock) leaveOut('there is no clock to turn')
      if (publish === 'by itself') leaveOut('something else comes')
      const formats = (await trial.formats()).filter((format) => beating.test(format))
      for (const format of formats) {
        const visit = await trial.open(trial.accepting(format))
        await trial.still()
        if (visit.isWhole !== undefined) continue
        const { bytes, events } = visit
        await at.clock.advance(heartbeat)
        await trial.until(
          () => visit.bytes > bytes,
          () => ({ rule, came: `nothing in ${heartbeat} ms of ${format}`, expected: 'a heartbeat' }),
        )
        demand(visit.events.length === events.length && visit.fault === undefined, () => ({
          rule,
          came: visit.fault?.message ?? visit.events.slice(events.length),
          expected: 'no event',
        }))
        visit.leave()
      }
    },
  },
} satisfies Record<string, Rule>

function last(count: number, trial: Trial, visit: Visit): string[] {
  return trial.keysOf(visit).slice(-count)
}
