import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { compilers, complaints } from './support/compile.js'
import { isFull } from './support/runs.js'

describe('The types infer what usage.ts says and refuse what negative.ts says', function () {
  this.timeout(300_000)

  for (const [name, compiler] of Object.entries(compilers)) {
    // the old with the old, and what is new with both
    const old = name === 'TypeScript 5.4' && !isFull
    for (const express of old ? [4] : [5, 4]) {
      it(`under ${name} with the types of Express ${express}`, async () => {
        const project = fileURLToPath(new URL(`types/express${express}.json`, import.meta.url))
        expect(await complaints(compiler, project)).to.equal('')
      })
    }
  }
})
