import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Demo } from '../support/demo.js'
import { newerNode } from '../support/newer-node.js'
import { needsRegistry, packagesOf } from '../support/packages.js'
import type { Judged, Judgement, Judgements } from './judges/judgement.js'

export interface Judges<Packages> {
  /** The module in `judges/`. */
  readonly name: string
  readonly judgements: Judgements<Packages>
  readonly demo: () => Demo
  /** Versions that this Node runs. */
  readonly here: () => Promise<Packages>
  /** Names and versions of those that need a newer one. */
  readonly newer: Readonly<Record<keyof Packages & string, string>>
  /** What those count on beside. */
  readonly also?: readonly string[]
}

/** Judges a demo by the same software twice: by versions that this Node runs, and by the current ones on Node 24. */
export function judged<Packages>({ name, judgements, demo, here, newer, also = [] }: Judges<Packages>): void {
  const versions = Object.entries(newer).map(([each, version]) => `${each}@${version}`)
  // their names: none of these is run
  const listed = (first: number) => judgements(anything as Packages, '', first).entries()

  const stopped = async ({ stops = [] }: Judgement) => {
    for (const length of stops) await demo().says(new RegExp(`^Stopped after \\d+ of ${length} tokens`))
  }

  describe('judged by versions for Node 20', () => {
    let packages: Packages
    before(async () => {
      packages = await here()
    })
    for (const [index, each] of listed(900))
      it(each.name, async () => {
        await judgements(packages, demo().url, 900)[index]!.run()
        await stopped(each)
      })
  })

  describe(`judged by ${versions.join(', ')}, on Node 24`, () => {
    let node: string
    let folder: string
    const verdicts = new Map<string, Judged>()

    needsRegistry(async () => {
      node = await newerNode()
      folder = await packagesOf([...versions, ...also])
    })
    before(async () => {
      const program = fileURLToPath(new URL('judges/judgement.ts', import.meta.url))
      const given = [program, name, demo().url, '950', folder, ...Object.keys(newer)]
      const { stdout } = await promisify(execFile)(node, given)
      for (const line of stdout.trim().split('\n')) {
        const verdict: Judged = JSON.parse(line)
        verdicts.set(verdict.name, verdict)
      }
    })

    for (const [, each] of listed(950))
      it(each.name, async () => {
        const verdict = verdicts.get(each.name)
        if (!verdict) throw new Error('It was not judged')
        if (verdict.error !== undefined) throw new Error(verdict.error)
        await stopped(each)
      })
  })
}

/** Has all properties, and makes and returns such things. */
const anything: unknown = new Proxy(class {}, {
  get: () => anything,
  apply: () => anything,
  construct: () => anything as object,
})
