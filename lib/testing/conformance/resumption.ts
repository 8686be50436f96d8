// Rules about clients that come back: nothing is missed, nothing comes twice, and what is lost is told.

import type { StreamEvent } from '../reading.js'
import { demand, leaveOut } from './breach.js'
import type { Rule } from './rules.js'
import { isWithin, type Trial } from './trial.js'
import type { Visit } from './visit.js'

/** The place that a stream tells, of which there may be no event yet. */
const placeOf = (visit: Visit) => visit.place ?? visit.headers['last-event-id']

const isGap = (visit: Visit) => visit.headers['event-gap'] !== undefined || visit.notices('gap').length > 0

/** Has some events emitted, and hands over the streams of each format that has ids. */
async function each(trial: Trial, go: (reference: Visit) => Promise<void>): Promise<void> {
  if (trial.subject.resumes === false) leaveOut('the route does not resume')
  let isAny = false
  for (const format of await trial.recorded()) {
    const reference = await trial.open(trial.accepting(format))
    await trial.emit(3, reference)
    const hasIds = reference.events.some(({ id }) => id !== undefined)
    const tells = trial.isOurs ? saysPlace(reference) : hasIds
    if (hasIds && (trial.subject.resumes ?? tells)) {
      isAny = true
      await go(reference)
    }
    reference.leave()
  }
  if (isAny) return
  demand(trial.subject.resumes !== true, () => ({
    rule: 'A route that resumes has a format with ids',
    came: 'no ids',
    expected: 'events with ids',
  }))
  leaveOut('the route tells no place to come back to')
}

/** Whether a stream has said where it begins. */
function saysPlace(visit: Visit): boolean {
  return visit.headers['last-event-id'] !== undefined || visit.notices('position').length > 0
}

/** Those of some that are not among others. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others)
  return some.filter((each) => !known.has(each))
}

interface Return {
  /** Of what was to come. */
  readonly missing: string[]
  readonly twice: readonly string[]
  /** It came in another order. */
  readonly isMixed: boolean
}

/** Milliseconds between the events that are published while a client comes back. */
const pauses = [1, 4, 16]

/**
 * Comes back with an id, and tells what came of what was to come. More is published all the while: before the request is
 * there, until it is answered, when its head is out, and once it is live.
 */
async function comeBack(trial: Trial, reference: Visit, lastEventId: string, after: number): Promise<Return> {
  const visit = trial.send({ ...trial.accepting(reference.mediaType), lastEventId })
  const more = () => (reference.isWhole === undefined ? trial.emit(1, reference) : undefined)
  await more()
  for (const pause of pauses) {
    if (visit.status > 0) break
    await more()
    await trial.comes(() => visit.status > 0 || visit.isWhole !== undefined, pause)
  }
  await trial.answered(visit)
  await more()
  await trial.begun(visit)
  await more()
  // each time anew, and so not for each event anew: where events come by themselves there may be very many
  const missed = () => without(trial.keysOf(reference).slice(after), trial.keysOf(visit))
  const isLevel = () => missed().length === 0 || visit.isWhole !== undefined
  await trial.comes(isLevel)
  // what came twice has come by the time that the next event has
  if (missed().length === 0) await more()
  await trial.comes(isLevel)
  const [missing, came, all] = [missed(), trial.keysOf(visit), trial.keysOf(reference)]
  visit.leave()
  if (isGap(visit)) missing.push(`told as a gap: ${visit.headers['event-gap'] ?? 'in-band'}`)
  const old = new Set(all.slice(0, after))
  const first = new Set<string>()
  const twice = came.filter((key) => old.has(key) || first.size === first.add(key).size)
  return {
    missing,
    twice,
    isMixed: trial.subject.isOrdered !== false && !isWithin(all.slice(after), [...first]),
  }
}

/** Comes back from behind each of three events, in each format that has ids. */
async function fromEverywhere(trial: Trial, look: (back: Return, reference: Visit) => void): Promise<void> {
  await each(trial, async (reference) => {
    for (let at = 0; at < 3; at++) {
      // few are missed at a time: no more than anybody retains
      if (at > 0) await trial.emit(3, reference)
      const place = reference.events.length - 3 + at
      const { id } = reference.events[place] ?? {}
      if (id !== undefined) look(await comeBack(trial, reference, id, place + 1), reference)
    }
  })
}

