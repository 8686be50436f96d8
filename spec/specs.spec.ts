import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import ts from 'typescript5.4'

const folder = new URL('./', import.meta.url)

const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path): [string, string] => [path, readFileSync(new URL(path, folder), 'utf8')])

const hooks = new Set(['before', 'after', 'beforeEach', 'afterEach'])

/** Files that wait for a literal time, and why: they are about time itself, or poll. */
const paced: Readonly<Record<string, string>> = {
  'testing/faulty.ts': 'a replay that takes a time of its own, as a database does',
  'rest/trace.spec.ts': 'The duration of a callback is reported',
  'proxies/proxy.ts': 'Polls: a program does not tell when it listens',
  'proxies/restart.spec.ts': 'A client asks again, as EventSource does',
  'proxies/behaviour.ts': 'Polls: only a later write can learn that the client has left',
  'faults/scene.ts': 'Polls',
  'demo/bookshop/demo.ts': 'Polls',
  'support/redis/until.ts': 'Polls: servers do not tell when they know each other, or have what another has',
  'redis/clients.spec.ts': 'A connection stays that was idle for longer than its client allows',
  'redis/refusals.spec.ts': 'In that time a link that is refused would have been made anew',
  'demo/bookshop/tail.spec.ts': 'Polls: nothing tells when a server has stopped reading',
}

/** Where the specs have such a call of a name, as `file:line`; only files with the name in them are parsed. */
function calls(name: RegExp, isMeant: (node: ts.CallExpression) => boolean): readonly string[] {
  const named = texts.filter(([, text]) => name.test(text))
  return named.flatMap(([path, text]) => {
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    const found: string[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && isMeant(node)) {
        found.push(`${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`)
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
    return found
  })
}

const nameOf = ({ expression }: ts.CallExpression) => (ts.isIdentifier(expression) ? expression.text : '')

function isInFunction(node: ts.Node): boolean {
  for (let each = node.parent; each; each = each.parent) if (ts.isFunctionLike(each)) return true
  return false
}

/** Whether a spec waits for a timer: `await setTimeout(5)`, or `setTimeout(resolve, 5)`. */
function isWait(node: ts.CallExpression): boolean {
  if (nameOf(node) !== 'setTimeout') return false
  const [first, second] = node.arguments
  const isTold = second && first && ts.isIdentifier(first) && ts.isNumericLiteral(second)
  return Boolean(isTold || (first && ts.isNumericLiteral(first)))
}

describe('The specs', () => {
  it('Have no root hooks: a hook outside of all suites would run around every spec of the process', () => {
    expect(
      calls(/\b(?:before|after)(?:Each)?\(/, (node) => hooks.has(nameOf(node)) && !isInFunction(node)),
    ).to.deep.equal([])
  })

  it('Wait for what is to happen, not for some time to pass', () => {
    const waits = calls(/\bsetTimeout\b/, isWait).filter((place) => !(place.split(':')[0]! in paced))
    expect(waits).to.deep.equal([])
  })

  it('Wait for time only where a reason is given, and a reason is taken away with its wait', () => {
    const files = new Set(calls(/\bsetTimeout\b/, isWait).map((place) => place.split(':')[0]))
    expect([...files]).to.have.members(Object.keys(paced))
  })
})
