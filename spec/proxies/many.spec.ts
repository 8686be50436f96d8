import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { needs } from '../support/installed.js'
import { patience } from './fronts.js'

const script = fileURLToPath(new URL('many.ts', import.meta.url))

describe('Many streams at once through the proxies (docs/operate/proxies.md)', function () {
  this.timeout(patience)
  needs('nginx')
  needs('haproxy')
  needs('openssl')

  it('are opened, get an event and are noticed as gone: the script, with a few of them', async () => {
    const given = ['--import', 'tsx', script, '12']
    const { stdout } = await promisify(execFile)(process.execPath, given, { timeout: patience })
    expect(stdout.match(/^.+HTTP\/\d.*: 12 streams opened .+ all gone in .+$/gm)).to.have.length(4)
  })
})
