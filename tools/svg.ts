// The elements and colours that the generated pictures share.

export type Point = readonly [x: number, y: number]

/** A line with round corners and a head. */
export function drawPath(points: readonly Point[], kind: string): string {
  const radius = 7
  const steps = points.map((point, index) => {
    const before = points[index - 1]
    const after = points[index + 1]
    if (!before) return `M${point}`
    if (!after) return `L${towards(point, before, 2)}`
    return `L${towards(point, before, radius)}Q${point} ${towards(point, after, radius)}`
  })
  return `<path d="${steps.join('')}" marker-end="url(#head-${kind})"/>`
}

/** The point that lies so far from one towards another. */
function towards([x, y]: Point, [otherX, otherY]: Point, length: number): Point {
  const distance = Math.hypot(otherX - x, otherY - y)
  const part = Math.min(length, distance / 2) / distance
  return [round(x + (otherX - x) * part), round(y + (otherY - y) * part)]
}

export function marker(kind: string): string {
  return (
    `<marker id="head-${kind}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">` +
    `<path class="head ${kind}" d="M0.5,0.5 7.5,4 0.5,7.5z"/></marker>`
  )
}

export function group(id: string, kind: string, title: string, parts: readonly string[]): string {
  return `<g id="${id}" class="${kind}"><title>${escaped(title)}</title>${parts.join('')}</g>`
}

export function rect(x: number, y: number, width: number, height: number, radius: number): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${width}" height="${height}" rx="${radius}"/>`
}

export function text(x: number, y: number, words: string, anchor = 'middle', kind?: string): string {
  const attributes =
    (anchor === 'middle' ? '' : ` text-anchor="${anchor}"`) + (kind ? ` class="${kind}"` : '')
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escaped(words)}</text>`
}

export function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

export const style = `
text { font: 12.5px system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif; text-anchor: middle; fill: #1f2328 }
text[text-anchor=start] { text-anchor: start }
text[text-anchor=end] { text-anchor: end }
.heading { font-size: 18px; font-weight: 600; text-anchor: start }
.section { font-weight: 600; fill: #59636e }
.note { font-size: 12px; fill: #59636e; text-anchor: start }
.page { fill: #ffffff }
.panel rect { fill: #f6f8fa; stroke: #d1d9e0 }
.question rect { fill: #ffffff; stroke: #818b98; stroke-width: 1.2 }
.edge path, .lead { fill: none; stroke-width: 1.5 }
.edge text { font-size: 10.5px }
.yes path { stroke: #0b6e6e } .yes text { fill: #0b6e6e } .head.yes { fill: #0b6e6e }
.no path { stroke: #a04600; stroke-dasharray: 5 3 } .no text { fill: #a04600 } .head.no { fill: #a04600 }
.either path, .lead { stroke: #59636e } .either text { fill: #59636e } .head.either { fill: #59636e }
.loop path { stroke: #6b3fc4; stroke-width: 2.2 } .loop text { fill: #6b3fc4 } .head.loop { fill: #6b3fc4 }
.end text { font-weight: 600 }
.end rect { stroke-width: 1.2 }
.start rect { fill: #59636e; stroke: none } .start text { fill: #ffffff }
.s2 rect { fill: #d2f4dc; stroke: #1a7f37 } .s3 rect { fill: #d8ecff; stroke: #0969da }
.s4 rect { fill: #fff0c2; stroke: #9a6700 } .s5 rect { fill: #ffdcd7; stroke: #cf222e }
.held rect { fill: #6b3fc4; stroke: #6b3fc4 } .held text { fill: #ffffff }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.section, .note { fill: #9198a1 }
.page { fill: #0d1117 }
.panel rect { fill: #151b23; stroke: #30363d }
.question rect { fill: #212830; stroke: #6e7681 }
.yes path { stroke: #4cc2c0 } .yes text { fill: #4cc2c0 } .head.yes { fill: #4cc2c0 }
.no path { stroke: #f0a05a } .no text { fill: #f0a05a } .head.no { fill: #f0a05a }
.either path, .lead { stroke: #9198a1 } .either text { fill: #9198a1 } .head.either { fill: #9198a1 }
.loop path { stroke: #b392f0 } .loop text { fill: #b392f0 } .head.loop { fill: #b392f0 }
.start rect { fill: #9198a1 } .start text { fill: #0d1117 }
.s2 rect { fill: #12381f; stroke: #3fb950 } .s3 rect { fill: #0d2d52; stroke: #4493f8 }
.s4 rect { fill: #3d2e00; stroke: #d29922 } .s5 rect { fill: #4c1a1a; stroke: #f85149 }
.held rect { fill: #8a63d2; stroke: #8a63d2 }
}
`
