import { counting } from './endpoints.js'
import { Origin } from './origin.js'

// A server that is started to be killed.

const origin = await new Origin().open(Number(process.argv[2] ?? 0))
origin.serve(counting().endpoint)
process.send?.(origin.port)
process.once('disconnect', () => process.exit())
