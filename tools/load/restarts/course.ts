import type { Findings } from '../findings.js'
import { patience } from '../station.js'
import type { Left } from './app.js'
import type { Counts } from './eventsource.js'
import { Farm, type Held, pause } from './farm.js'
import type { Judged } from './reader.js'
import { roomsOf, targetsOf } from './rooms.js'
import { type Amnesia, type Balance, balance, factsOf } from './truth.js'

export interface Course {
  readonly processes: number
  readonly streams: number
  /** Publishes a second. */
  readonly perSecond: number
  /** Processes that are killed, one a second. */
  readonly kills: number
  /** Milliseconds for which Redis is frozen. */
  readonly frozen: number
  /** Whether a process is killed while Redis is away: its clients are told to come back in 5 to 10 seconds. */
  readonly killsWhileAway: boolean
}

/** A kind of disturbance, and what clients had of it. */
export interface Disturbance {
  readonly name: string
  readonly times: number
  readonly reconnects: number
  /** Requests that were answered 503, or not at all. */
  readonly refusals: number
  /** Seconds from its end until all were there and had something new: the longest. */
  readonly backIn: number
  readonly gaps: Readonly<Record<'trimmed' | 'unknown', number>>
  readonly twice: number
  readonly lost: number
}

export interface Outcome {
  readonly disturbances: readonly Disturbance[]
  readonly balance: Balance
  readonly events: number
  readonly gone: readonly Left[]
  readonly held: Held
  /** Bytes by which the heap of each process has grown by all streams coming once more. */
  readonly grown: readonly number[]
}

/** What is counted while it lasts. */
type Lasting = Pick<Disturbance, 'name' | 'times' | 'reconnects' | 'refusals' | 'backIn'> & {
  readonly from: number
}

/** Events of a room a second, so that no stream waits for long until it is seen to be back. */
const perRoom = 5
/** Milliseconds for which Redis is away. */
const away = 1000
/** What the heap may grow by in bytes: of each stream that is over, and what the engine keeps for itself. */
const room = { perStream: 64, engine: 1024 * 1024 }
/** Connections to Redis of each process that uses it: for commands, and for messages. */
const perProcess = 2

/** Disturbs several processes and their Redis, one after the other, and looks at what clients have got. */
class Run {
  readonly #farm: Farm
  readonly #course: Course
  readonly #findings: Findings
  readonly #tell: (what: string) => void
  readonly #lasting: Lasting[] = []

  constructor(farm: Farm, course: Course, findings: Findings, tell: (what: string) => void) {
    this.#farm = farm
    this.#course = course
    this.#findings = findings
    this.#tell = tell
  }

