import { expect } from 'chai'
import type { Reason } from '../../lib/index.js'
import { pages } from '../docs/pages.js'
import { staged } from '../support/stage.js'
import { app } from './app.js'
import { callbacks } from './callbacks.js'
import { type Faults, tryAll } from './fault.js'
import { hub } from './hub.js'
import { leaving } from './leaving.js'
import { own } from './own.js'
import { processes, tryProcesses } from './process.js'
import { reading } from './reading.js'
import { sending } from './sending.js'
import { sources } from './source.js'
import { time } from './time.js'

const tables: Readonly<Record<string, Faults>> = {
  'The client leaves': leaving,
  'The client does not read': reading,
  'Client input': sending,
  Sources: sources,
  Callbacks: callbacks,
  'Other parts of a spec': own,
  'The app around it': app,
  Channels: hub,
  Time: time,
}

for (const [heading, faults] of Object.entries(tables)) {
  describe(`${heading} (docs/operate/faults.md)`, () => {
    staged()
    tryAll(faults)
  })
}

describe('The process (docs/operate/faults.md)', function () {
  // a process has to begin first
  this.timeout(60_000)
  tryProcesses()
})

type Row = readonly [fault: string, reasons: readonly string[]]

const kinds = Object.keys({
  stop: true,
  end: true,
  down: true,
  disconnect: true,
  expired: true,
  revoked: true,
  shutdown: true,
  overflow: true,
  error: true,
} satisfies Record<Reason['kind'], true>)

/** The rows of the tables of the page, under their headings: what the app sees is told by the kinds in it. */
function rowsOf(page: string): Record<string, Row[]> {
  const [, ...sections] = page.split(/^## /m)
  return Object.fromEntries(
    sections.map((section) => {
      const [heading = ''] = section.split('\n', 1)
      const rows = [...section.matchAll(/^\| (.+?) \| .*? \| ?(.*?) \|/gm)].map(
        ([, name = '', seen = '']): Row => [name, reasonsIn(seen)],
      )
      return [heading, rows.filter(([name]) => name !== 'fault')]
    }),
  )
}

function reasonsIn(cell: string): string[] {
  const quoted = [...cell.matchAll(/`(.+?)`/g)].map(([, word = '']) => word)
  return kinds.filter((kind) => quoted.includes(kind))
}

describe('docs/operate/faults.md', () => {
  it('has a row for each fault that is tested, with the reasons that its app sees, and tests each that it has a row for', () => {
    const tested = { ...tables, 'The process': processes }
    const rows = Object.entries(tested).map(([heading, faults]) => [
      heading,
      Object.entries(faults).map(([name, { reasons }]) => [
        name,
        kinds.filter((kind) => reasons.includes(kind)),
      ]),
    ])
    expect(rowsOf(pages.get('docs/operate/faults.md') as string)).to.deep.equal(Object.fromEntries(rows))
  })
})
