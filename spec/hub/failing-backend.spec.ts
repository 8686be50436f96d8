import { expect } from 'chai'
import { is } from '../../lib/brand.js'
import { stored } from '../../lib/hub/authoring.js'
import type { Backend, Log, Receiver } from '../../lib/hub/backend.js'
import { createHub, ndjson, type Reason, resource } from '../../lib/index.js'
import { stage, staged, turns } from '../support/stage.js'

const reading = { outcome: 'found', from: 'id-1', before: 'id-1', hasEnded: false } as const

/** A backend with faults of its own. */
function broken(faults: Partial<Log> & { stop?: () => unknown } = {}) {
  const { stop = () => {}, ...others } = faults
  const receivers = new Set<Receiver>()
  const backend: Backend = {
    [is]: 'backend',
    open: (): Log => ({
      publish(data, { type }) {
        for (const receiver of receivers) receiver.event(stored('id-2', data, type))
        return 'id-2'
      },
      listen(receiver) {
        receivers.add(receiver)
        return () => {
          receivers.delete(receiver)
          return stop()
        }
      },
      read: () => ({ ...reading, events: [] }),
      position: () => 'id-1',
      end: () => {},
      drop: () => {},
      compare: (one, other) => Number(one.slice(3)) - Number(other.slice(3)),
      isImmediate: true,
      latest: undefined,
      isEmpty: true,
      ...others,
    }),
    on: () => {},
    close: () => {},
  }
  return backend
}

const fails = {
  throws: () => {
    throw new Error('broken')
  },
  rejects: () => Promise.reject(new Error('broken')),
}

describe('A backend that fails (docs/guide/channels.md)', () => {
  staged()

  for (const [name, path] of Object.entries({
    'a stream that shares': '/',
    'a stream that comes back': '/?lastEventId=id-1',
  })) {
    for (const [how, subscribing] of Object.entries({
      'a channel as subscribe': 'channel',
      'a synchronous subscribe': 'sync',
      'an asynchronous subscribe': 'async',
    })) {
      it(`to listen: ${name}, with ${how}, is an error answer, and its place is free again`, async () => {
        const channel = createHub(broken({ listen: fails.throws as never })).channel<number>('a')
        const reasons: Reason[] = []
        const endpoint = resource({
          contentTypesProvided: [ndjson()],
          subscribe:
            subscribing === 'channel'
              ? channel
              : () => (subscribing === 'async' ? Promise.resolve(channel) : channel),
          terminate: (reason) => reasons.push(reason),
          stream: { maxStreams: 1 },
        })
        const site = await stage.now.serve(endpoint)
        for (const _ of [1, 2]) expect((await site.get(path).whole()).status).to.equal(500)
        expect(reasons.map(({ kind, error }) => `${kind}: ${error}`)).to.deep.equal([
          'error: Error: broken',
          'error: Error: broken',
        ])
        expect([...endpoint.streams]).to.deep.equal([])
      })
    }
  }

  for (const [how, stop] of Object.entries(fails)) {
    it(`to stop listening, which ${how}: a warning; the source is stopped, and the channel goes on`, async () => {
      let isStopped = false
      const channel = createHub(broken({ stop })).channel<number>('a', {
        source: () => () => {
          isStopped = true
        },
      })
      const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: channel }))
      const client = site.get()
      await client.head()
      client.leave()
      while (channel.subscribers > 0) await turns(1)
      expect((await stage.now.warning()).message).to.match(
        /channel 'a' failed to stop listening: Error: broken/,
      )
      expect(isStopped).to.equal(true)
      const next = site.get()
      await next.head()
      await channel.publish(1)
      expect(await next.until('\n')).to.equal('1\n')
      next.leave()
      while (channel.subscribers > 0) await turns(1)
      await stage.now.warning()
    })

    it(`to stop listening, which ${how}, when the hub is closed: all streams end, in all channels`, async () => {
      const hub = createHub(broken({ stop }))
      const channels = [hub.channel<number>('a'), hub.channel<number>('b')]
      const site = await stage.now.serve(
        resource({
          contentTypesProvided: [ndjson()],
          subscribe: ({ req }) => channels[Number(req.path.slice(1))],
        }),
      )
      const clients = [site.get('/0'), site.get('/1')]
      for (const client of clients) await client.head()
      await hub.close()
      for (const client of clients) expect((await client.whole()).isWhole).to.equal(true)
      await stage.now.warning()
      await stage.now.warning()
    })

    it(`to close a reading, which ${how}: nobody is told, and the stream has left`, async () => {
      const events = {
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: stop as never }),
      }
      const read: Log['read'] = () => ({ ...reading, events })
      const channel = createHub(broken({ read })).channel<number>('a')
      const site = await stage.now.serve(resource({ contentTypesProvided: [ndjson()], subscribe: channel }))
      const client = site.get('/?lastEventId=id-1')
      await client.head()
      client.leave()
      while (channel.subscribers > 0) await turns(1)
      await turns()
    })
  }
})
