import { machine, pin, Remote } from '../fanout/remote.js'
import { eventSize, inTurn } from '../fanout/rounds.js'
import { Samples } from '../fanout/samples.js'
import { tableOf } from '../fanout/table.js'
import type { Client } from './client.js'
import { goals } from './goals.js'
import type { Measure } from './measures.js'
import { options } from './options.js'
import type { Name } from './peers.js'
import { keep } from './results.js'
import { coreOf, Station } from './station.js'
import type { Commands } from './store.js'
import { byProcesses } from './table.js'

const { streams, rate, seconds } = options
const steady = { events: rate * seconds, perTurn: 1, interval: 1000 / rate, size: eventSize }
const inBurst = 50
const bursts = 3
/** Apart so far that each is delivered before the next, and less than after which silence is looked into. */
const burst = { events: bursts * inBurst, perTurn: inBurst, interval: 700, size: eventSize }
const rush = { size: eventSize, events: 100, inFlight: 20 }
const samples = new Samples<Name, Measure>()

/** Each peer on each number of processes, each in turn, another one first in each round; ratios are of one round. */
export async function processes(): Promise<void> {
  const pinned = pin(coreOf.others)
  const client = await Remote.start<Client>(new URL('client.js', import.meta.url), coreOf.others)
  console.log(`Node ${process.version}, ${machine()}, ${pinned ? 'pinned' : 'not pinned'}`)

  const stations: Station[] = []
  for (const count of options.processes) {
    for (const name of options.peers) stations.push(await Station.start(name, count, client))
  }
  for (const station of stations) await warmUp(station)
  for (let round = 0; round < options.rounds; round++) {
    console.error(`Round ${round + 1} of ${options.rounds}`)
    for (const { station } of inTurn(stations, round)) await measure(station, round)
  }
  console.error('Commands')
  for (const station of stations) await commands(station)
  for (const station of stations) await station.end()
  client.stop()

  const aims = goals(samples, options.processes)
  console.log(`${options.rounds} rounds; medians, × to SUBSCRIBE in the same round with its spread`)
  console.log(`\n${streams} streams, ${rate} events a second\n`)
  console.log(byProcesses(samples, options.peers, options.processes))
  if (aims.length > 0) console.log(`\nGoals\n\n${tableOf(aims)}`)
  if (options.write) {
    const { peers: names, rounds } = options
    keep({ machine: machine(), node: process.version, rounds, streams, rate, names, samples, goals: aims })
  }
}

/** What V8 has not compiled yet is not what is measured. */
async function warmUp(station: Station): Promise<void> {
  await station.open(streams)
  await station.run({ ...steady, events: rate * 1 })
  await station.run({ ...burst, events: inBurst })
  await station.close()
}

async function measure(station: Station, round: number): Promise<void> {
  const { name, processes } = station
  await station.open(streams)
  const run = await station.run(steady)
  const rushed = await station.rush(rush)
  await station.close()
  samples.add(name, `cpu, ${processes}`, round, run.cpu)
  samples.add(name, `redis, ${processes}`, round, run.redis)
  samples.add(name, `p50 to last, ${processes}`, round, run.toLast.p50)
  samples.add(name, `p99 to last, ${processes}`, round, run.toLast.p99)
  samples.add(name, `deliveries, ${processes}`, round, rushed.delivered)
  samples.add(name, `confirmed, ${processes}`, round, rushed.confirmed)
  if (run.busy > 0.9) console.error(`${name}: the client was ${Math.round(run.busy * 100)} % busy`)
}

/** In a run of their own, since to be watched costs Redis more than to do what it is asked. */
async function commands(station: Station): Promise<void> {
  const { name, processes } = station
  await station.open(streams)
  const one = await station.commands({ ...steady, events: rate * 2 })
  const many = await station.commands(burst)
  await station.close()
  samples.add(name, `commands an event, ${processes}`, 0, total(one) / (rate * 2))
  samples.add(name, `commands a burst, ${processes}`, 0, total(many, 'server') / bursts / processes)
  console.error(`${name}, ${processes}: ${told(one)}; in bursts ${told(many)}`)
}

function total(commands: Commands, of?: string): number {
  let sum = 0
  for (const [name, own] of commands) {
    if (of === undefined || name === of) for (const count of own.values()) sum += count
  }
  return sum
}

function told(commands: Commands): string {
  return [...commands]
    .flatMap(([name, own]) => [...own].map(([command, count]) => `${name} ${command} ${count}`))
    .join(', ')
}
