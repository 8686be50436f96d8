import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { compilers, complaints } from './support/compile.js'
import { isFull } from './support/runs.js'

/** Without a look at others' declarations: where the tarball is installed, all of them are checked with it. */
const complaintsOf = (compiler: string, name: string) =>
  complaints(compiler, fileURLToPath(new URL(`types/${name}`, import.meta.url)), '--skipLibCheck')

describe('The types infer what usage.ts and client.ts say and refuse what negative.ts says', function () {
  this.timeout(300_000)

  for (const [name, compiler] of Object.entries(compilers)) {
    // the old with the old, and the new with the new; in full each with both
    const own = name === 'TypeScript 5.4' ? 4 : 5
    for (const express of isFull ? [5, 4] : [own]) {
      it(`under ${name} with the types of Express ${express}`, async () => {
        expect(await complaintsOf(compiler, `express${express}.json`)).to.equal('')
      })
    }
  }
})

describe('The types of the client', function () {
  this.timeout(300_000)

  for (const [name, compiler] of Object.entries(compilers)) {
    it(`ask for none of Node’s: they are for a page, under ${name}`, async () => {
      expect(await complaintsOf(compiler, 'browser')).to.equal('')
    })
  }
})
