import { reach } from './reach.js'

/** The generated picture of the decision graph, on which the way of a request is drawn. */
export class Graph {
  #host
  #root
  /** @type {Promise<void> | undefined} */
  #loading

  /** @param {HTMLElement} host */
  constructor(host) {
    this.#host = host
    // the picture's own styles are for it alone
    this.#root = host.attachShadow({ mode: 'open' })
  }

  /** Loads the picture, until it is there. */
  load() {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined
      this.#root.replaceChildren(`The graph cannot be shown. ${error.message}`)
      throw error
    })
    return this.#loading
  }

  async #load() {
    const text = await (await reach('/graph.svg')).text()
    // its style is adopted rather than inlined, which the page's Content-Security-Policy does not let through
    const [inlined = '', style = ''] = /<style>([^<]*)<\/style>/.exec(text) ?? []
    const svg = new DOMParser().parseFromString(text.replace(inlined, ''), 'image/svg+xml').documentElement
    const sheets = [style, onTheWay].map((css) => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
      return sheet
    })
    this.#root.adoptedStyleSheets = sheets
    this.#root.replaceChildren(document.importNode(svg, true))
  }

  /**
   * Draws the way of a request.
   *
   * @param {readonly string[]} questions in order
   * @param {string} end the status that it came to, or `loop`
   */
  async show(questions, end) {
    await this.load()
    const svg = /** @type {Element} */ (this.#root.firstElementChild)
    for (const each of svg.querySelectorAll('.way')) each.classList.remove('way')
    svg.classList.toggle('drawn', questions.length > 0)
    if (questions.length === 0) return
    const mark = (/** @type {string} */ id) => svg.querySelector(`[id="${id}"]`)?.classList.add('way')
    mark('start')
    questions.forEach((question, index) => {
      mark(`q-${question}`)
      const next = questions[index + 1] ?? end
      for (const edge of svg.querySelectorAll(`[id^="e-${question}-"][data-to="${next}"]`))
        edge.classList.add('way')
    })
    const last = questions.at(-1)
    // a stop() ends where no answer leads
    mark(end === 'loop' ? `loop-${last}` : `s-${end}-${last}`)
    this.#scrollTo(svg.querySelector(`[id="q-${last}"]`))
  }

  /**
   * Brings an element into view, in its box alone: the page stays where it is.
   *
   * @param {Element | null} element
   */
  #scrollTo(element) {
    if (!element) return
    const [box, place] = [this.#host.getBoundingClientRect(), element.getBoundingClientRect()]
    this.#host.scrollBy(place.x - box.x - box.width / 2, place.y - box.y - box.height / 2)
  }
}

const onTheWay = `
  svg { display: block; width: 100%; height: auto; min-width: 640px }
  :host(.large) svg { width: 1176px }
  .drawn :is(.question, .edge, .end):not(.way, #legend *):not(:has(.way)) { opacity: .28 }
  .way > rect { stroke-width: 2.6 !important }
  .question.way > rect { stroke: #0b6e6e; fill: #d5f0ee }
  .edge.way path, .way > .edge path { stroke-width: 3.2 !important }
  @media (prefers-color-scheme: dark) {
    .question.way > rect { stroke: #4cc2c0; fill: #12403f }
  }
`
