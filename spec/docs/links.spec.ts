import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { pages, root } from './pages.js'

/** The anchors of a page: its headings, as GitHub makes anchors of them, and its own. */
function anchorsOf(page: string): string[] {
  const prose = page.replace(/^```.*?^```$/gms, '')
  const slugs = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
  return [...slugs, ...[...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!)]
}

describe('The links of the documentation', () => {
  for (const [name, page] of pages) {
    it(`of ${name} lead somewhere`, () => {
      const prose = page.replace(/^```.*?^```$/gms, '')
      const links = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:href|src)="([^"]+)"/g)].map(
        ([, link, inHtml]) => (link ?? inHtml)!,
      )
      const broken = links
        .filter((link) => !link.startsWith('https://'))
        .filter((link) => {
          const [path = '', anchor] = link.split('#', 2)
          const target = new URL(path || name, path ? new URL(name, root) : root)
          if (!existsSync(target)) return true
          const page = pages.get(target.href.slice(root.href.length))
          return anchor !== undefined && !anchorsOf(page ?? '').includes(anchor)
        })
      expect(broken).to.deep.equal([])
    })
  }
})
