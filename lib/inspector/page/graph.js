// Draws the way of a request on the picture of the decision graph.

/** @typedef {import('./shapes.js').Step} Step */

/** How small and how large the picture is drawn, and what is kept free around the way. */
const [least, most, margin] = [0.5, 1, 18]
/** Of its box, as in the style sheet. */
const padding = 8

export class Graph {
  element
  #root
  /** @type {Promise<SVGSVGElement> | undefined} */
  #loading
  /** @type {DOMRect | undefined} */
  #way
  #isWhole = false

  constructor() {
    this.element = document.createElement('div')
    this.element.className = 'graph'
    this.element.tabIndex = 0
    this.element.setAttribute('role', 'group')
    this.element.setAttribute('aria-label', 'The way of the request on the decision graph')
    // the picture's own style is for it alone
    this.#root = this.element.attachShadow({ mode: 'open' })
    new ResizeObserver(() => this.#fit()).observe(this.element)
  }

  /** @returns {Promise<SVGSVGElement>} */
  load() {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  async #load() {
    const response = await fetch('graph.svg')
    if (!response.ok) throw new Error(`The graph could not be loaded: ${response.status}`)
    const text = await response.text()
    // its style is adopted rather than inlined, which the Content-Security-Policy does not let through
    const [inlined = '', style = ''] = /<style>([^<]*)<\/style>/.exec(text) ?? []
    const { documentElement } = new DOMParser().parseFromString(text.replace(inlined, ''), 'image/svg+xml')
    const svg = /** @type {SVGSVGElement} */ (
      /** @type {unknown} */ (document.importNode(documentElement, true))
    )
    this.#root.adoptedStyleSheets = [style, drawn].map((css) => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
      return sheet
    })
    this.#root.replaceChildren(svg)
    return svg
  }

  /**
   * @param {readonly Step[]} steps
   * @param {string} end the status that it came to, or `loop`
   */
  async show(steps, end) {
    const svg = await this.load()
    for (const each of svg.querySelectorAll('.way, .last')) each.classList.remove('way', 'last')
    /** @type {SVGGraphicsElement[]} */
    const way = []
    const mark = (/** @type {string} */ selector) => {
      for (const each of svg.querySelectorAll(selector)) {
        each.classList.add('way')
        way.push(/** @type {SVGGraphicsElement} */ (each))
      }
    }
    mark('#start')
    steps.forEach(({ question }, index) => {
      const name = CSS.escape(question)
      mark(`#q-${name}`)
      mark(`[id^="e-${name}-"][data-to="${CSS.escape(steps[index + 1]?.question ?? end)}"]`)
    })
    const last = CSS.escape(steps.at(-1)?.question ?? '')
    // a stop() ends where no answer leads
    mark(end === 'loop' ? `#loop-${last}` : `#s-${CSS.escape(end)}-${last}`)
    svg.querySelector(`#q-${last}`)?.classList.add('last')
    this.#way = around(way)
    this.#fit()
  }

  /** What the graph asks, in words. @param {string} question */
  async wording(question) {
    const svg = await this.load()
    return svg.querySelector(`#q-${CSS.escape(question)} title`)?.textContent ?? undefined
  }

  /** Points at a question, or at none. @param {string | undefined} question */
  point(question) {
    for (const each of this.#root.querySelectorAll('.hot')) each.classList.remove('hot')
    if (question) this.#root.querySelector(`#q-${CSS.escape(question)}`)?.classList.add('hot')
  }

  /** Shows the whole graph, or the way alone. @param {boolean} isWhole */
  whole(isWhole) {
    this.#isWhole = isWhole
    this.#fit()
  }

  #fit() {
    const svg = this.#root.querySelector('svg')
    const [, , width, height] = svg?.getAttribute('viewBox')?.split(' ').map(Number) ?? []
    if (!svg || !width || !height) return
    const full = new DOMRect(0, 0, Number(svg.getAttribute('width')), Number(svg.getAttribute('height')))
    const { x, y, width: wide, height: high } = (!this.#isWhole && this.#way) || full
    svg.setAttribute('viewBox', `${x} ${y} ${wide} ${high}`)
    const room = this.element.clientWidth - 2 * padding
    const scale = Math.min(most, Math.max(least, room / wide))
    svg.classList.toggle('cropped', !this.#isWhole && this.#way !== undefined)
    svg.style.setProperty('width', `${Math.floor(wide * scale)}px`)
    svg.style.setProperty('height', `${Math.floor(high * scale)}px`)
  }
}

/**
 * What holds all of them.
 *
 * @param {readonly SVGGraphicsElement[]} elements
 */
function around(elements) {
  const boxes = elements.map((each) => each.getBBox())
  if (boxes.length === 0) return undefined
  const left = Math.min(...boxes.map(({ x }) => x)) - margin
  const top = Math.min(...boxes.map(({ y }) => y)) - margin
  const right = Math.max(...boxes.map(({ x, width }) => x + width)) + margin
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height)) + margin
  return new DOMRect(left, top, right - left, bottom - top)
}

const drawn = `
  svg { display: block; margin: 0 auto; overflow: hidden }
  .page, .heading, .heading + .note { display: none }
  .cropped #legend { display: none }
  .panel rect { fill: none; stroke: var(--line) }
  :is(.question, .edge, .end):not(.way, #legend *):not(:has(.way)) { opacity: .26 }
  .question.way > rect { stroke: #0b6e6e; stroke-width: 2; fill: #e3f3f1 }
  .question.last > rect { stroke-width: 3 }
  .end.way > rect { stroke-width: 2.4 }
  .edge.way path, .way > .edge path { stroke-width: 2.8 }
  .question.hot > rect { stroke: var(--ink); stroke-width: 3.4 }
  .question.hot { opacity: 1 !important }
  @media (prefers-color-scheme: dark) {
    .question.way > rect { stroke: #4cc2c0; fill: #12403f }
  }
`
