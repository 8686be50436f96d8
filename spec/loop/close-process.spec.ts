import { expect } from 'chai'
import { linesOf } from '../support/lines.js'

/** A server with two streams that are held, and their clients: in one process, which nothing but them keeps. */
const held = `
  import { once } from 'node:events'
  import { createServer } from 'node:http'
  import { connect } from 'node:net'
  import express from 'express'
  import { createHub, resources, sse } from './lib/index.ts'

  const hub = createHub()
  const news = hub.channel('news')
  const endpoint = resources({ '/news': { contentTypesProvided: [sse()], subscribe: news } })
  const sockets = []
  const server = createServer(express().use(endpoint)).on('connection', (socket) => sockets.push(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  for (let count = 1; count <= 2; count++) {
    const client = connect(server.address().port, '127.0.0.1')
    client.write('GET /news HTTP/1.1\\r\\nHost: spec\\r\\n\\r\\n')
    await once(client, 'data')
    sockets.push(client)
  }
  const open = () => [...endpoint.streams].length
  const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
`

describe('endpoint.close() in a process that nothing else keeps (docs/operate/operating.md)', () => {
  it('goes on behind its `await`, when all clients have left as well', async () => {
    const lines = await linesOf(`${held}
      const closed = new Promise((resolve) => server.close(resolve))
      const closing = endpoint.close({ over: 3_600_000 })
      for (const socket of sockets) socket.destroy()
      await closing
      console.log('streams', open())
      await hub.close()
      console.log('hub')
      await closed
      console.log('server')
    `)
    expect(lines).to.deep.equal(['streams 0', 'hub', 'server'])
  })

  it('keeps it as long as it has something to do, and no longer', async () => {
    const lines = await linesOf(`${held}
      for (const each of [server, ...sockets]) each.unref()
      process.on('exit', () => console.log('exit'))
      console.log('before', open(), timers())
      const closing = endpoint.close({ over: 100 })
      console.log('meanwhile', open(), timers())
      await closing
      console.log('after', open(), timers())
    `)
    expect(lines).to.deep.equal(['before 2 0', 'meanwhile 1 1', 'after 0 0', 'exit'])
  })
})
