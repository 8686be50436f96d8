import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { bundled } from '../support/bundled.js'
import { needs } from '../support/installed.js'
import { patience } from './fronts.js'

describe('Many streams at once through the proxies (docs/operate/proxies.md)', function () {
  this.timeout(patience)
  needs('nginx')
  needs('haproxy')
  needs('openssl')

  it('are opened, get an event and are noticed as gone: the script, with a few of them', async () => {
    const given = [await bundled('spec/proxies/many.ts'), '12']
    const { stdout } = await promisify(execFile)(process.execPath, given, { timeout: patience })
    expect(stdout.match(/^.+HTTP\/\d.*: 12 streams opened .+ all gone in .+$/gm)).to.have.length(4)
  })
})
