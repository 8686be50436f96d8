import { parseArgs } from 'node:util'
import { cores, machine, pin, Remote } from '../fanout/remote.js'
import { inTurn } from '../fanout/rounds.js'
import { Samples } from '../fanout/samples.js'
import { figure, markdown, spread } from '../fanout/table.js'
import { type Name, names } from './peers.js'
import type { Reader } from './reader.js'
import type { Server } from './server.js'

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    /** In chunks of 100; a tenth as many come one in a chunk. */
    events: { type: 'string', default: '100000' },
  },
})

const rounds = Number(values.rounds)
const events = Number(values.events)
const wanted = values.peers?.split(',') ?? ['']
const taking = names.filter((name) => wanted.some((part) => name.includes(part)))
const ours: Name = 'express-lariat/client, SSE'

type Measure = 'cpu, many' | 'cpu, one' | 'rate'
const samples = new Samples<Name, Measure>()

/** Each reads the same events in a process of its own, in turn, another one first in each round. */
export async function reading(): Promise<void> {
  const pinned = pin(cores.client)
  const server = await Remote.start<Server>(new URL('server.js', import.meta.url), cores.server)
  const port = await server.ask('port', null)
  console.log(`Node ${process.version}, ${machine()}, ${pinned ? 'pinned' : 'not pinned'}`)
  const readers: { name: Name; remote: Remote<Reader> }[] = []
  for (const name of taking) {
    const remote = await Remote.start<Reader>(new URL('reader.js', import.meta.url), cores.client, name)
    // what V8 has not compiled yet is not what is measured
    for (const inChunk of [100, 1]) await remote.ask('reading', { port, events: events / 10, inChunk })
    readers.push({ name, remote })
  }
  for (let round = 0; round < rounds; round++) {
    console.error(`Round ${round + 1} of ${rounds}`)
    for (const { station } of inTurn(readers, round)) {
      const { name, remote } = station
      const many = await remote.ask('reading', { port, events, inChunk: 100 })
      samples.add(name, 'cpu, many', round, many.cpu)
      samples.add(name, 'rate', round, many.rate)
      const one = await remote.ask('reading', { port, events: events / 10, inChunk: 1 })
      samples.add(name, 'cpu, one', round, one.cpu)
    }
  }
  for (const { remote } of readers) await remote.end()
  await server.end()
  console.log(`${rounds} rounds; medians, × to ours in the same round with its spread\n`)
  console.log(table())
}

function table(): string {
  const cell = (name: Name, measure: Measure) => {
    const ratio = samples.ratio(name, measure, ours)
    return `${figure(samples.summary(name, measure)!.median)}${ratio ? ` (× ${spread(ratio)})` : ''}`
  }
  return markdown(
    ['', 'CPU µs for each event, 100 in a chunk', 'events/s', 'CPU µs for each event, one in a chunk'],
    taking.map((name) => [name, cell(name, 'cpu, many'), cell(name, 'rate'), cell(name, 'cpu, one')]),
  )
}
