import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { examples } from './pages.js'
import { Folder } from './running.js'

describe('The tests of docs/guide/backends.md', function () {
  this.timeout(120_000)
  let folder: Folder

  before(async () => {
    folder = await Folder.make()
  })

  after(() => folder.remove())

  it('pass as they are printed, by node --test', async () => {
    const tests = examples.filter(
      ({ where, file }) => where.includes('backends.md') && file.endsWith('.test.ts'),
    )
    const given = ['--import', 'tsx', '--test', '--test-reporter', 'tap', ...tests.map(({ file }) => file)]
    const child = spawn(process.execPath, given, { cwd: folder.path, stdio: ['ignore', 'pipe', 'inherit'] })
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    expect(code, printed).to.equal(0)
    expect(Number(/^# pass (\d+)$/m.exec(printed)?.[1])).to.be.above(50)
  })
})
