import { expect } from 'chai'
import { Findings } from '../../tools/load/findings.js'
import { disturb, type Outcome } from '../../tools/load/restarts/course.js'
import { report } from '../../tools/load/restarts/report.js'
import { needs } from '../support/installed.js'

describe('Processes that share a Redis, a tenth of `npm run load -- --processes 4 --redis`', function () {
  needs('redis-server')
  this.timeout(300_000)
  const findings = new Findings()
  let outcome: Outcome

  before(async () => {
    const course = {
      ...{ processes: 4, streams: 200, perSecond: 20, kills: 4 },
      ...{ frozen: 2500, killsWhileAway: false },
    }
    outcome = await disturb(course, findings)
  })

  it('restarted and killed in turn, and with a Redis killed, frozen and rolled back, they lose nothing untold', () => {
    expect(findings.all, report(outcome)).to.deep.equal([])
  })

  it('each kind of disturbance was one: clients came back, were told of gaps, and publishers were refused', () => {
    const [calm, rolledBack, restarted, killed] = outcome.disturbances
    expect(calm).to.include({ reconnects: 0, refusals: 0 })
    expect(rolledBack!.gaps.unknown).to.be.above(0)
    for (const each of [restarted!, killed!]) {
      expect(each.reconnects).to.be.at.least(200)
      expect(each.gaps.trimmed, 'of the rooms that forget').to.be.above(0)
    }
    expect(outcome.balance.lost).to.be.above(0)
    expect(outcome.balance.refused).to.be.above(0)
  })
})
