import { expect } from 'chai'
import { type Beside, comeAndGo, judge } from '../../tools/load/churned.js'
import { Findings } from '../../tools/load/findings.js'
import { openAndClose } from '../../tools/load/opened.js'
import { compile, Station } from '../../tools/load/station.js'
import { isFull } from '../support/runs.js'

describe('Under load, a tenth of `npm run load`', function () {
  this.timeout(180_000)
  let station: Station
  let findings: Findings

  before(compile)

  beforeEach(async () => {
    findings = new Findings()
    station = await Station.start({ who: 'lariat', clients: 2, isPinned: false })
  })

  afterEach(() => station.stop())

  it('1,000 streams that open at once and close at once, three times over, get all in order and leave nothing behind', async () => {
    await openAndClose(station, { streams: 1000, rounds: 3 }, findings)
    expect(findings.all).to.deep.equal([])
  })

  // of the tool itself
  const inFull = isFull ? it : it.skip
  inFull(
    'what keeps a reference to each stream that is over is found out by the heap, and by nothing else',
    async () => {
      await station.server.ask('leak', null)
      await openAndClose(station, { streams: 300, rounds: 2 }, findings)
      expect(findings.all).to.have.length(1)
      expect(findings.all[0]).to.match(
        /^after the last round: bytes that the heap has grown since the first: \d{7,}/,
      )
    },
  )

  describe('beside streams that stay', () => {
    let before: Awaited<ReturnType<Station['until']>>
    let beside: Beside

    beforeEach(async () => {
      before = await station.until(0)
      beside = await comeAndGo(station, { steady: 50, perSecond: 20, rate: 200, seconds: 3 })
    })

    it('200 connections a second come and go: nobody misses an event, and nothing is left over', async () => {
      judge(beside, 'beside', findings)
      findings.isBack('after', await station.until(0), before)
      expect(findings.all).to.deep.equal([])
      expect(beside.churned.begun).to.equal(600)
    })
  })
})
