// Tries requests that nobody should send, for as long as one likes:
//   npm run fuzz -- --seconds 60 --seed 1
import { parseArgs } from 'node:util'
import { expresses } from '../../spec/support/http.js'
import { memoryAfter } from './memory.js'
import { fuzz, type Tried } from './run.js'

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
const seconds = Number(values.seconds ?? 60)
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const perRun = 500

const tried: Tried = { inputs: 0, bytes: 0, statuses: new Map() }
const unclean: unknown[] = []
// Express warns of an absolute URL that is none, by way of Node's old parser
for (const event of ['unhandledRejection', 'uncaughtException', 'warning'])
  process.on(event, (what) => what?.code === 'DEP0170' || unclean.push(what))

const versions = Object.entries(expresses)
const end = performance.now() + seconds * 1000
let seed = first
let before: number | undefined
try {
  for (; performance.now() < end; seed++) {
    const [, make] = versions[seed % versions.length]!
    await fuzz(perRun, seed, make, tried)
    before ??= await memoryAfter()
    if (unclean.length > 0)
      throw new Error(`With seed ${seed}, the process is unclean`, { cause: unclean[0] })
  }
} catch (error) {
  console.error(error)
  process.exitCode = 1
}

const grown = (await memoryAfter()) - (before ?? 0)
const counts = [...tried.statuses].sort(([one], [other]) => one - other)
console.log(
  `Seeds ${first} to ${seed - 1}, ${perRun} inputs each, on ${versions.map(([name]) => name).join(' and ')}`,
)
console.log(`${tried.inputs} inputs, ${(tried.bytes / 2 ** 20).toFixed(1)} MiB`)
console.log(`Answers: ${counts.map(([status, count]) => `${status} × ${count}`).join(', ')}`)
console.log(`Heap: ${(grown / 2 ** 20).toFixed(1)} MiB more at the end than after the first seed`)
if (grown > 32 * 2 ** 20) {
  console.error('That is too much')
  process.exitCode = 1
}
