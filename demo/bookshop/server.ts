import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { makeApp } from './app.js'

const { app, close } = makeApp()
const server = createServer(app)

server.on('error', (error) => {
  console.error(error.message)
  process.exitCode = 1
  void close()
})

server.listen(Number(process.env.PORT || 3000), () => {
  console.log(`The demo is at http://localhost:${(server.address() as AddressInfo).port}`)
})

process.once('SIGINT', shutDown).once('SIGTERM', shutDown)

/** Takes no new connections, ends the open streams, and cuts what is left. */
async function shutDown() {
  server.close()
  await close(500)
  setTimeout(() => server.closeAllConnections(), 500).unref()
}
