import cluster from 'node:cluster'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Machine } from '../../../demo/bookshop/machine.js'
import { shareMachine } from '../../../demo/bookshop/machine-of-primary.js'

describe('The demo: the machine of several processes', () => {
  it('A worker that was killed, and of which that is not known yet, is told nothing: the primary goes on', async function () {
    if (process.platform !== 'linux') this.skip()
    const folder = mkdtempSync(join(tmpdir(), 'lariat-worker-'))
    const exec = join(folder, 'idle.mjs')
    writeFileSync(exec, 'setInterval(() => {}, 1000)')
    cluster.setupPrimary({ exec, execArgv: [] })
    const worker = cluster.fork()
    const heard = new Set(cluster.listeners('message'))
    try {
      await once(worker, 'online')
      const machine = Object.assign(new EventEmitter(), {
        sampler: { pid: 1 },
        isAlive: true,
        restartAfter: 5,
      })
      shareMachine(machine as unknown as Machine)
      const { pid } = worker.process
      process.kill(pid!, 'SIGKILL')
      // it has died before this process takes its next turn, and hears of it
      while (!/ [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
      expect(worker.isConnected()).to.equal(true)
      machine.emit('born')
      await once(worker, 'exit')
    } finally {
      for (const each of cluster.listeners('message'))
        if (!heard.has(each)) cluster.off('message', each as (...given: unknown[]) => void)
      worker.process.kill('SIGKILL')
      rmSync(folder, { recursive: true })
    }
  })
})
