import { expect } from 'chai'
import { type Life, lifePicture } from '../../tools/life-picture.js'

const held: Life = {
  asking: { answered: 'checking', over: 'left', failed: 'ended' },
  checking: { known: 'open', over: 'ended' },
  open: { over: 'ended' },
  left: { answered: 'ended', failed: 'ended' },
  ended: {},
}

const busy: Life = {
  ...held,
  checking: { known: 'open', over: 'ended', again: 'checking' },
  open: { behind: 'behind', over: 'ended' },
  behind: { caughtUp: 'open', over: 'ended' },
}

interface Area {
  readonly what: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** The area of each label of an edge, and of each box of a state. */
function areasOf(svg: string): readonly Area[] {
  const edges = [...svg.matchAll(/<g id="e-.*?<\/g>/gs)].map(([edge]) => edge)
  const labels = edges.flatMap((edge) =>
    [...edge.matchAll(/<text x="([\d.]+)" y="([\d.]+)"(?: text-anchor="(\w+)")?>([^<]*)</g)].map(
      ([, x, y, anchor, what]): Area => {
        const width = what!.length * 6.2
        const left = Number(x) - (anchor === 'start' ? 0 : anchor === 'end' ? width : width / 2)
        return { what: what!, left, right: left + width, top: Number(y) - 9, bottom: Number(y) + 2 }
      },
    ),
  )
  const boxes = [
    ...svg.matchAll(/<g id="s-(\w+)".*?<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/gs),
  ].map(([, what, ...numbers]): Area => {
    const [x, y, width, height] = numbers.map(Number) as [number, number, number, number]
    return { what: what!, left: x, right: x + width, top: y, bottom: y + height }
  })
  return [...labels, ...boxes]
}

describe('The picture of a life (tools/life-picture.ts)', () => {
  for (const [name, life] of Object.entries({ held, busy })) {
    const svg = lifePicture(life)

    it(`has an element for each state and each turn (${name})`, () => {
      for (const [state, turns] of Object.entries(life)) {
        expect(svg).to.include(`id="s-${state}"`)
        for (const [turn, to] of Object.entries(turns)) {
          expect(svg).to.match(new RegExp(`id="e-${state}-${to}"[^>]* data-turns="[^"]*\\b${turn}\\b`))
        }
      }
    })

    it(`has no label that lies on another, or on a state (${name})`, () => {
      const areas = areasOf(svg)
      expect(areas).to.have.length.above(Object.keys(life).length)
      const overlaps = areas.flatMap((one, index) =>
        areas
          .slice(index + 1)
          .filter(
            ({ left, right, top, bottom }) =>
              one.left < right && left < one.right && one.top < bottom && top < one.bottom,
          )
          .map(({ what }) => `${one.what} on ${what}`),
      )
      expect(overlaps).to.deep.equal([])
    })
  }

  it('cannot be drawn for a turn that leads nowhere', () => {
    expect(() => lifePicture({ open: { over: 'ended' } })).to.throw('open leads by over to ended')
  })
})
