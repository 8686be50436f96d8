/**
 * Many streams, opened and closed at once; and connections that come and go beside streams that stay. Or, with
 * `--redis`, streams of several processes that share one Redis, while these are restarted and killed.
 *
 *     npm run load
 *     npm run load -- --streams 1000 --rounds 3 --rate 200 --seconds 6
 *     npm run load -- --processes 4 --redis
 *     npm run load -- --processes 2 --redis --streams 200 --publishes 20 --kills 4
 *
 * The verdict is about what is lost or left over; the rate that was reached, and that of a route of Express beside
 * it, are reported. Fails if anything is.
 */
import { parseArgs } from 'node:util'
import { mostStreams } from '../../bench/fanout/limit.js'
import { markdown } from '../../bench/fanout/table.js'
import { mebibytes } from '../../spec/support/bytes.js'
import { type Beside, comeAndGo, judge } from './churned.js'
import { Findings } from './findings.js'
import { growth, type Opened, openAndClose } from './opened.js'
import { disturb } from './restarts/course.js'
import { report } from './restarts/report.js'
import { compile, Station } from './station.js'

const { values } = parseArgs({
  options: {
    /** Default: 10000, or with `--redis` 2000. */
    streams: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    /** Connections a second, and for how long. */
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '60' },
    redis: { type: 'boolean', default: false },
    /** With `--redis`: processes, publishes a second, how many processes are killed, one a second. */
    processes: { type: 'string', default: '4' },
    publishes: { type: 'string', default: '200' },
    kills: { type: 'string', default: '10' },
  },
})

const [wanted, rounds, rate, seconds] = [
  values.streams ?? (values.redis ? 2000 : 10_000),
  values.rounds,
  values.rate,
  values.seconds,
].map(Number) as [number, number, number, number]
const steady = 500
const perSecond = 20

function rounded(all: readonly Opened[]): string {
  return markdown(
    [
      'ended by',
      'streams',
      'all open after, s',
      'all gone after, s',
      'events',
      'heap open, MiB',
      'none, MiB',
      'RSS open, MiB',
      'none, MiB',
    ],
    all.map((each) => [
      each.end,
      String(each.streams),
      each.openedIn.toFixed(1),
      each.closedIn.toFixed(1),
      String(each.delivered),
      ...[each.heapOpen, each.heap, each.rssOpen, each.rss].map(mebibytes),
    ]),
  )
}

function beside(all: Readonly<Record<string, Beside>>): string {
  return markdown(
    [
      '',
      'came and went /s',
      'asked for /s',
      'most open',
      'to the head p50, p99 ms',
      'of those who stayed p50, p99 ms',
      'events to them',
      'lost',
      'server, of a core',
      'server, µs for each',
      'heap before, after MiB',
    ],
    Object.entries(all).map(([name, { churned, watched, busy, each, before, after }]) => [
      name,
      (churned.begun / churned.seconds).toFixed(0),
      String(rate),
      String(churned.mostOpen),
      `${churned.p50.toFixed(0)}, ${churned.p99.toFixed(0)}`,
      `${watched.p50.toFixed(0)}, ${watched.p99.toFixed(0)}`,
      String(watched.delivered),
      String(watched.gaps + churned.gaps),
      `${(busy * 100).toFixed(0)} %`,
      each.toFixed(0),
      `${mebibytes(before.heap)}, ${mebibytes(after.heap)}`,
    ]),
  )
}

async function within<T>(station: Station, run: (station: Station) => Promise<T>): Promise<T> {
  try {
    return await run(station)
  } finally {
    station.stop()
  }
}

const findings = new Findings()
// a proxy has two files open for each stream
const most = Math.floor(mostStreams() / (values.redis ? 2 : 1))
const streams = Math.min(wanted, most)
const plan = values.redis
  ? `on ${values.processes} processes that share a Redis, and ${values.publishes} publishes a second`
  : `${rounds} times over; then ${rate} connections a second for ${seconds} s`
console.log(`${streams} streams, ${plan}`)
if (streams < wanted) {
  console.log(`For ${wanted} streams a process needs more open files: see ulimit -n. Here it is ${streams}.`)
}
if (!values.redis) await compile()

if (values.redis) {
  const course = {
    streams,
    processes: Number(values.processes),
    perSecond: Number(values.publishes),
    kills: Number(values.kills),
    frozen: 3000,
    killsWhileAway: true,
  }
  console.log(`\n${report(await disturb(course, findings, console.error))}\n`)
}

if (!values.redis && rounds > 0) {
  const all = await within(await Station.start({ who: 'lariat', clients: 1, isPinned: true }), (station) =>
    openAndClose(station, { streams, rounds }, findings, ({ end }) => console.error(`Ended by ${end}`)),
  )
  console.log(`\n${rounded(all)}\n`)
  const [first, last] = [all[0]!, all.at(-1)!]
  console.log(
    `The heap has grown by ${((last.heap - first.heap) / 1024).toFixed(0)} KiB since the first round; ` +
      `${(growth({ streams, rounds }) / 1024).toFixed(0)} are allowed.`,
  )
}

if (!values.redis && seconds > 0) {
  const asked = { steady, perSecond, rate, seconds }
  const ours = await within(
    await Station.start({ who: 'lariat', clients: 2, isPinned: true }),
    async (station) => {
      const before = await station.until(0)
      const outcome = await comeAndGo(station, asked)
      judge(outcome, 'beside a fan-out', findings)
      findings.isBack('after it', await station.until(0), before)
      return outcome
    },
  )
  console.error('The same with a route of Express')
  const plain = await within(await Station.start({ who: 'plain', clients: 2, isPinned: true }), (station) =>
    comeAndGo(station, { ...asked, seconds: Math.ceil(seconds / 3) }),
  )
  console.log(`\n${beside({ 'express-lariat': ours, 'Express, res.write': plain })}\n`)
}

for (const each of findings.all) console.log(`✗ ${each}`)
console.log(
  findings.all.length === 0 ? 'Nothing lost, nothing left over' : `${findings.all.length} violations`,
)
process.exitCode = findings.all.length === 0 ? 0 : 1
