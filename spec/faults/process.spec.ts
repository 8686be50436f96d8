import { endAll, processes } from './process.js'

describe('The process (docs/faults.md)', function () {
  // a process has to begin first
  this.timeout(60_000)

  before(() => process.on('exit', endAll))
  after(() => {
    process.off('exit', endAll)
    endAll()
  })

  for (const [name, run] of Object.entries(processes)) it(name, run)
})
