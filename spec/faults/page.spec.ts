import { expect } from 'chai'
import { pages } from '../docs/pages.js'
import { app } from './app.js'
import { callbacks } from './callbacks.js'
import { hub } from './hub.js'
import { leaving } from './leaving.js'
import { own } from './own.js'
import { processes } from './process.js'
import { reading } from './reading.js'
import { sending } from './sending.js'
import { sources } from './source.js'
import { time } from './time.js'

const tested: Readonly<Record<string, object>> = {
  'The client leaves': leaving,
  'The client does not read': reading,
  'What the client sends': sending,
  'What the data comes from': sources,
  Callbacks: callbacks,
  'What else a spec may do': own,
  'The app around it': app,
  Channels: hub,
  Time: time,
  'The process': processes,
}

/** The first cells of the tables of the page, under their headings. */
function named(page: string): Record<string, string[]> {
  const [, ...sections] = page.split(/^## /m)
  return Object.fromEntries(
    sections.map((section) => {
      const [heading = ''] = section.split('\n', 1)
      const cells = [...section.matchAll(/^\| (.+?) \|/gm)].map(([, cell]) => cell as string)
      return [heading, cells.filter((cell) => cell !== 'fault')]
    }),
  )
}

describe('docs/faults.md', () => {
  it('has a row for each fault that is tested, and tests each that it has a row for', () => {
    const names = Object.entries(tested).map(([heading, faults]) => [heading, Object.keys(faults)])
    expect(named(pages.get('docs/faults.md') as string)).to.deep.equal(Object.fromEntries(names))
  })
})
