import { join } from 'node:path'
import { expect } from 'chai'
import { transform } from 'esbuild'
import { exampleWith } from '../clients/news.js'
import { needsRegistry } from '../support/packages.js'
import { Project, packed, root, same, tools } from './project.js'

const example = (text: string) => exampleWith(text, {}, 'docs/guide/testing.md')

/** What each runner says of the examples, which tells how many there were. */
const runners = [
  { name: 'mocha', file: 'prices.mocha.js', example: 'beforeEach(async', says: /3 passing/ },
  { name: 'node:test', file: 'prices.node.js', example: "{ test } from 'node:test'", says: /pass 2\b/ },
  { name: 'conforms', file: 'prices.conforms.js', example: 'conforms(open)', says: /fail 0\b/ },
  { name: 'vitest', file: 'prices.vitest.test.js', example: "from 'vitest'", says: /2 passed/ },
  {
    name: 'Jest',
    file: 'prices.jest.test.js',
    example: "require('express-lariat/testing')",
    says: /2 passed/,
  },
] as const

describe('The tests of docs/guide/testing.md, with the tarball installed,', function () {
  this.timeout(600_000) // installs, on a busy machine
  const project = new Project()
  let toolbox: string

  needsRegistry(async () => {
    toolbox = await tools()
    const app = example('export const app')
    const { code } = await transform(app, { format: 'cjs' })
    await project.write({
      'package.json': '{ "private": true, "type": "module" }',
      'app.js': app,
      'jest/package.json': '{ "type": "commonjs" }',
      'jest/app.js': code,
    })
    await project.install(same('express'), await packed())
  })

  it('pass as the first of them stands there', async () => {
    const { code } = await transform(example('await using'), { loader: 'ts', target: 'es2022' })
    await project.write({ 'first.mjs': code })
    expect(await project.app('first.mjs')).to.equal('')
  })

  const commands = {
    mocha: () => [join(root, 'node_modules/mocha/bin/mocha.js')],
    'node:test': () => ['--test'],
    conforms: () => ['--test'],
    vitest: () => [join(toolbox, 'node_modules/vitest/vitest.mjs'), 'run'],
    Jest: () => [join(toolbox, 'node_modules/jest/bin/jest.js'), '--rootDir=jest', '--ci'],
  }

  for (const { name, file, example: text, says } of runners) {
    it(`pass in ${name.replace('conforms', 'node:test, by conforms')}, which ends by itself`, async () => {
      const path = name === 'Jest' ? `jest/${file}` : file
      await project.write({ [path]: example(text) })
      const [program = '', ...given] = commands[name]()
      expect(await project.run(program, ...given, file)).to.match(says)
    })
  }
})
