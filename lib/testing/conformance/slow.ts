// Rules about a client that does not read: what becomes of it, and of the others.
import { demand, leaveOut } from './breach.js'
import type { Rule } from './rules.js'
import type { Overflow } from './subject.js'
import { isWithin, type Trial } from './trial.js'
import type { Visit } from './visit.js'

/** More than the kernel takes for a client that does not read, and than anybody should keep for it. */
const bursts = 16
const [count, size] = [16, 65_536]

interface Course {
  /** It reads all the time. */
  readonly fast: Visit
  /** It has read nothing since it was opened. */
  readonly slow: Visit
}

/** Has more published than a client that does not read can be sent. */
async function flood(trial: Trial, take: (course: Course) => Promise<void>): Promise<Course> {
  if (typeof trial.subject.publish !== 'function') leaveOut('events come at a pace of their own')
  const [format = ''] = await trial.recorded()
  const fast = await trial.open({ accept: format })
  const slow = await trial.open({ accept: format })
  slow.pause()
  const before = fast.bytes
  for (let burst = 0; burst < bursts; burst++) {
    const publishing = trial.publish(count, size)
    // where the others are slowed, it may be late
    publishing.catch(() => {})
    await take({ fast, slow })
    await publishing
    if (fast.bytes - before < (count * size) / 2)
      leaveOut('publish(count, size) makes no events of that size')
  }
  return { fast, slow }
}

const came = (fast: Visit, number: number) => () => fast.events.length >= number || fast.isWhole !== undefined

/** What the slow client got of what the fast one got, which is all. */
interface Share {
  readonly policy: Overflow | undefined
  readonly isCut: boolean
  readonly missing: number
  /** Whether the last event that was published while it did not read is among what it got. */
  readonly hasLast: boolean
}

/** What each policy looks like from outside. */
const policies: Readonly<Record<Overflow | 'any', { expected: string; fits(share: Share): boolean }>> = {
  close: { expected: 'a cut', fits: ({ isCut }) => isCut },
  dropOldest: {
    expected: 'the newest events, without older ones',
    fits: ({ isCut, missing, hasLast }) => !isCut && missing > 0 && hasLast,
  },
  dropNewest: {
    expected: 'the oldest events, without newer ones',
    fits: ({ isCut, missing, hasLast }) => !isCut && missing > 0 && !hasLast,
  },
  conflate: {
    expected: 'the newest event of each key, without older ones',
    fits: ({ isCut, missing, hasLast }) => !isCut && missing > 0 && hasLast,
  },
  wait: { expected: 'all events', fits: ({ isCut, missing }) => !isCut && missing === 0 },
  any: {
    expected: 'a cut, or events that are dropped: nobody keeps all that a client does not read',
    fits: ({ isCut, missing }) => isCut || missing > 0,
  },
}

export const slow = {
  'A client that does not read gets the declared policy (docs/guide/slow-clients.md)': {
    needs: ['publish'],
    async try(trial, rule) {
      let seen = 0
      const { fast, slow } = await flood(trial, async ({ fast }) => {
        seen += count
        if (!(await trial.comes(came(fast, seen)))) leaveOut('the others are slowed')
      })
      const last = trial.keysOf(fast).at(-1) ?? ''
      slow.resume()
      // what is published now is the end of what it has to read
      for (let more = 0; more < 50 && slow.isWhole === undefined; more++) {
        await trial.emit(1, fast)
        if (await trial.comes(() => slow.isWhole !== undefined || isLevel(trial, slow, fast))) break
      }
      const { overflow: policy } = trial.subject
      const got = trial.keysOf(slow)
      const all = trial.keysOf(fast)
      const share = {
        policy,
        isCut: slow.isWhole === false,
        missing: all.length - got.length,
        hasLast: got.includes(last),
      }
      const { expected, fits } = policies[policy ?? 'any']
      demand(fits(share), () => ({ rule, came: share, expected }))
      demand(isWithin(got, all), () => ({ rule, came: 'another order', expected: 'the order of the others' }))
      const told = slow.notices('dropped').reduce((sum, { data }) => sum + Number(Object(data).count), 0)
      // hand-written streams may keep it to themselves, and so may formats without notices
      const mayHide = !trial.isOurs || slow.mediaType !== 'text/event-stream'
      if (!share.isCut && !(mayHide && told === 0))
        demand(told === share.missing, () => ({
          rule,
          came: `${told} are said to be dropped`,
          expected: share.missing,
        }))
      if (share.isCut) await trial.unsubscribed(rule, trial.before + 1)
    },
  },

  'A client that does not read does not slow the others (docs/guide/slow-clients.md)': {
    needs: ['publish'],
    async try(trial, rule) {
      let seen = 0
      await flood(trial, async ({ fast }) => {
        seen += count
        await trial.until(came(fast, seen), () => ({
          rule,
          came: `${fast.events.length} events within ${trial.within} ms`,
          expected: seen,
        }))
      })
    },
  },
} satisfies Record<string, Rule>

/** Whether the slow client has got what the fast one got last. */
function isLevel(trial: Trial, slow: Visit, fast: Visit): boolean {
  const [one, other] = [slow.events.at(-1), fast.events.at(-1)]
  return one !== undefined && other !== undefined && trial.keyOf(one) === trial.keyOf(other)
}
