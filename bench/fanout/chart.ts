export interface Line {
  readonly name: string
  /** Of streams, and the CPU microseconds for an event. */
  readonly points: readonly (readonly [number, number])[]
  readonly emphasised: boolean
}

const width = 860
const height = 480
const plot = { left: 64, top: 56, right: 650, bottom: 424 }
/** Told apart by those who see few colours too, on white and on black. */
const colours = [
  '#888888',
  '#0072b2',
  '#56b4e9',
  '#009e73',
  '#e69f00',
  '#cc79a7',
  '#a0785a',
  '#d0c020',
  '#d55e00',
]
const dashes = ['none', '7 4', '2 3']

/** Both axes are logarithmic: a cost that does not grow with the streams is a level line. */
export function chart(title: string, lines: readonly Line[]): string {
  const streams = lines.flatMap(({ points }) => points.map(([x]) => x))
  const costs = lines.flatMap(({ points }) => points.map(([, y]) => y))
  const marksX = [...new Set(streams)].toSorted((one, other) => one - other)
  const bottom = below(Math.min(...costs))
  const top = above(Math.max(...costs))
  const x = scale(marksX[0]!, marksX.at(-1)!, plot.left, plot.right)
  const y = scale(bottom, top, plot.bottom, plot.top)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(lines.map(described).join(' '))}</desc>`,
    style,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="title" x="${plot.left}" y="26">${escaped(title)}</text>`,
    ...marksY(bottom, top).map(
      (mark) =>
        `<path class="grid" d="M${plot.left} ${y(mark)}H${plot.right}"/>` +
        `<text x="${plot.left - 8}" y="${y(mark) + 4}" text-anchor="end">${mark}</text>`,
    ),
    ...marksX.map(
      (mark) =>
        `<path class="grid" d="M${x(mark)} ${plot.top}V${plot.bottom}"/>` +
        `<text x="${x(mark)}" y="${plot.bottom + 20}" text-anchor="middle">${mark.toLocaleString('en')}</text>`,
    ),
    `<text x="${(plot.left + plot.right) / 2}" y="${height - 12}" text-anchor="middle">open streams</text>`,
    `<text x="${-(plot.top + plot.bottom) / 2}" y="18" transform="rotate(-90)" text-anchor="middle">CPU µs per delivered event</text>`,
    ...lines.map((line, at) => drawn(line, at, x, y)),
    '</svg>',
    '',
  ].join('\n')
}

const style = `<style>
.page { fill: #ffffff }
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
.ours { stroke-width: 4 }
text.ours { font-weight: 700 }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117 }
  text { fill: #e6edf3 }
  .grid { stroke: #3d444d }
}
</style>`

type Scale = (value: number) => number

function drawn({ name, points, emphasised }: Line, at: number, x: Scale, y: Scale): string {
  const colour = emphasised ? '#d55e00' : colours[at % (colours.length - 1)]!
  const stroke = `class="line${emphasised ? ' ours' : ''}" stroke="${colour}" stroke-dasharray="${emphasised ? 'none' : dashes[at % dashes.length]}"`
  const legend = plot.top + 12 + at * 24
  const path = points.map(([streams, cost], point) => `${point ? 'L' : 'M'}${x(streams)} ${y(cost)}`).join('')
  const dots = points.map(
    ([streams, cost]) =>
      `<circle cx="${x(streams)}" cy="${y(cost)}" r="${emphasised ? 4 : 3}" fill="${colour}"/>`,
  )
  return [
    `<path ${stroke} d="${path}"/>${dots.join('')}`,
    `<path ${stroke} d="M${plot.right + 20} ${legend}h28"/>`,
    `<text${emphasised ? ' class="ours"' : ''} x="${plot.right + 56}" y="${legend + 4}">${escaped(name)}</text>`,
  ].join('\n')
}

function described({ name, points }: Line): string {
  return `${name}: ${points.map(([streams, cost]) => `${cost.toFixed(1)} at ${streams}`).join(', ')}.`
}

function scale(from: number, to: number, low: number, high: number): Scale {
  const range = Math.log(to) - Math.log(from) || 1
  return (value) => Math.round(low + ((Math.log(value) - Math.log(from)) / range) * (high - low))
}

const steps = [1, 2, 5]

function marksY(from: number, to: number): number[] {
  const marks: number[] = []
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    for (const step of steps) marks.push(Number((step * 10 ** power).toPrecision(1)))
  }
  return marks.filter((mark) => mark >= from && mark <= to)
}

function below(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return Number((steps.findLast((step) => step * power <= value)! * power).toPrecision(1))
}

function above(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return Number(((steps.find((step) => step * power >= value) ?? 10) * power).toPrecision(1))
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
