import { expect } from 'chai'
import { ndjson, resources } from '../../lib/index.js'
import { inspector } from '../../lib/inspector.js'
import { stage, staged, turns, turnsUntil } from '../support/stage.js'
import { type Fault, type Foreign, faults } from './faults.js'
import { meet, settle, silently } from './meet.js'

const of = () => resources({ '/news': { contentTypesProvided: [ndjson()], subscribe: () => {} } })
const asSse = { headers: { Accept: 'text/event-stream' } }

describe('The `isAuthorized` of an inspector (docs/operate/inspector.md)', () => {
  staged()
  silently()

  for (const [fault, act] of Object.entries(faults) as [Fault, Foreign][]) {
    for (const path of ['/', '/feed', '/tail?channel=a', '/decisions/1', '/graph.svg'])
      it(`${fault} at ${path}: nobody is let in, and nothing for the process`, async () => {
        let asked = 0
        const endpoint = inspector({
          of: of(),
          isAuthorized: () => {
            asked += 1
            return act() as boolean
          },
        })
        const meeting = await meet(endpoint as never, { path })
        try {
          await meeting.sees(fault === 'never answers' ? '503' : '500')
        } finally {
          await settle(endpoint as never, meeting.client)
        }
        expect(asked).to.be.above(0)
      })

    it(`${fault} when it is asked again: the feed ends`, async () => {
      let asked = 0
      const endpoint = inspector({
        of: of(),
        isAuthorized: () => (++asked === 1 ? true : (act() as boolean)),
      })
      const { client } = await meet(endpoint as never, { path: '/feed', ask: asSse })
      try {
        await client.until('event: view')
        stage.now.time.advance(5000)
        await turns()
        stage.now.time.advance(30_000)
        await turnsUntil(() => client.messages[0]?.isWhole === true)
      } finally {
        await settle(endpoint as never, client)
      }
      expect(asked).to.equal(2)
    })
  }
})
