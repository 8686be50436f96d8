import { join } from 'node:path'
import { expect } from 'chai'
import { compilers, complaints } from '../support/compile.js'
import { needs } from '../support/installed.js'
import { RedisServer } from '../support/redis/server.js'
import { ask } from './curl.js'
import { type Example, examples } from './pages.js'
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

  const asked = examples.filter(({ commands }) => commands.length > 0)
  const isOnRedis = ({ code }: Example) => code.includes('express-lariat/redis')

  for (const example of asked.filter((each) => !isOnRedis(each))) answers(example)

  describe('on Redis', () => {
    needs('redis-server')
    const server = new RedisServer()
    before(async () => {
      await server.start()
      process.env.REDIS_URL = server.url
    })
    after(async () => {
      delete process.env.REDIS_URL
      await server.close()
    })

    for (const example of asked.filter(isOnRedis)) answers(example)
  })

  function answers(example: Example): void {
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
