import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { type Example, examples, pages } from './pages.js'
import { Folder } from './running.js'

const run = promisify(execFile)

/** The two ways to run an example that a page names. */
function ways(page: string): { command: string; extension: string } {
  const [, command = '', extension = ''] =
    /ES modules: run `([^`]+)`, or save them as `([^`]+)`/.exec(pages.get(page)!) ?? []
  return { command, extension }
}

describe('An example in a new folder (docs/guide/getting-started.md)', function () {
  this.timeout(30_000)
  const { command, extension } = ways('docs/guide/getting-started.md')
  const example = examples.find(
    ({ language, code }) => language === 'ts' && /^await /m.test(code) && code.includes('.listen('),
  ) as Example
  let folder: Folder

  beforeEach(async () => {
    folder = await Folder.make({ name: 'new', type: 'commonjs' }) // as `npm init -y` writes it
  })

  afterEach(() => folder.remove())

  async function listens(started: Example): Promise<void> {
    const { port, stop } = await folder.runByTsx(started)
    await stop()
    expect(port).to.be.above(0)
  }

  it('is described alike in the README', () => {
    expect(ways('README.md')).to.deep.equal({ command, extension })
  })

  it('is an ES module, which does not run as CommonJS', async () => {
    const error = await listens(example).catch((error: Error) => error)
    expect(error).to.be.instanceOf(Error).with.property('message').that.includes('Top-level await')
  })

  it('runs if it is saved under the extension that the page names', async () => {
    await listens(await folder.saveAs(example, extension))
  })

  it('runs after the command that the page names', async () => {
    const [program = '', ...given] = command.split(' ')
    await run(program, given, { cwd: folder.path })
    await listens(example)
  })
})
