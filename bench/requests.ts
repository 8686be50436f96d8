/**
 * What a negotiated answer costs beside a bare Express route that sends the same.
 *
 * A process per server, and one for the client. CPU is that of the server's process, user and system, which a
 * busy machine disturbs less than it does the time that passes. The servers take turns, in an order that moves
 * on with each round; ratios are of one round, and what is printed is the median of all.
 *
 *     npm run bench:requests -- [rounds [requests a round [connections]]]
 */
import assert from 'node:assert'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { request as ask } from 'node:http'
import { cpus } from 'node:os'
import { type Case, cases, usual } from './cases.js'
import type { Load } from './client.js'
import { type Name, servers } from './servers.js'

const [rounds = 60, requests = 500, connections = 10] = process.argv.slice(2).map(Number)
const names = Object.keys(servers) as Name[]
/** How many of each it takes until V8 has compiled all that it will. */
const warmUp = 10_000
const beside: Name = 'bare Express'

interface Server {
  readonly child: ChildProcess
  readonly port: number
}

interface Sample {
  /** Microseconds of CPU for one request. */
  readonly cpu: number
  readonly perSecond: number
}

const client = fork(new URL('client.js', import.meta.url))
const running = new Map(await Promise.all(names.map(async (name) => [name, await start(name)] as const)))
const samples = new Map<string, Sample[]>()

for (const each of cases) await verify(each)
for (const each of cases) for (const name of names) await measure(name, each, warmUp)
for (let round = 0; round < rounds; round++) {
  for (const each of cases) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length]!
      samplesOf(name, each).push(await measure(name, each, requests))
    }
  }
}
report()
process.exit()

async function start(name: Name): Promise<Server> {
  const child = fork(new URL('servers.js', import.meta.url), [name])
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

/** Only what is the same is compared: status, headers but for Date, and body. */
async function verify(each: Case): Promise<void> {
  const expected = await answer(beside, each)
  assert.equal(expected.status, each.status)
  for (const name of names) assert.deepEqual(await answer(name, each), expected, `${name}, ${each.status}`)
}

async function answer(name: Name, { status, method, headers }: Case) {
  const req = ask({
    port: running.get(name)!.port,
    path: `/${status}`,
    method,
    headers: { ...usual, ...headers },
    agent: false,
  })
  const [res] = await once(req.end(), 'response')
  const { date: _, ...rest } = res.headers
  return { status: res.statusCode, headers: rest, body: Buffer.concat(await res.toArray()).toString() }
}

async function measure(name: Name, each: Case, requests: number): Promise<Sample> {
  const { child, port } = running.get(name)!
  const before = await usage(child)
  const seconds = await load({ port, head: headOf(each), connections, requests })
  const after = await usage(child)
  return { cpu: (after - before) / requests, perSecond: requests / seconds }
}

async function usage(child: ChildProcess): Promise<number> {
  child.send('usage')
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage]
  return user + system
}

async function load(asked: Load): Promise<number> {
  client.send(asked)
  const [seconds] = (await once(client, 'message')) as [number]
  return seconds
}

function headOf({ status, method, headers }: Case): string {
  const fields = Object.entries({ Host: 'localhost', ...usual, ...headers, Connection: 'keep-alive' })
  return `${method} /${status} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

function samplesOf(name: Name, { status }: Case): Sample[] {
  const key = `${status} ${name}`
  if (!samples.has(key)) samples.set(key, [])
  return samples.get(key)!
}

function report(): void {
  const [cpu] = cpus()
  console.log(`Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}, ${process.platform}`)
  console.log(`${rounds} rounds of ${requests} requests over ${connections} connections\n`)
  const columns = [
    'answer',
    'by',
    'requests/s',
    'CPU µs/request',
    'to the bare route',
    'middle half',
    'min–max',
  ]
  const rows = cases.flatMap((each) => {
    const bare = samplesOf(beside, each)
    return names.map((name) => {
      const own = samplesOf(name, each)
      const ratios = own.map(({ cpu }, round) => cpu / bare[round]!.cpu).sort((one, other) => one - other)
      const from = (part: number) => ratios[Math.round(part * (rounds - 1))]!.toFixed(2)
      return [
        String(each.status),
        name,
        median(own.map(({ perSecond }) => perSecond)).toFixed(0),
        median(own.map(({ cpu }) => cpu)).toFixed(1),
        median(ratios).toFixed(2),
        `${from(0.25)}–${from(0.75)}`,
        `${from(0)}–${from(1)}`,
      ]
    })
  })
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]!.length)))
  for (const row of [columns, widths.map((width) => '-'.repeat(width)), ...rows]) {
    console.log(
      `| ${row.map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`,
    )
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
