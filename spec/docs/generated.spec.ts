import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { callbacks } from '../../lib/declare/callbacks.js'
import { streamOptions } from '../../lib/declare/options.js'
import { type Exit, graph, type Question } from '../../lib/graph/graph.js'
import { life } from '../../lib/loop/life.js'
import { instruments } from '../../lib/metrics/instruments.js'
import { described, firstSentence, withMap } from '../../tools/architecture-map.js'
import { withReference } from '../../tools/callbacks-reference.js'
import { dashboard } from '../../tools/dashboard.js'
import { picture } from '../../tools/graph-picture.js'
import { instrumentsTable, withInstruments } from '../../tools/instruments.js'
import { lifePicture } from '../../tools/life-picture.js'
import { optionsTable, withOptions } from '../../tools/options.js'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const stale = 'is stale: run `npm run docs`'

describe('What of the documentation is generated', () => {
  describe('docs/images/graph.svg', () => {
    const svg = read('images/graph.svg')
    const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)

    it('is the picture of the table in lib/graph/graph.ts', () => {
      expect(svg === picture(), `docs/images/graph.svg ${stale}`).to.equal(true)
    })

    it('is that of the inspector’s page', () => {
      const copy = read('../lib/inspector/page/graph.svg')
      expect(copy === svg, `lib/inspector/page/graph.svg ${stale}`).to.equal(true)
    })

    it('has an element for each question, each answer and each status of a question', () => {
      const exits = Object.entries(graph) as [Question, readonly [Exit, Exit]][]
      const elements = exits.flatMap(([question, exits]) => [
        `q-${question}`,
        `e-${question}-yes`,
        `e-${question}-no`,
        ...exits.filter((exit) => typeof exit === 'number').map((status) => `s-${status}-${question}`),
      ])
      expect(ids).to.include.members([...elements, 'loop-provide', 'loop-accept'])
    })

    it('says of each answer where it leads', () => {
      const leads = [...svg.matchAll(/ id="e-(\w+)-(yes|no)"[^>]* data-to="(\w+)"/g)]
      const drawn = Object.fromEntries(leads.map(([, question, answer, to]) => [`${question} ${answer}`, to]))
      for (const [question, [yes, no]] of Object.entries(graph)) {
        expect(drawn[`${question} yes`], question).to.equal(String(yes))
        expect(drawn[`${question} no`], question).to.equal(String(no))
      }
    })

    it('has each id once', () => {
      expect(ids.filter((id, index) => ids.indexOf(id) !== index)).to.deep.equal([])
    })

    it('stands on its own: it loads nothing and runs nothing', () => {
      expect(svg).not.to.match(/<script|<image|<use|@import|href=|\son\w+=/)
    })
  })

  describe('docs/guide/loop.md', () => {
    it('has the table of lib/declare/options.ts', () => {
      const page = read('guide/loop.md')
      expect(page === withOptions(page), `docs/guide/loop.md ${stale}`).to.equal(true)
    })

    it('has a row for each option', () => {
      const rows = [...optionsTable().matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
      expect(rows).to.deep.equal(Object.keys(streamOptions))
    })
  })

  describe('docs/images/life.svg', () => {
    it('is the picture of the table in lib/loop/life.ts', () => {
      expect(read('images/life.svg') === lifePicture(life), `docs/images/life.svg ${stale}`).to.equal(true)
    })
  })

  describe('docs/operate/metrics.md', () => {
    it('has the table of lib/metrics/instruments.ts', () => {
      const page = read('operate/metrics.md')
      expect(page === withInstruments(page), `docs/operate/metrics.md ${stale}`).to.equal(true)
    })

    it('has a row for each instrument', () => {
      const rows = [...instrumentsTable().matchAll(/^\| `lariat_(\w+)` \|/gm)].map(([, name]) => name)
      expect(rows).to.deep.equal(Object.keys(instruments))
    })

    it('has a dashboard beside it, which is that of tools/dashboard.ts', () => {
      const json = read('operate/grafana-dashboard.json')
      expect(json === dashboard(), `docs/operate/grafana-dashboard.json ${stale}`).to.equal(true)
    })
  })

  describe('docs/guide/callbacks.md', () => {
    const page = read('guide/callbacks.md')

    it('has the table of lib/declare/callbacks.ts', () => {
      expect(page === withReference(page), `docs/guide/callbacks.md ${stale}`).to.equal(true)
    })

    it('has an anchor for each callback', () => {
      const anchors = [...page.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id)
      expect(anchors).to.deep.equal(Object.keys(callbacks))
    })
  })

  describe('docs/design/architecture.md', () => {
    const page = read('design/architecture.md')

    it('has a line for each file of lib, in its room', () => {
      expect(page === withMap(page), `docs/design/architecture.md ${stale}`).to.equal(true)
    })

    it('is made of the first comment of each file: a file that has none is on a list, which may only shrink', () => {
      const silent = described().filter(({ words }) => words === '')
      expect(silent.map(({ file }) => file)).to.deep.equal([])
    })

    it('has whole sentences: no row ends with a colon', () => {
      const cut = described().filter(({ words }) => words.endsWith(':'))
      expect(cut.map(({ file }) => file)).to.deep.equal([])
    })

    it('takes one sentence, however many lines and sentences the comment has', () => {
      const source =
        '// Decides when\n// a stream ends. There is more.\n//\n// See RFC 9110.\nimport x from "x"\n'
      expect(firstSentence(source)).to.equal('Decides when a stream ends.')
      expect(firstSentence('// Decides what it gets: A or B. There is more.\n')).to.equal(
        'Decides what it gets: A or B.',
      )
      expect(firstSentence('import x from "x"\n// not first\n')).to.equal('')
    })
  })
})
