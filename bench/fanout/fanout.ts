import type { Client } from './client.js'
import { streams as gatheredStreams, gathering, perSecond, whoGathers } from './gathering.js'
import { goals } from './goals.js'
import { mostStreams } from './limit.js'
import { operated, streams as operatedStreams, operating, whoIsOperated } from './operating.js'
import { options } from './options.js'
import { entry, type Name } from './peers.js'
import { cores, machine, pin, Remote } from './remote.js'
import { keep } from './results.js'
import { inTurn, round, warmUp } from './rounds.js'
import { Samples } from './samples.js'
import { saturation } from './saturation.js'
import { type Course, neverRead, stalledReaders, streams as stalledStreams } from './stalled.js'
import { Station } from './station.js'
import { atOneNumber, byStreams, gathered, overTime, tableOf } from './table.js'

/** Servers take turns, in an order that moves on with each round; ratios are of one round. */
export async function fanOut(): Promise<void> {
  const samples = new Samples()
  const courses = new Map<Name, Course>()
  const streams = options.streams.filter((count) => count <= mostStreams())
  const pinned = pin(cores.client)
  const client = await Remote.start<Client>(new URL('client.js', import.meta.url), cores.client)
  const names = options.peers.filter((name) => !entry(name).only)

  console.log(
    `Node ${process.version}, ${machine()}, servers on ${pinned ? 'a core of their own' : 'any core'}`,
  )
  for (const count of options.streams) {
    if (count > mostStreams()) console.log(`${count} streams are left out: the limit of open files is lower`)
  }
  if (options.parts.includes('fanout')) {
    await compare(names, client, streams, samples)
    report(samples, names, streams)
  }
  if (options.parts.includes('stalled')) {
    for (const name of options.stalledPeers) courses.set(name, await stall(name, client, samples))
    console.log(`\n${neverRead} of ${stalledStreams} streams never read, events of 8 KiB\n`)
    console.log(overTime(samples, courses, options.stalled))
  }
  if (options.parts.includes('gather')) {
    const gatherers = whoGathers(options.peers)
    await gather(gatherers, client, samples)
    console.log(`\n${gatheredStreams} streams, ${perSecond} events a second each\n`)
    console.log(gathered(samples, gatherers))
  }
  if (options.parts.includes('operating')) {
    const names = whoIsOperated(options.peers)
    await operate(names, client, samples)
    console.log(`\n${operatedStreams} streams, looked at by who operates them\n`)
    console.log(operated(samples, names))
  }
  const ours = options.peers.find((name) => entry(name).kind === 'ours')
  const reached = ours ? goals(samples, ours, options.peers) : []
  if (reached.length > 0) console.log(`\nGoals\n\n${tableOf(reached)}`)
  if (options.write) {
    const { rounds } = options
    const own = { machine: machine(), node: process.version, rounds, names: options.peers, streams }
    keep({ ...own, samples, courses, goals: reached })
  }
  client.stop()
}

async function compare(names: readonly Name[], client: Remote<Client>, streams: number[], samples: Samples) {
  const stations: Station[] = []
  for (const name of names) stations.push(await Station.start(name, client))
  await warmUp(stations)
  for (let number = 0; number < options.rounds; number++) {
    console.error(`Round ${number + 1} of ${options.rounds}`)
    await round(stations, { streams, seconds: options.seconds }, number, samples)
  }
  for (let number = 0; number < options.searches; number++) {
    console.error(`Search ${number + 1} of ${options.searches} for the highest rates`)
    for (const { station } of inTurn(stations, number)) {
      const { perSecond, byClient } = await saturation(station, options.quick ? 1 : 3)
      samples.add(station.name, 'saturation', number, perSecond)
      if (byClient) console.error(`${station.name}: past ${Math.round(perSecond)}/s the client was the limit`)
    }
  }
  for (const station of stations) station.stop()
}

async function gather(names: readonly Name[], client: Remote<Client>, samples: Samples): Promise<void> {
  const stations: Station[] = []
  for (const name of names) stations.push(await Station.start(name, client))
  await gathering(stations, options.rounds, options.seconds, samples)
  for (const station of stations) station.stop()
}

async function operate(names: readonly Name[], client: Remote<Client>, samples: Samples): Promise<void> {
  const stations: Station[] = []
  for (const name of names) stations.push(await Station.start(name, client))
  await warmUp(stations)
  await operating(stations, options.rounds, options.quick ? 5 : 10, samples)
  for (const station of stations) station.stop()
}

/** A process of its own for each: memory that one has given back to no one is not another's. */
async function stall(name: Name, client: Remote<Client>, samples: Samples): Promise<Course> {
  console.error(`${name} beside readers that never read`)
  const station = await Station.start(name, client)
  try {
    return await stalledReaders(station, options.stalled, samples)
  } finally {
    station.stop()
  }
}

function report(samples: Samples, names: readonly Name[], streams: readonly number[]): void {
  console.log(`${options.rounds} rounds; medians, × to raw pre-framed in the same round with its spread\n`)
  console.log(`CPU µs for each event delivered, one event a turn, by number of streams\n`)
  console.log(byStreams(samples, names, streams, 'one a turn'))
  console.log(`\nThe same, 50 events a turn\n`)
  console.log(byStreams(samples, names, streams, 'bursts'))
  const count = streams.includes(1000) ? 1000 : streams.at(-1)!
  console.log(`\n${count} streams; latency at 20,000 deliveries/s or what one stream can have\n`)
  console.log(atOneNumber(samples, names, count))
}
