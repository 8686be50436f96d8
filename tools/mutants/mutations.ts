// Lists the mutants of a source: each is one change that a spec should notice.
import ts from 'typescript5.4'

/** One change of a source. */
export interface Mutation {
  readonly kind: string
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A node and what is to be there instead of it. */
type Change = readonly [kind: string, node: ts.Node, text: string]

const { SyntaxKind } = ts

const operators: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [SyntaxKind.LessThanToken, ['<=', '>=']],
  [SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [SyntaxKind.AmpersandAmpersandToken, ['||']],
  [SyntaxKind.BarBarToken, ['&&']],
  [SyntaxKind.MinusToken, ['+']],
  [SyntaxKind.AsteriskToken, ['/']],
  [SyntaxKind.PlusEqualsToken, ['-=']],
  [SyntaxKind.MinusEqualsToken, ['+=']],
])

/** Tables say by these names what may be given. */
const rules = new Set(['fits', 'rule'])

/**
 * Words for people, in messages and in the tables of the documentation: the properties that hold them, and the functions
 * that take them. Elsewhere these names may hold facts.
 */
const words: Readonly<Record<string, readonly string[]>> = {
  'lib/declare/callbacks.ts': ['question', 'otherwise', 'expected', 'flag'],
  'lib/declare/options.ts': ['words', 'shown'],
  'lib/http/field.ts': ['expected'],
}

/** All mutants of a source, in the order in which they stand there. */
export function mutationsOf(text: string, path = 'source.ts'): readonly Mutation[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found: Mutation[] = []
  const ofPeople = words[path] ?? []
  const visit = (node: ts.Node): void => {
    if (isOutside(node)) return
    if (isWord(node, ofPeople)) return
    for (const [kind, { pos: _, ...changed }, instead] of changesOf(node).map(placed)) {
      found.push({ kind, ...changed, text: instead })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function placed([kind, node, text]: Change): readonly [
  string,
  { pos: number; start: number; end: number },
  string,
] {
  return [kind, { pos: node.pos, start: node.getStart(), end: node.getEnd() }, text]
}

/** Specs are not expected to notice changed types, imports or messages. */
function isOutside(node: ts.Node): boolean {
  if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return true
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  // the message of an error, not whether there is one
  return ts.isNewExpression(node) && /Error$/.test(node.expression.getText())
}

function isWord(node: ts.Node, names: readonly string[]): boolean {
  if (ts.isPropertyAssignment(node)) return names.includes(node.name.getText())
  const { parent } = node
  return (
    ts.isStringLiteral(node) && ts.isCallExpression(parent) && names.includes(parent.expression.getText())
  )
}

function changesOf(node: ts.Node): readonly Change[] {
  return [...conditions(node), ...operations(node), ...literals(node), ...statements(node), ...tables(node)]
}

function conditions(node: ts.Node): readonly Change[] {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node)) return [negated(node.expression)]
  if (ts.isConditionalExpression(node)) return [negated(node.condition)]
  if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
    const isCondition = ts.isIfStatement(node.parent) || ts.isConditionalExpression(node.parent)
    return isCondition ? [] : [['a negation is left out', node, node.operand.getText()]]
  }
  return []
}

function negated(condition: ts.Expression): Change {
  return ['a condition is negated', condition, `!(${condition.getText()})`]
}

function operations(node: ts.Node): readonly Change[] {
  if (!ts.isBinaryExpression(node)) return []
  const { operatorToken, left, right } = node
  if (operatorToken.kind === SyntaxKind.QuestionQuestionToken) {
    return [['?? has no other side', node, left.getText()]]
  }
  const isTest = ts.isIfStatement(node.parent) || ts.isConditionalExpression(node.parent)
  const isEquality = operatorToken.getText().length === 3
  // the condition as a whole is negated already
  if (isTest && isEquality) return []
  if (operatorToken.kind === SyntaxKind.PlusToken) {
    return [left, right].some(ts.isNumericLiteral) ? [['another operator', operatorToken, '-']] : []
  }
  return (operators.get(operatorToken.kind) ?? []).map(
    (text): Change => ['another operator', operatorToken, text],
  )
}

function literals(node: ts.Node): readonly Change[] {
  if (ts.isNumericLiteral(node))
    return [['another number', node, String(Number(node.text.replaceAll('_', '')) + 1)]]
  if (node.kind === SyntaxKind.TrueKeyword) return [['another truth', node, 'false']]
  if (node.kind === SyntaxKind.FalseKeyword) return [['another truth', node, 'true']]
  const isSentence = ts.isStringLiteral(node) && / \S+ /.test(node.text)
  if (ts.isStringLiteral(node) && !isSentence && !ts.isExpressionStatement(node.parent) && !isName(node)) {
    return [['another text', node, node.text === '' ? "'?'" : "''"]]
  }
  if (ts.isRegularExpressionLiteral(node)) return anchors(node)
  return []
}

function isName({ parent }: ts.StringLiteral): boolean {
  return (
    ts.isPropertyAssignment(parent) &&
    ts.isStringLiteral(parent.name) &&
    parent.initializer.kind !== SyntaxKind.StringLiteral
  )
}

function anchors(node: ts.RegularExpressionLiteral): readonly Change[] {
  const { text } = node
  const end = text.lastIndexOf('/')
  return [
    ...(text[1] === '^' ? [`/${text.slice(2)}`] : []),
    ...(text[end - 1] === '$' ? [text.slice(0, end - 1) + text.slice(end)] : []),
  ].map((instead): Change => ['a pattern is not anchored', node, instead])
}

function statements(node: ts.Node): readonly Change[] {
  if (ts.isExpressionStatement(node)) {
    const { expression } = node
    // without it there is no object
    if (ts.isCallExpression(expression) && expression.expression.kind === SyntaxKind.SuperKeyword) return []
    return [['a statement is left out', node, ';']]
  }
  if (ts.isThrowStatement(node)) return [['nothing is thrown', node, ';']]
  if (ts.isReturnStatement(node) && ts.isIfStatement(node.parent)) return [['no early return', node, ';']]
  if (ts.isBreakStatement(node) && !ts.isCaseClause(node.parent)) return [['no break', node, ';']]
  return []
}

/** Rows: pairs of where yes and no lead, lists of names, rules of what may be given. */
function tables(node: ts.Node): readonly Change[] {
  if (ts.isPropertyAssignment(node) && rules.has(node.name.getText())) {
    return [['anything fits', node.initializer, '(() => true)']]
  }
  if (!ts.isArrayLiteralExpression(node)) return []
  const [one, other, ...more] = node.elements
  if (!one || !ts.isLiteralExpression(one)) return []
  if (other && more.length === 0 && ts.isLiteralExpression(other)) {
    const isSame = one.getText() === other.getText()
    return isSame ? [] : [['yes and no change places', node, `[${other.getText()}, ${one.getText()}]`]]
  }
  return [
    [
      'one less in the list',
      node,
      `[${node.elements
        .slice(1)
        .map((each) => each.getText())
        .join(', ')}]`,
    ],
  ]
}
