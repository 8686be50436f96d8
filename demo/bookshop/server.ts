import cluster from 'node:cluster'
import { parseArgs } from 'node:util'

const most = 64

const processes = read()
if (processes > 1 && cluster.isPrimary) (await import('./processes.js')).run(processes)
else await (await import('./serve.js')).serve()

/** How many processes: `npm run demo -- --processes 4`. */
function read(): number {
  try {
    const { values } = parseArgs({ options: { processes: { type: 'string', default: '1' } } })
    const { processes } = values
    if (!/^[1-9]\d?$/.test(processes) || Number(processes) > most)
      throw new Error(`--processes ${processes}: expected a number, 1 to ${most}`)
    if (Number(processes) > 1 && !process.env.REDIS_URL) {
      const command = `REDIS_URL=redis://localhost:6379 npm run demo -- --processes ${processes}`
      throw new Error(
        `--processes ${processes} needs a Redis, for without one each process would have books of its own. ` +
          `Set REDIS_URL: ${command}`,
      )
    }
    return Number(processes)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1)
  }
}
