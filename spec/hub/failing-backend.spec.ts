import { expect } from 'chai'
import { is } from '../../lib/brand.js'
import type { Backend, Log } from '../../lib/hub/backend.js'
import { createHub, ndjson, type Reason, resource } from '../../lib/index.js'
import { stage, staged } from '../support/stage.js'

/** A backend that cannot listen. */
const deaf: Backend = {
  [is]: 'backend',
  open: (): Log => ({
    publish: () => 'id-1',
    listen() {
      throw new Error('no connection')
    },
    read: () => ({ outcome: 'found', from: 'id-1', events: [] }),
    compare: () => 0,
    isImmediate: true,
    latest: undefined,
  }),
  on: () => {},
  close: () => {},
}

describe('A backend that fails to listen (docs/guide/channels.md)', () => {
  staged()

  for (const [name, path] of Object.entries({
    'a stream that shares': '/',
    'a stream that comes back': '/?lastEventId=id-1',
  })) {
    for (const isAsync of [false, true]) {
      it(`${name}, with ${isAsync ? 'an asynchronous' : 'a synchronous'} subscribe: an error answer, and its place is free again`, async () => {
        const channel = createHub(deaf).channel<number>('a')
        const reasons: Reason[] = []
        const endpoint = resource({
          contentTypesProvided: [ndjson()],
          subscribe: () => (isAsync ? Promise.resolve(channel) : channel),
          terminate: (reason) => reasons.push(reason),
          stream: { maxStreams: 1 },
        })
        const site = await stage.now.serve(endpoint)
        for (const _ of [1, 2]) expect((await site.get(path).whole()).status).to.equal(500)
        expect(reasons.map(({ kind, error }) => `${kind}: ${error}`)).to.deep.equal([
          'error: Error: no connection',
          'error: Error: no connection',
        ])
        expect([...endpoint.streams]).to.deep.equal([])
      })
    }
  }
})
