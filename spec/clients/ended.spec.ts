import { expect } from 'chai'
import { createHub, loop, sse } from '../../lib/index.js'
import { staged, turns } from '../support/stage.js'
import { serve, withEach } from './clients.js'
import { packages } from './event-sources.js'

describe('Real EventSources, of a channel that has ended (docs/guide/channels.md)', () => {
  staged()

  withEach(packages, (client) => {
    it('they come back once, and stay away after the 204: nothing is missed, and nothing comes twice', async () => {
      const answer = createHub().channel<number>('answer', { history: 10 })
      const endpoint = loop({ format: sse(), subscribe: answer.from('earliest'), stream: { retry: 5 } })
      const site = await serve({ '/answer': endpoint }, { client })
      await answer.publish(1)
      const early = client.listen(`${site.url}/answer`)
      await early.next()
      await answer.publish(2)
      await answer.end()
      const late = client.listen(`${site.url}/answer`)
      for (const listening of [early, late]) {
        await listening.closed()
        expect(listening.got.map(({ data }) => data)).to.deep.equal(['1', '2'])
        expect(listening.opened).to.equal(1)
      }
      // each once for the answer, and once for the 204
      await turns(100)
      expect(site.asked).to.have.length(4)
    })

    it('with endEvent they can close themselves, and need not come back', async () => {
      const answer = createHub().channel<number>('answer', { history: 10 })
      const endpoint = loop({ format: sse(), subscribe: answer.from('earliest'), stream: { endEvent: true } })
      const site = await serve({ '/answer': endpoint }, { client })
      await answer.publish(1)
      await answer.end()
      const listening = client.listen(`${site.url}/answer`, { closesOn: 'end' })
      await listening.next()
      expect(await listening.next()).to.include({ type: 'end', data: '{"reason":"end"}' })
      await turns(100)
      expect(site.asked).to.have.length(1)
    })
  })
})
