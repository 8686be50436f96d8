import { expect } from 'chai'
import { staged } from '../support/stage.js'
import { type Fault, type Foreign, faults } from './faults.js'
import { meet, settle, silently } from './meet.js'
import { type Place, places } from './places.js'

function seen({ fails, never = fails, twice = fails }: Place, fault: Fault) {
  if (fault === 'never answers') return never
  return fault === 'calls back twice, then throws' ? twice : fails
}

describe('Code that is not ours, wherever the library calls it (docs/guide/errors.md)', () => {
  staged()
  silently()

  for (const [name, place] of Object.entries(places)) {
    for (const [fault, act] of Object.entries(faults) as [Fault, Foreign][]) {
      if (place.without?.includes(fault)) continue
      it(`${name} ${fault}: nothing for the process, and no client that hangs`, async () => {
        let asked = 0
        const foreign: Foreign = (...given) => {
          asked += 1
          return act(...given)
        }
        const endpoint = place.make(foreign)
        const { make: _, drive, fails: __, ...options } = place
        const meeting = await meet(endpoint, options)
        try {
          await drive?.(meeting, endpoint)
          await meeting.sees(seen(place, fault))
        } finally {
          await settle(endpoint, meeting.client)
        }
        expect(asked, 'calls').to.be.above(0)
        expect([...endpoint.streams]).to.deep.equal([])
      })
    }
  }
})
