import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import ts from 'typescript5.4'

/** A regular expression in the code, and where it stands. */
export interface Pattern {
  readonly where: string
  readonly source: string
  readonly flags: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const { resolve } = createRequire(import.meta.url)

/** The code of the library and of the demos, and of the package that reads a request's Content-Type. */
export function sources(): readonly string[] {
  const own = ['lib', 'demo'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.[jt]s$/.test(path))
      .map((path) => `${root}${folder}/${path}`),
  )
  return [...own, resolve('content-type')]
}

/** All regular expressions of a file: its literals, and what it makes by `new RegExp`. */
export function patternsOf(path: string): readonly Pattern[] {
  return patternsIn(readFileSync(path, 'utf8'), path.replace(root, ''))
}

export function patternsIn(code: string, name: string): readonly Pattern[] {
  const file = ts.createSourceFile(name, code, ts.ScriptTarget.Latest, true)
  const found: Pattern[] = []
  const add = (node: ts.Node, { source, flags }: RegExp) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart())
    found.push({ where: `${name}:${line + 1}`, source, flags })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) add(node, literal(node.text))
    else if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      node.expression.getText() === 'RegExp'
    )
      add(node, evaluate(node.getText(), file) as RegExp)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function literal(text: string): RegExp {
  const end = text.lastIndexOf('/')
  return new RegExp(text.slice(1, end), text.slice(end + 1))
}

/** What an expression is, by the constants of its file; one that needs more than those cannot be checked, and throws. */
function evaluate(expression: string, file: ts.SourceFile): unknown {
  const constants = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .filter(({ initializer }) => initializer && isText(initializer))
    .map((each) => `const ${each.getText()}`)
  return runInNewContext(`${constants.join('\n')}\n;(${expression})`)
}

function isText(node: ts.Expression): boolean {
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(isText)
  return ts.isStringLiteral(node) || ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node)
}
