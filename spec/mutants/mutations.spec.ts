import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import ts from 'typescript5.4'
import { stale } from '../../tools/mutants/accepted.js'
import { baseline, limitOf } from '../../tools/mutants/baseline.js'
import type { Run, Verdict } from '../../tools/mutants/copy.js'
import { filesIn, mutantsOf } from '../../tools/mutants/mutant.js'
import { mutationsOf } from '../../tools/mutants/mutations.js'
import { specsFor } from '../../tools/mutants/rooms.js'

/** The mutants of a source, each as the whole source. */
function mutants(source: string, path?: string): readonly string[] {
  return mutationsOf(source, path).map(
    ({ start, end, text }) => source.slice(0, start) + text + source.slice(end),
  )
}

/** Calls a function that a source exports. */
function run(source: string, ...given: readonly unknown[]): unknown {
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS } })
  const module: { of?: (...given: readonly unknown[]) => unknown } = {}
  new Function('exports', outputText)(module)
  return module.of!(...given)
}

describe('Mutants of a source (npm run mutants)', () => {
  it('A condition, a comparison, a constant, a statement and a row are changed, one at a time', () => {
    expect(mutants('if (a < 1) b()')).to.deep.equal([
      'if (!(a < 1)) b()',
      'if (a <= 1) b()',
      'if (a >= 1) b()',
      'if (a < 2) b()',
      'if (a < 1) ;',
    ])
    expect(mutants("const graph = { isGone: ['isPut', 404] }")).to.deep.equal([
      "const graph = { isGone: [404, 'isPut'] }",
      "const graph = { isGone: ['', 404] }",
      "const graph = { isGone: ['isPut', 405] }",
    ])
    expect(mutants('const row = { fits: isToken }')).to.deep.equal(['const row = { fits: (() => true) }'])
  })

  it('Words for people are left as they are where they are words, and not where the same name holds a fact', () => {
    const row = "const row = { asks: 'generateEtag', otherwise: '501' }"
    expect(mutants(row, 'lib/graph/conditional.ts')).to.deep.equal([
      "const row = { asks: '', otherwise: '501' }",
      "const row = { asks: 'generateEtag', otherwise: '' }",
    ])
    expect(mutants(row, 'lib/declare/callbacks.ts')).to.deep.equal([
      "const row = { asks: '', otherwise: '501' }",
    ])
  })

  it('The answers of the questions that are not asked are facts, and are changed', () => {
    const source = readFileSync('lib/graph/conditional.ts', 'utf8')
    const changed = mutants(source, 'lib/graph/conditional.ts')
    expect(source).to.contain("asks: 'generateEtag'").and.to.contain('otherwise: true')
    expect(changed.some((each) => each.includes("asks: ''"))).to.equal(true)
    expect(changed.some((each) => each.includes('otherwise: false'))).to.equal(true)
  })

  it('Types, imports and the messages of errors are left as they are', () => {
    const source = "import a from 'a'\ninterface B { c: 'd' }\ntype E = 1 | true\nconst f = new Error('g')"
    expect(mutants(source)).to.deep.equal([])
  })

  it('A good spec fails for a mutant, and passes for one that means the same', () => {
    const source = 'export const of = (n: number) => (n > 0 ? n : 0)'
    const fails = (each: string) => [-1, 0, 1].some((n) => run(each, n) !== Math.max(n, 0))
    expect(fails(source)).to.equal(false)
    expect(mutants(source).filter((each) => !fails(each))).to.deep.equal([
      'export const of = (n: number) => (n >= 0 ? n : 0)',
    ])
  })

  it('The likely specs are asked first, and then all of the room and of the rooms above, the slow ones last', () => {
    expect(specsFor('lib/http/date.ts')[0]).to.deep.equal(['spec/http/date.spec.ts'])
    const [near, far] = specsFor('lib/hub/channel.ts')
    expect(near).to.deep.equal(['spec/hub/channel.spec.ts'])
    expect(far).to.include.members(['spec/hub/once.spec.ts', 'spec/loop/subscribe.spec.ts'])
    expect(far!.at(-1)).to.equal('spec/loop/slow.spec.ts')
    expect(specsFor('lib/wire/queue.ts').flat()).to.include.members([
      'spec/loop/life.spec.ts',
      'spec/hub/resume.spec.ts',
    ])
  })

  it('Every spec that is asked exists, and no file of lib has none', () => {
    for (const file of filesIn('lib')) {
      const specs = specsFor(file).flat()
      expect(specs, file).to.not.deep.equal([])
      expect(
        specs.filter((spec) => !existsSync(spec)),
        file,
      ).to.deep.equal([])
    }
  })

  it('An accepted mutant that is none any more is stale', () => {
    const { file, before, after } = mutantsOf('lib/http/date.ts')[0]!
    const row = { file, before, after, reason: '' }
    const gone = [
      { ...row, before: `${before} ` },
      { ...row, file: 'lib/gone.ts' },
    ]
    expect(stale([row, ...gone])).to.deep.equal(gone)
  })

  it('Specs that are red before anything is broken end the run, with what they said', async () => {
    const run = (verdict: Verdict, said = ''): Promise<Run> =>
      Promise.resolve({ verdict, said, milliseconds: 1_000 })
    const copy = {
      types: () => run('passed'),
      specs: ([spec]: readonly string[]) => (spec === 'red' ? run('failed', '1) It is red') : run('passed')),
    }
    const durations = await baseline(copy, [
      ['green', 'too'],
      ['green', 'too'],
    ])
    expect([...durations.keys()]).to.deep.equal(['types', 'green too'])
    expect(limitOf(durations, 'green too')).to.equal(18_000)
    const failure = await baseline(copy, [['green'], ['red']]).catch((error: Error) => error.message)
    expect(failure).to.match(/^Nothing is broken yet, and the specs \(red\) failed.*\n1\) It is red$/)
  })
})
