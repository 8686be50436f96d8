import { join } from 'node:path'
import { expect } from 'chai'
import { compilers, complaints } from '../support/compile.js'
import { ask } from './curl.js'
import { examples } from './pages.js'
import { Folder } from './running.js'

describe('The examples of the documentation', function () {
  this.timeout(120_000)
  let folder: Folder

  before(async () => {
    folder = await Folder.make()
  })

  after(() => folder.remove())

  it('compile', async () => {
    const compiler = compilers['TypeScript 7']
    expect(await complaints(compiler, folder.path)).to.equal('')
    expect(await complaints(compiler, join(folder.path, 'js'))).to.equal('')
  })

  for (const example of examples.filter(({ commands }) => commands.length > 0)) {
    it(`${example.where} answers what the page shows`, async () => {
      const { port, stop } = await folder.run(example)
      try {
        for (const { command, shown } of example.commands) await ask(command, port, shown)
      } finally {
        await stop()
      }
    })
  }
})
