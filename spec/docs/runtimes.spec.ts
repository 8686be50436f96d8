import { expect } from 'chai'
import { exceptions } from '../../tools/runtimes/slice.js'
import { pages } from './pages.js'

describe('The page on runtimes (docs/operate/runtimes.md)', () => {
  const page = pages.get('docs/operate/runtimes.md')!

  for (const [name, each] of Object.entries(exceptions)) {
    it(`says why specs are skipped on ${name}, and nothing else`, () => {
      const heading = name[0]!.toUpperCase() + name.slice(1)
      const [, section = ''] = page.split(`\n## ${heading}\n`)
      const said = [...section.split('\n## ')[0]!.matchAll(/^- (.*)$/gm)].map(([, text]) => text)
      expect(said).to.have.members(each.map(({ why }) => why))
    })
  }
})
