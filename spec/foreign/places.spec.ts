import { expect } from 'chai'
import { loopRules, resourceRules } from '../../lib/declare/check.js'
import { streamRules } from '../../lib/declare/options.js'
import { csvRules, partRules } from '../../lib/formats/check.js'
import { staged } from '../support/stage.js'
import { deciding as names } from './deciding.js'
import { type Fault, type Foreign, faults } from './faults.js'
import { meet, settle, silently } from './meet.js'
import { type Place, places } from './places.js'

function seen({ fails, never = fails, twice = fails }: Place, fault: Fault) {
  if (fault === 'never answers') return never
  return fault === 'calls back twice, then throws' ? twice : fails
}

describe('Code that is not ours, wherever the library calls it (docs/operate/security.md)', () => {
  staged()
  silently()

  it('every key of a spec, an option and a format that takes a function is listed here, or decides', () => {
    const rules = { ...resourceRules, ...loopRules, ...streamRules, ...partRules, ...csvRules }
    const taking = Object.entries(rules).filter(([, [fits]]) => fits(() => {}))
    const tried = new Set([...Object.keys(places).map((name) => name.split(/[ ,]/)[0]), ...names])
    expect(taking.map(([key]) => key).filter((key) => !tried.has(key))).to.deep.equal([])
  })

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