export const resumption = {
  'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)': {
    needs: ['publish'],
    try: (trial, rule) =>
      fromEverywhere(trial, ({ missing, isMixed }, { mediaType }) => {
        demand(missing.length === 0, () => ({
          rule: `${rule}, in ${mediaType}`,
          came: `without ${missing.join(', ')}`,
          expected: 'every event after the id',
        }))
        demand(!isMixed, () => ({
          rule: `${rule}, in ${mediaType}`,
          came: 'another order',
          expected: 'what was missed before what is new, in the order of a client that stayed',
        }))
      }),
  },

  'A client that comes back with its last id gets nothing twice (WHATWG HTML 9.2.4)': {
    needs: ['publish'],
    try: (trial, rule) =>
      fromEverywhere(trial, ({ missing, twice }, { mediaType }) => {
        if (missing.length > 0) leaveOut('something is missed')
        demand(twice.length === 0, () => ({
          rule: `${rule}, in ${mediaType}`,
          came: `again ${twice.join(', ')}`,
          expected: 'each event after the id once',
        }))
      }),
  },

  'A client that was cut off before its first event has a place to come back to (docs/guide/resume.md#positions)':
    {
      needs: ['publish'],
      isOurs: true,
      try: (trial, rule) =>
        each(trial, async (reference) => {
          const visit = await trial.open(trial.accepting(reference.mediaType))
          await trial.until(
            () => placeOf(visit) !== undefined,
            () => ({ rule, came: 'a stream without one', expected: 'Last-Event-ID, or a position' }),
          )
          const place = placeOf(visit) ?? ''
          visit.leave()
          const before = reference.events.length
          await trial.emit(1, reference)
          const after = place === 'earliest' ? 0 : before
          const { missing } = await comeBack(trial, reference, place, after)
          demand(missing.length === 0, () => ({
            rule,
            came: `without ${missing.join(', ')}`,
            expected: `every event after ${place}`,
          }))
        }),
    },

  'An id that is unknown is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)': {
    needs: ['publish'],
    isOurs: true,
    try: (trial, rule) => each(trial, (reference) => gap(trial, rule, reference, 'an-id-of-nobody')),
  },

  'An id that is too old is told as a gap, once, by the head and in-band (docs/guide/resume.md#gaps)': {
    needs: ['publish', 'history'],
    isOurs: true,
    try: (trial, rule) =>
      each(trial, async (reference) => {
        const { id = '' } = reference.events[0] ?? {}
        await trial.emit(Number(trial.subject.history) + 1, reference)
        await gap(trial, rule, reference, id)
      }),
  },
} satisfies Record<string, Rule>

async function gap(trial: Trial, rule: string, reference: Visit, lastEventId: string): Promise<void> {
  const ask = trial.accepting(reference.mediaType)
  const told =
    (trial.subject.tellsGaps ?? true) ? 'one, or one for each channel' : 'none: the head alone tells it'
  const visit = await trial.open({ ...ask, lastEventId })
  const { 'event-gap': reason, 'last-event-id': from } = visit.headers
  demand(reason !== undefined && from !== undefined && from !== lastEventId, () => ({
    rule,
    came: `Event-Gap: ${reason ?? '(missing)'}, Last-Event-ID: ${from ?? '(missing)'}`,
    expected: 'Event-Gap: unknown or trimmed, and in Last-Event-ID where the stream begins instead',
  }))
  // a client that is cut off right behind it is not told again
  await trial.comes(() => visit.place !== undefined)
  const { place } = visit
  const again = place === undefined ? undefined : await trial.open({ ...ask, lastEventId: place })
  await trial.emit(1, reference)
  const marker = trial.keysOf(reference).at(-1) ?? ''
  for (const each of again ? [visit, again] : [visit])
    await trial.until(
      () => trial.keysOf(each).includes(marker),
      () => ({ rule, came: 'a stream without the events that follow', expected: marker }),
    )
  const channels = visit.notices('gap').map(({ data }) => Object(data).channel)
  const isOnce = channels.length > 0 && new Set(channels).size === channels.length
  demand((trial.subject.tellsGaps ?? true) ? isOnce : channels.length === 0, () => ({
    rule: `${rule}, in ${reference.mediaType}`,
    came: `${channels.length} notices`,
    expected: told,
  }))
  const at = (isIt: (event: StreamEvent) => boolean) => visit.all.findIndex(isIt)
  const [first, notice] = [
    at(({ notice }) => !notice),
    at(({ type, notice }) => notice === true && type === 'gap'),
  ]
  demand(notice < first, () => ({
    rule: `${rule}, before what follows it`,
    came: 'an event before the gap',
    expected: 'the gap first',
  }))
  const { history = 0, tellsGaps = true } = trial.subject
  const kept = tellsGaps && history > 0 ? trial.keysOf(reference).slice(-1 - history, -1) : []
  const lost = without(kept, trial.keysOf(visit))
  demand(lost.length === 0, () => ({
    rule: `${rule}, and what is retained follows it`,
    came: `without ${lost.join(', ')}`,
    expected: `the latest ${history} events`,
  }))
  demand(!again || !isGap(again), () => ({
    rule,
    came: `the gap again, for a client that came back with ${place}`,
    expected: 'no gap',
  }))
  visit.leave()
  again?.leave()
}
