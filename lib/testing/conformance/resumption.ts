// Rules about clients that come back: nothing is missed, nothing comes twice, and what is lost is told.
import { demand, leaveOut } from './breach.js'
import type { Rule } from './rules.js'
import type { Trial } from './trial.js'
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

interface Return {
  /** Of what was to come. */
  readonly missing: readonly string[]
  readonly twice: readonly string[]
}

/** Comes back with an id while more is published, and tells what came of what was to come. */
async function comeBack(trial: Trial, reference: Visit, lastEventId: string, after: number): Promise<Return> {
  const opening = trial.open({ ...trial.accepting(reference.mediaType), lastEventId })
  const [visit] = await Promise.all([opening, trial.emit(2, reference)])
  const expected = trial.keysOf(reference).slice(after)
  const has = (key: string) => trial.keysOf(visit).includes(key)
  await trial.comes(() => expected.every(has) || visit.isWhole !== undefined)
  const missing = expected.filter((key) => !has(key))
  // what came twice has come by the time that the next event has
  if (reference.isWhole === undefined && missing.length === 0) await trial.emit(1, reference)
  const next = trial.keysOf(reference)
  if (missing.length === 0) await trial.comes(() => has(next.at(-1) ?? '') || visit.isWhole !== undefined)
  const came = trial.keysOf(visit)
  const old = next.slice(0, after)
  visit.leave()
  if (isGap(visit)) missing.push(`told as a gap: ${visit.headers['event-gap'] ?? 'in-band'}`)
  return { missing, twice: came.filter((key, at) => came.indexOf(key) < at || old.includes(key)) }
}

/** Comes back from behind each event, in each format that has ids. */
async function fromEverywhere(trial: Trial, look: (back: Return, reference: Visit) => void): Promise<void> {
  await each(trial, async (reference) => {
    for (const [at, { id }] of reference.events.slice(0, 3).entries())
      if (id !== undefined) look(await comeBack(trial, reference, id, at + 1), reference)
  })
}

export const resumption = {
  'A client that comes back with its last id misses nothing, wherever it was cut (WHATWG HTML 9.2.4)': {
    needs: ['publish'],
    try: (trial, rule) =>
      fromEverywhere(trial, ({ missing }, { mediaType }) =>
        demand(missing.length === 0, () => ({
          rule: `${rule}, in ${mediaType}`,
          came: `without ${missing.join(', ')}`,
          expected: 'every event after the id',
        })),
      ),
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
  demand(!again || !isGap(again), () => ({
    rule,
    came: `the gap again, for a client that came back with ${place}`,
    expected: 'no gap',
  }))
  visit.leave()
  again?.leave()
}
