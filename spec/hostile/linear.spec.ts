import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { Cost } from './reading.js'
import { shapes } from './shapes.js'

/** How much more work each of the lengths is than the one before, by which the work may be measured. */
function growth({ works }: Cost, kind: 'blocks' | 'characters'): readonly number[] {
  return works.slice(1).map((work, index) => work[kind] / works[index]![kind])
}

describe('A header is read in linear time, however it is made: twice the length is twice the work (CWE-407)', () => {
  let costs: readonly Cost[]

  before(async function () {
    this.timeout(120_000)
    const reading = fileURLToPath(new URL('reading.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', reading], {
      maxBuffer: Infinity,
    })
    costs = JSON.parse(stdout)
  })

  for (const header of Object.keys(shapes).filter((each) => each !== 'any')) {
    it(`${header}, of 4, 8 and 16 KiB, and of 64 where the server lets that through`, () => {
      const read = costs.filter(({ what }) => what.startsWith(`${header}:`))
      expect(read.length).to.be.above(1)
      for (const cost of read) {
        for (const kind of ['blocks', 'characters'] as const) {
          const [four, eight, sixteen] = growth(cost, kind)
          expect(four, `${kind} of ${cost.what}`).to.be.below(2.2)
          expect(eight, `${kind} of ${cost.what}`).to.be.below(2.2)
          expect(sixteen, `${kind} of ${cost.what}`).to.be.below(4.4)
        }
      }
    })
  }

  it('A long Accept is a lot of work: what is counted is the reading', () => {
    const accept = costs.find(({ what }) => what.startsWith('accept: "*/*,"'))!
    const [first, , , last] = accept.works
    for (const kind of ['blocks', 'characters'] as const) expect(last![kind] / first![kind]).to.be.above(12)
  })

  it('The counters see what grows by the square, in code and in what the engine does', () => {
    const named = (name: string) => costs.find(({ what }) => what === name)!
    for (const each of growth(named('nested'), 'blocks')) expect(each).to.be.above(3.5)
    for (const each of growth(named('cutting'), 'characters')) expect(each).to.be.above(3.5)
  })
})
