import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Sample } from '../../../demo/bookshop/sampler.js'
import { all, next, recordsOf, until } from './demo.js'
import { run, startServer, urlOf } from './process.js'

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('The demo: the server', function () {
  this.timeout(30_000)

  it('`npm run demo` starts it, and Ctrl-C stops all of it', async () => {
    const npm = run('npm', ['run', 'demo'], {}, { detached: true })
    const exited = once(npm, 'exit')
    const url = await urlOf(npm)
    const answer = await fetch(url)
    expect(answer.status).to.equal(200)
    const page = await answer.text()
    for (const path of ['books', 'events/stream', 'stream', 'tail', 'echo']) {
      expect(page).to.include(`${url}/api/${path}`)
    }
    process.kill(-npm.pid!, 'SIGINT')
    await exited
    await until(() =>
      fetch(url)
        .then(() => false)
        .catch(() => true),
    )
  })

  it('On SIGTERM its open streams end complete, and it ends by itself, with its sampler', async () => {
    const server = await startServer()
    const exited = once(server, 'exit')
    const url = await urlOf(server)
    const samples = recordsOf<Sample>(await fetch(`${url}/api/stream`))
    const [sample] = await next(1, samples)
    const firehoses = await Promise.all([1, 2, 3].map(() => fetch(`${url}/api/events/stream`)))
    server.kill('SIGTERM')
    // a stream that is cut throws
    await all(samples)
    const position = /^:\nretry: 1000\nevent: position\nid: .*-0\ndata: .*\n\n$/
    for (const each of firehoses) expect(await each.text()).to.match(position)
    expect(await exited).to.deep.equal([0, null])
    await until(() => !isAlive(sample!.pid))
  })

  it('On SIGTERM it takes no new connection while its streams end (docs/operate/operating.md)', async () => {
    const server = await startServer()
    const exited = once(server, 'exit')
    const url = await urlOf(server)
    const streams = await Promise.all([1, 2, 3].map(() => fetch(`${url}/api/events/stream`)))
    server.kill('SIGTERM')
    await streams[0]!.text()
    const refused = await new Promise((resolve) => get(url, { agent: false }, resolve).on('error', resolve))
    expect(refused).to.have.property('code', 'ECONNREFUSED')
    await Promise.all(streams.slice(1).map((each) => each.text()))
    await exited
  })

  it('Killed without a word, it leaves no sampler behind', async () => {
    const server = await startServer()
    const exited = once(server, 'exit')
    const samples = recordsOf<Sample>(await fetch(`${await urlOf(server)}/api/stream`))
    const [sample] = await next(1, samples)
    server.kill('SIGKILL')
    await all(samples).catch(() => {})
    await exited
    await until(() => !isAlive(sample!.pid))
  })

  it('Where the port is taken it says so, and ends', async () => {
    const other = createServer().listen(0)
    await once(other, 'listening')
    const server = await startServer({ PORT: String((other.address() as AddressInfo).port) })
    let said = ''
    server.stderr!.on('data', (piece) => {
      said += piece
    })
    expect(await once(server, 'close')).to.deep.equal([1, null])
    expect(said).to.match(/^listen EADDRINUSE/)
    other.close()
  })
})
