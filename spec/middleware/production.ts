// Apps for the specs of NODE_ENV=production, in a process of their own: one for each version of Express.
import type { AddressInfo } from 'node:net'
import { resources, sse } from '../../lib/index.js'
import { expresses } from '../support/http.js'

const servers = Object.values(expresses).map((express) =>
  express()
    .use(
      resources(
        {
          '/throws': {
            contentTypesProvided: [sse()],
            subscribe: () => {
              throw new Error('secret')
            },
            terminate() {},
          },
          '/refuses': { isAuthorized: 'Bearer', contentTypesProvided: { 'text/plain': () => '' } },
          '/items/:id': { contentTypesProvided: { 'text/plain': () => 'fine' } },
        },
        { trace: true },
      ),
    )
    .listen(0, '127.0.0.1'),
)

await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
process.send!(servers.map((server) => (server.address() as AddressInfo).port))
