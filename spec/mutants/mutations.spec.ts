import { expect } from 'chai'
import ts from 'typescript5.4'
import { mutationsOf } from '../../tools/mutants/mutations.js'
import { specsFor } from '../../tools/mutants/rooms.js'

/** The mutants of a source, each as the whole source. */
function mutants(source: string): readonly string[] {
  return mutationsOf(source).map(({ start, end, text }) => source.slice(0, start) + text + source.slice(end))
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
    expect(mutants('const row = { fits: isToken, asks: "Is it?" }')).to.deep.equal([
      'const row = { fits: (() => true), asks: "Is it?" }',
    ])
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

  it('The nearest specs are asked first', () => {
    expect(specsFor('lib/http/date.ts')[0]).to.equal('spec/http/date.spec.ts')
    expect(specsFor('lib/hub/channel.ts')).to.deep.equal(['spec/hub/channel.spec.ts', 'spec/hub'])
  })
})
