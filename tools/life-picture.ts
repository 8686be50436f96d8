// Draws a state machine, such as the life of a held response: its states, and which turn leads where.
import { drawPath, escaped, group, marker, type Point, rect, style, text } from './svg.js'

/** States in the order of a life, the first one first; each with the turns that it knows and where they lead. */
export type Life = Readonly<Record<string, Partial<Record<string, string>>>>

interface Place {
  readonly column: number
  /** 0 for the longest life from the first state on; each other state has a row of its own below. */
  readonly row: number
}

/** The turns that lead from one state to another, drawn as one edge. */
interface Edge {
  readonly from: string
  readonly to: string
  readonly turns: readonly string[]
}

const box = { width: 112, height: 34 }
const pitch = { x: 224, y: 92 }
const laneHeight = 34
const margin = { x: 32, top: 76, bottom: 32 }

/** The table as an SVG picture: made of the table alone, the same for the same table. */
export function lifePicture(life: Life): string {
  const places = placed(life)
  const edges = edgesOf(life)
  const span = ({ from, to }: Edge) => Math.abs(places[from]!.column - places[to]!.column)
  const over = edges.filter((edge) => isOver(edge, places)).sort((one, other) => span(one) - span(other))
  const top = margin.top + over.length * laneHeight + (over.length > 0 ? 8 : 0)
  const columns = Math.max(...Object.values(places).map(({ column }) => column)) + 1
  const rows = Math.max(...Object.values(places).map(({ row }) => row)) + 1
  const width = 2 * margin.x + (columns - 1) * pitch.x + box.width
  const height = top + (rows - 1) * pitch.y + box.height + margin.bottom

  const at = (state: string): Point => {
    const { column, row } = places[state]!
    return [margin.x + box.width / 2 + column * pitch.x, top + box.height / 2 + row * pitch.y]
  }
  const drawn = [
    ...over.map((edge, index) => {
      const [from, to] = ends(edge, over, at)
      return drawOver(edge, from, to, top - 18 - index * laneHeight)
    }),
    ...edges.filter((edge) => !over.includes(edge)).map((edge) => drawDirect(edge, places, at)),
    ...Object.keys(life).map((state) => drawState(state, life, at(state))),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" \
width="${width}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">The life of a held response</title>
<desc id="description">${escaped(description(life))}</desc>
<style>${style}</style>
<defs>${marker('either')}</defs>
<rect class="page" width="${width}" height="${height}"/>
<text class="heading" x="${margin.x}" y="34">The life of a held response</text>
<text class="note" x="${margin.x}" y="54">Generated from lib/loop/life.ts</text>
${drawn.join('\n')}
</svg>
`
}

function description(life: Life): string {
  return Object.entries(life)
    .map(([state, turns]) => {
      const words = Object.entries(turns).map(([turn, to]) => `${turn}: ${to}`)
      return `${state}: ${words.join(', ') || 'the end'}.`
    })
    .join(' ')
}

// ---- places

function placed(life: Life): Readonly<Record<string, Place>> {
  for (const [state, turns] of Object.entries(life)) {
    for (const [turn, to] of Object.entries(turns)) {
      if (!to || !(to in life))
        throw new Error(`tools/life-picture.ts: ${state} leads by ${turn} to ${to}, which is no state`)
    }
  }
  const main = longest(Object.keys(life)[0] as string, life, [])
  const places: Record<string, Place> = {}
  main.forEach((state, column) => {
    places[state] = { column, row: 0 }
  })
  let row = 0
  for (const state of Object.keys(life).filter((each) => !main.includes(each))) {
    row += 1
    const leads = (from: string, to: string) => Object.values(life[from]!).includes(to)
    const before = Object.keys(places).filter((each) => leads(each, state))
    // below the state that it goes back to, else a column further than what leads to it
    const back = before.find((each) => leads(state, each))
    const after = Math.max(0, ...before.map((each) => places[each]!.column)) + 1
    const column = back ? places[back]!.column : Math.min(after, main.length - 1)
    places[state] = { column, row }
  }
  return places
}

/** The longest way from a state on that passes no state twice. */
function longest(from: string, life: Life, passed: readonly string[]): readonly string[] {
  const way = [...passed, from]
  const further = Object.values(life[from]!)
    .filter((to) => !way.includes(to as string))
    .map((to) => longest(to as string, life, way))
  return further.reduce((most, each) => (each.length > most.length ? each : most), way)
}

function edgesOf(life: Life): readonly Edge[] {
  return Object.entries(life).flatMap(([from, turns]) =>
    [...new Set(Object.values(turns) as string[])].map((to) => ({
      from,
      to,
      turns: Object.keys(turns).filter((turn) => turns[turn] === to),
    })),
  )
}

// ---- edges

/** Whether an edge passes over other states of its row, goes back, or leads to where it begins. */
function isOver({ from, to }: Edge, places: Readonly<Record<string, Place>>): boolean {
  const [one, other] = [places[from]!, places[to]!]
  return one.row === other.row && other.column !== one.column + 1
}

/** Where an edge over the row leaves and arrives: those of one state side by side. */
function ends(
  edge: Edge,
  over: readonly Edge[],
  at: (state: string) => Point,
): readonly [from: Point, to: Point] {
  const end = (state: string): Point => {
    const sharing = over.filter(({ from, to }) => from === state || to === state)
    const step = Math.min(26, (box.width - 24) / Math.max(1, sharing.length - 1))
    const [x, y] = at(state)
    // the nearer an edge's other end, the nearer it stands to that side, so that none crosses another
    const ordered = [...sharing].sort((one, other) => reach(one, state, at) - reach(other, state, at))
    return [x + (ordered.indexOf(edge) - (sharing.length - 1) / 2) * step, y - box.height / 2]
  }
  if (edge.from !== edge.to) return [end(edge.from), end(edge.to)]
  const [x, y] = end(edge.from)
  return [
    [x + 22, y],
    [x - 22, y],
  ]
}

/** The order of an edge along the top of a state: long ones on the far side of short ones. */
function reach({ from, to }: Edge, state: string, at: (state: string) => Point): number {
  const distance = at(from === state ? to : from)[0] - at(state)[0]
  return distance === 0 ? 0 : 1 / distance
}

function drawOver(edge: Edge, from: Point, to: Point, lane: number): string {
  const path = drawPath([from, [from[0], lane], [to[0], lane], to], 'either')
  return drawEdge(edge, path, text((from[0] + to[0]) / 2, lane - 5, words(edge)))
}

function drawDirect(
  edge: Edge,
  places: Readonly<Record<string, Place>>,
  at: (state: string) => Point,
): string {
  const [from, to] = [places[edge.from]!, places[edge.to]!]
  const [[x, y], [toX, toY]] = [at(edge.from), at(edge.to)]
  const right = x + box.width / 2
  if (from.row === to.row) {
    const path = drawPath(
      [
        [right, y],
        [toX - box.width / 2, y],
      ],
      'either',
    )
    return drawEdge(edge, path, text((right + toX - box.width / 2) / 2, y - 6, words(edge)))
  }
  if (from.column === to.column) {
    // side by side, where another edge leads back
    const isDown = from.row < to.row
    const side = isDown ? -1 : 1
    const lane = x + side * 16
    const start = y - (side * box.height) / 2
    const end = toY + (side * box.height) / 2
    const label = text(lane + side * 8, (start + end) / 2 + 4, words(edge), isDown ? 'end' : 'start')
    return drawEdge(
      edge,
      drawPath(
        [
          [lane, start],
          [lane, end],
        ],
        'either',
      ),
      label,
    )
  }
  const isForward = from.column < to.column
  if (from.row < to.row) {
    // down from the row above, then along the row of the state that it leads to
    const end = toX + (isForward ? -1 : 1) * (box.width / 2)
    const path = drawPath(
      [
        [x, y + box.height / 2],
        [x, toY],
        [end, toY],
      ],
      'either',
    )
    return drawEdge(edge, path, text((x + end) / 2, toY - 6, words(edge)))
  }
  // along its own row, then up; states of lower rows arrive further to the right
  const start = x + (isForward ? 1 : -1) * (box.width / 2)
  const arrive = toX + (from.row - 1) * 16
  const path = drawPath(
    [
      [start, y],
      [arrive, y],
      [arrive, toY + box.height / 2],
    ],
    'either',
  )
  return drawEdge(edge, path, text((start + arrive) / 2, y - 6, words(edge)))
}

function words({ turns }: Edge): string {
  return turns.join(', ')
}

function drawEdge({ from, to, turns }: Edge, path: string, label: string): string {
  return `<g id="e-${from}-${to}" class="edge either" data-turns="${turns.join(' ')}">${path}${label}</g>`
}

function drawState(state: string, life: Life, [x, y]: Point): string {
  const [first] = Object.keys(life)
  const isLast = Object.keys(life[state]!).length === 0
  const kind = state === first ? 'end start' : isLast ? 'end held' : 'question'
  const title = isLast ? `${state}: the end` : `${state}: ${Object.keys(life[state]!).join(', ')}`
  return group(`s-${state}`, kind, title, [
    rect(x - box.width / 2, y - box.height / 2, box.width, box.height, isLast || state === first ? 17 : 6),
    text(x, y + 4, state),
  ])
}
