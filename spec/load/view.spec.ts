import { expect } from 'chai'
import { factsOf } from '../../tools/load/restarts/truth.js'
import { flawsOf, type Seen } from '../../tools/load/restarts/view.js'

const room = 'room 0'
const plain = { feed: 'plain', rooms: [room] } as const
const even = { feed: 'even', rooms: [room] } as const

/** The event of a number, published at so many milliseconds. */
const idOf = (number: number, ms = number) => `epoch-${ms.toString(36)}-${number}`
const event = (number: number, place = number, ms = place): Seen => ({
  kind: 'event',
  id: idOf(place, ms),
  number,
})
const position = (number: number): Seen => ({ kind: 'position', id: idOf(number) })
const gap = (reason: 'trimmed' | 'unknown', number: number): Seen => ({
  kind: 'gap',
  id: idOf(number),
  reason,
  at: 0,
})

function facts(...confirmed: readonly [number: number, place: number, ms: number][]) {
  const published = {
    confirmed: confirmed.map(([number, place, ms]) => ({ room, number, at: 0, id: idOf(place, ms) })),
    refused: [],
    uncertain: 0,
    others: [],
  }
  const top = confirmed.at(-1)![1]
  return factsOf(published, [{ room, events: [], top }])
}

const five = facts([1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4], [5, 5, 5])
/** The third and fourth are lost with the store's tail; their numbers were given again. */
const rolledBack = facts([1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 4], [5, 3, 13], [6, 4, 14])

describe("What judges a client's view under load", () => {
  const kinds = (view: readonly Seen[], all = five, target: typeof plain | typeof even = plain) =>
    flawsOf(view, room, target, all).map(({ kind }) => kind)

  it('finds nothing in a view that is whole, or whose gaps were told', () => {
    expect(kinds([position(1), event(2), event(3), event(4), event(5)])).to.deep.equal([])
    expect(kinds([position(1), gap('trimmed', 4), event(5)])).to.deep.equal([])
    expect(kinds([position(0), event(2), position(3), event(4)], five, even)).to.deep.equal([])
    expect(
      kinds([event(2), event(3), gap('unknown', 2), event(5, 3, 13), event(6, 4, 14)], rolledBack),
    ).to.deep.equal([])
    // nobody can tell what was lost behind a place that the store still knows
    expect(kinds([event(2), event(5, 3, 13), event(6, 4, 14)], rolledBack)).to.deep.equal([])
  })

  it('finds what is lost in the middle, before a position, and at the end', () => {
    expect(kinds([position(1), event(2), event(4), event(5)])).to.deep.equal(['lost'])
    expect(kinds([position(1), event(2), position(5)])).to.deep.equal(['lost', 'lost', 'lost'])
    expect(kinds([position(1), event(2), event(3)])).to.deep.equal(['lost', 'lost'])
    expect(kinds([position(1), event(2)], five, even)).to.deep.equal(['lost'])
  })

  it('finds what comes twice or out of order, and what was never confirmed', () => {
    expect(kinds([event(3), event(4), event(4), event(5)])).to.deep.equal(['twice'])
    expect(kinds([event(4), event(3), event(4), event(5)])).to.deep.equal(['twice', 'twice'])
    expect(kinds([event(3), event(4), event(9, 5)])).to.include('untrue')
  })

  it('finds a tail that was lost without being told, and a gap where there is none', () => {
    expect(kinds([event(2), event(3), event(6, 4, 14)], rolledBack)).to.include('lost')
    expect(kinds([event(4), gap('unknown', 4), event(5)])).to.deep.equal(['untrue'])
    expect(kinds([event(4), gap('trimmed', 4), event(5)])).to.deep.equal(['untrue'])
  })
})
