/**
 * The demo under mixed load and faults for some time, and whether anything was lost, left over, or answered as it
 * must not be.
 *
 *     npm run soak
 *     npm run soak -- --minutes 10 --seed 1
 *
 * What each client does comes from the seed; when it comes about depends on the machine. Fails if there is a
 * violation.
 */
import { parseArgs } from 'node:util'
import { soak } from './run.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1e5) },
  },
})
const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
console.log(`${minutes} minutes with seed ${seed}`)
const { violations } = await soak({ seconds: minutes * 60, seed, say: (line) => console.log(line) })
console.log(violations.length === 0 ? 'No violation' : `${violations.length} violations`)
process.exit(violations.length === 0 ? 0 : 1)