  async all(): Promise<Outcome> {
    const { streams, perSecond } = this.#course
    const rooms = roomsOf(Math.max(4, Math.round(perSecond / perRoom)))
    const { reader, publisher, proxy } = this.#farm
    const targets = targetsOf(streams, rooms)
    const port = await proxy.ask('port', null)
    await publisher.ask('begin', { perSecond, rooms: rooms.length })
    const late = await reader.ask('open', { port, targets, within: patience })
    this.#findings.expect('at the beginning', { 'streams that have not opened': [late, 0] })
    await this.#during('nothing', 1, () => pause(1000))
    const amnesia = await this.#disturb()
    const published = await publisher.ask('end', null)
    const stored = await this.#farm.stored(rooms)
    const facts = factsOf(published, stored)
    const judged = await reader.ask('judge', { facts: [...facts], within: 10_000 })
    const sums = balance(published, facts, stored, amnesia)
    this.#check(judged, sums)
    return {
      disturbances: this.#lasting.map((each, at) => withFlaws(each, this.#lasting[at + 1]?.from, judged)),
      balance: sums,
      events: judged.events,
      ...(await this.#leave(port, targets)),
    }
  }

  // ---- disturbances

  /** Resolves to the time in which the store kept nothing. */
  async #disturb(): Promise<Amnesia> {
    const farm = this.#farm
    const { processes, kills, frozen, killsWhileAway } = this.#course
    // at first: whoever had what is lost is sent all that is there
    const amnesia = await this.#loseTail()
    for (let at = 0; at < processes; at++) {
      await this.#during('a process restarts', 1, () => farm.restart(at, 'SIGTERM'))
    }
    await this.#during('a process is killed, one a second', kills, async () => {
      for (let at = 0; at < kills; at++) {
        await Promise.all([farm.restart(at % processes, 'SIGKILL'), pause(1000)])
      }
    })
    await this.#during('Redis is killed, and has kept all', 1, () => farm.restartRedis(away))
    await this.#during(`Redis is frozen for ${frozen / 1000} s`, 1, () => farm.freezeRedis(frozen))
    if (killsWhileAway) {
      await this.#during('Redis is killed, and a process', 1, () =>
        farm.restartRedis(away, () => farm.restart(0, 'SIGKILL')),
      )
    }
    return amnesia
  }

  async #loseTail(): Promise<Amnesia> {
    let amnesia!: Amnesia
    await this.#during('Redis is killed, and its last second lost', 1, async () => {
      const from = await this.#farm.forget()
      await pause(1000)
      amnesia = { from, to: await this.#farm.restartRedis(away) }
    })
    return amnesia
  }

  /** Disturbs, and waits until all are back; several of one kind are one row. */
  async #during(name: string, times: number, disturb: () => Promise<unknown>): Promise<void> {
    const from = Date.now()
    const before = await this.#farm.reader.ask('counts', null)
    await disturb()
    const since = Date.now()
    const late = await this.#farm.reader.ask('back', { since, within: patience })
    const backIn = (Date.now() - since) / 1000
    this.#findings.expect(name, { 'streams that have not come back': [late, 0] })
    const counts = await this.#farm.reader.ask('counts', null)
    const refusals = refusalsOf(counts) - refusalsOf(before)
    const reconnects = counts.reconnects - before.reconnects
    this.#findings.expect(name, { 'other answers': [counts.wrong - before.wrong, 0] })
    const same = this.#lasting.at(-1)?.name === name ? this.#lasting.pop() : undefined
    this.#lasting.push({
      name,
      times: times + (same?.times ?? 0),
      reconnects: reconnects + (same?.reconnects ?? 0),
      refusals: refusals + (same?.refusals ?? 0),
      backIn: Math.max(backIn, same?.backIn ?? 0),
      from: same?.from ?? from,
    })
    this.#tell(`${name}: all are back after ${backIn.toFixed(1)} s`)
  }

  // ---- what came of it

  #check({ flaws }: Judged, { violations, stored, expected }: Balance): void {
    const what = [...violations, ...flaws.map((flaw) => flaw.what)]
    this.#findings.all.push(...what.slice(0, 20))
    if (what.length > 20) this.#findings.all.push(`and ${what.length - 20} more like these`)
    this.#findings.expect('in the store', { events: [stored, expected] })
  }

  /** All leave, and then come back and leave twice: what they leave behind would be there once more. */
  async #leave(
    port: number,
    targets: ReturnType<typeof targetsOf>,
  ): Promise<Pick<Outcome, 'gone' | 'held' | 'grown'>> {
    const { reader } = this.#farm
    const comeAndLeave = async () => {
      await reader.ask('open', { port, targets, within: patience })
      await reader.ask('leave', null)
      return await this.#farm.left()
    }
    await reader.ask('leave', null)
    await this.#farm.left()
    // code that runs for the first time stays on the heap: some processes are new
    const first = await comeAndLeave()
    const gone = await comeAndLeave()
    // who published has closed
    const connections = perProcess * gone.length
    const held = await this.#farm.held(connections)
    for (const [at, left] of gone.entries()) {
      const where = `process ${at}, after all have left`
      this.#findings.expect(where, {
        subscribers: [left.subscribers, 0],
        streams: [left.streams, 0],
        connections: [left.connections, 0],
        faults: [left.faults, []],
      })
      // what Redis was asked last is waited for, and channels are looked at once more
      this.#findings.atMost(where, 'deadlines', left.deadlines, 4)
      const most = room.engine + (room.perStream * targets.length) / gone.length
      this.#findings.atMost(where, 'bytes that the heap has grown', left.heap - first[at]!.heap, most)
    }
    this.#findings.expect('at Redis, after all have left', {
      subscribed: [held.subscribed, []],
      connections: [held.connections.length, connections],
    })
    if (held.connections.length !== connections) this.#findings.all.push(...held.connections)
    return { gone, held, grown: gone.map((left, at) => left.heap - first[at]!.heap) }
  }
}

export async function disturb(
  course: Course,
  findings: Findings,
  tell: (what: string) => void = () => undefined,
): Promise<Outcome> {
  const farm = await Farm.start(course.processes)
  try {
    return await new Run(farm, course, findings, tell).all()
  } finally {
    await farm.stop()
  }
}

function refusalsOf({ unavailable, unanswered }: Counts): number {
  return unavailable + unanswered
}

function withFlaws({ from, ...lasting }: Lasting, to = Infinity, { flaws, gaps }: Judged): Disturbance {
  const isIn = ({ at }: { at: number }) => at >= from && at < to
  const told = gaps.filter(isIn)
  const count = (kind: string) => flaws.filter((flaw) => flaw.kind === kind && isIn(flaw)).length
  return {
    ...lasting,
    gaps: {
      trimmed: told.filter(({ reason }) => reason === 'trimmed').length,
      unknown: told.filter(({ reason }) => reason === 'unknown').length,
    },
    twice: count('twice'),
    lost: count('lost'),
  }
}
