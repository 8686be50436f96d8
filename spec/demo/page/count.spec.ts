import { expect } from 'chai'
import fc from 'fast-check'
import { Count } from '../../../demo/bookshop/page/count.js'

const countsOf = ({ seen, missed, isMore, twice }: Count) => ({ seen, missed, isMore, twice })

/** What is counted of ids; `trimmed a-7` and `unknown a-7` are gaps that are told, and their ids. */
function counted(position: string | undefined, ids: readonly string[]) {
  const count = new Count(position)
  for (const id of ids) {
    const [, reason, place] = /^(trimmed|unknown) (.*)/.exec(id) ?? []
    if (place) count.gap(place, reason as 'trimmed' | 'unknown')
    else count.see(id)
  }
  return countsOf(count)
}

describe('The demo: what the page counts', () => {
  const cases: [what: string, position: string | undefined, ids: string[], missed: number, twice: number][] =
    [
      ['each event once, from the position on', 'a-7', ['a-8', 'a-9'], 0, 0],
      ['each event once, from the beginning on', undefined, ['a-1', 'a-2'], 0, 0],
      ['an event that is missed', 'a-7', ['a-8', 'a-10'], 1, 0],
      ['several that are missed', 'a-7', ['a-11', 'a-12'], 3, 0],
      ['the first ones missed', undefined, ['a-3'], 2, 0],
      ['an event that comes twice', 'a-7', ['a-8', 'a-8'], 0, 1],
      ['one that was there before the page', 'a-7', ['a-7', 'a-8'], 0, 1],
      ['a new epoch without a word', 'a-7', ['b-1'], 1, 0],
      ['what was trimmed, told by a gap', 'a-7', ['trimmed a-19', 'a-20', 'a-21'], 12, 0],
      ['what is missed after a gap', 'a-7', ['trimmed a-19', 'a-20', 'a-22'], 13, 0],
      ['in Redis, whose ids have a time: each event once', 'a-x-7', ['a-y-8', 'a-y-9'], 0, 0],
      ['in Redis, an event that is missed', 'a-x-7', ['a-y-8', 'a-z-10'], 1, 0],
      ['in Redis, an event that comes twice', 'a-x-7', ['a-y-8', 'a-y-8', 'a-x-7'], 0, 2],
      ['what comes twice after a gap', 'a-7', ['a-8', 'trimmed a-8', 'a-8', 'a-9'], 0, 1],
    ]

  for (const [what, position, ids, missed, twice] of cases) {
    it(`${what}: ${missed} missed, ${twice} twice`, () => {
      expect(counted(position, ids)).to.include({ missed, twice })
    })
  }

  const restarts: [what: string, ids: string[], missed: number][] = [
    ['nothing of which is retained', ['unknown b-0', 'b-1', 'b-2'], 0],
    ['in its midst', ['unknown b-4', 'b-5', 'b-6'], 0],
    ['and one more missed', ['unknown b-4', 'b-5', 'b-7'], 1],
    ['of the same epoch: Redis has lost its latest events', ['unknown a-x-5', 'a-z-6', 'a-z-7'], 0],
    ['nothing after which has happened yet', ['unknown b-0'], 0],
  ]

  for (const [what, ids, missed] of restarts) {
    it(`a gap after which nobody knows the last event, ${what}: ${missed} missed, and nobody knows how many more`, () => {
      expect(counted('a-y-7', ids)).to.include({ missed, isMore: true, twice: 0 })
    })
  }

  it('of any events of which some are left out and some come again, how many (property)', () => {
    const step = fc.record({ skipped: fc.nat(3), again: fc.nat(2) })
    fc.assert(
      fc.property(fc.array(step), fc.nat(1000), (steps, start) => {
        const ids: string[] = []
        let number = start
        for (const { skipped, again } of steps) {
          number += skipped + 1
          for (let time = 0; time <= again; time++) ids.push(`5b0c61f2a9-${number}`)
        }
        const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0)
        expect(counted(`5b0c61f2a9-${start}`, ids)).to.deep.equal({
          seen: steps.length,
          missed: sum(steps.map(({ skipped }) => skipped)),
          isMore: false,
          twice: sum(steps.map(({ again }) => again)),
        })
      }),
    )
  })
})
