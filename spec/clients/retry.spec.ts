import { expect } from 'chai'
import { type Endpoint, event, loop, type PlainSpec, sse, stop } from '../../lib/index.js'
import { staged } from '../support/stage.js'
import { eventSources, type Served, serve, withEach } from './clients.js'

type Table = Readonly<Record<string, PlainSpec | Endpoint>>

/** A stream of one event that ends, whose clients come back after 10 ms. */
const brief = loop({ format: sse(), subscribe: () => ['brief'], stream: { retry: 10 } })

describe('Real EventSources', () => {
  staged()

  withEach(eventSources, (client) => {
    let site: Served

    async function listen(table: Table) {
      site = await serve({ '/brief': brief, ...table }, { client })
      return (path: string, closesOn?: string) =>
        client.listen(`${site.url}${path}`, { ...(closesOn && { closesOn }) })
    }

    const askedFor = (path: string) => site.asked.filter(({ url }) => url === path).length

    /** While this goes by, who would come back after 10 ms has come back. */
    async function comingsBack(follow: Awaited<ReturnType<typeof listen>>, times: number): Promise<void> {
      const other = follow('/brief')
      await other.opens(times)
      other.close()
    }

    it('come back when a stream has ended, each time', async () => {
      const follow = await listen({})
      await follow('/brief').opens(4)
      expect(askedFor('/brief')).to.be.at.least(4)
    })

    it('come back after the time that `retry` says: sooner than one that was told a longer one, and lost its stream before', async () => {
      const rare = loop({ format: sse(), subscribe: () => ['rare'], stream: { retry: 60_000 } })
      const follow = await listen({ '/rare': rare })
      const patient = follow('/rare')
      await patient.loses(1)
      await follow('/brief').opens(3)
      expect([patient.opened, askedFor('/rare')]).to.deep.equal([1, 1])
    })

    it('take a `retry` from a stream without events, as from any event', async () => {
      let times = 0
      const answers = [event(undefined, { retry: 10 }), event('more', { retry: 20 })]
      const told = loop({ format: sse(), subscribe: () => [answers[times++ % 2]] })
      const follow = await listen({ '/told': told })
      await follow('/told').opens(4)
      expect(askedFor('/told')).to.be.at.least(4)
    })

    for (const callback of ['serviceAvailable', 'resourceExists', 'subscribe'] as const) {
      it(`stop for good at a 204: stop() from ${callback} (WHATWG HTML 9.2.3)`, async () => {
        let times = 0
        const spec: PlainSpec = {
          contentTypesProvided: [sse()],
          subscribe: () => ['once'],
          stream: { retry: 10 },
          [callback]: () => (++times === 1 ? (callback === 'subscribe' ? ['once'] : true) : stop()),
        }
        const follow = await listen({ '/stopped': spec })
        const listening = follow('/stopped')
        await listening.closed()
        await comingsBack(follow, 3)
        expect([listening.opened, listening.lost, askedFor('/stopped')]).to.deep.equal([1, 1, 2])
        expect(listening.got.map(({ data }) => data)).to.deep.equal(['once'])
      })
    }

    it('that close themselves at `end` do not come back (docs/guide/loop.md: endEvent)', async () => {
      const ending = loop({ format: sse(), subscribe: () => ['all'], stream: { retry: 10, endEvent: true } })
      const follow = await listen({ '/ending': ending })
      const listening = follow('/ending', 'end')
      const [all, end] = [await listening.next(), await listening.next()]
      expect(all.data).to.equal('all')
      expect([end.type, end.data]).to.deep.equal(['end', '{"reason":"end"}'])
      await comingsBack(follow, 3)
      expect([listening.opened, listening.lost, askedFor('/ending')]).to.deep.equal([1, 0, 1])
    })

    it('that do not, come back after `end` as after any other event', async () => {
      const ending = loop({ format: sse(), subscribe: () => ['all'], stream: { retry: 10, endEvent: true } })
      const follow = await listen({ '/ending': ending })
      const listening = follow('/ending')
      await listening.opens(3)
      expect(listening.got.slice(0, 4).map(({ type }) => type)).to.deep.equal([
        'message',
        'end',
        'message',
        'end',
      ])
    })
  })
})
