import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect } from 'chai'
import ts from 'typescript5.4'
import { order, roomOf } from '../tools/rooms.js'

const lib = new URL('../lib/', import.meta.url)

/** What is still to be mended: a line may be taken away, and none may be added. */
const breaches: readonly string[] = []

const sources = new Map(
  readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .map((path): [string, ts.SourceFile] => [
      path.slice(0, -'.ts'.length),
      ts.createSourceFile(path, readFileSync(new URL(path, lib), 'utf8'), ts.ScriptTarget.Latest, true),
    ]),
)
const files = [...sources.keys()]

interface Import {
  /** A file of lib, without its extension, or a package. */
  readonly from: string
  readonly isType: boolean
}

const imports = new Map(files.map((file) => [file, importsOf(file)]))

function importsOf(file: string): readonly Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, isType: boolean) => {
    if (!specifier || !ts.isStringLiteral(specifier)) return
    const { text } = specifier
    const from = text.startsWith('.') ? posix.join(posix.dirname(file), text).replace(/\.js$/, '') : text
    found.push({ from, isType })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(sources.get(file)!)
  return found
}

/** The files of lib that a file imports, by whichever way, types included. */
function reach(file: string, seen = new Set<string>()): ReadonlySet<string> {
  for (const { from } of imports.get(file) ?? []) {
    if (!imports.has(from) || seen.has(from)) continue
    seen.add(from)
    reach(from, seen)
  }
  return seen
}

function classesOf(file: string): readonly ts.ClassLikeDeclaration[] {
  const found: ts.ClassLikeDeclaration[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(sources.get(file)!)
  return found
}

/** Fields, and those that a constructor's parameters declare. */
function fieldsOf(node: ts.ClassLikeDeclaration): number {
  const declared = node.members.filter((member) => ts.isPropertyDeclaration(member) && !isStatic(member))
  const made = node.members.find(ts.isConstructorDeclaration)
  const inline = made?.parameters.filter((each) => ts.isParameterPropertyDeclaration(each, made)) ?? []
  return declared.length + inline.length
}

function methodsOf(node: ts.ClassLikeDeclaration): number {
  return node.members.filter((member) => ts.isMethodDeclaration(member) || ts.isAccessor(member)).length
}

function isStatic(member: ts.PropertyDeclaration): boolean {
  return member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false
}

/** Expects what is found wrong to be what is known to be, and that to be mended. */
function only(found: readonly string[]): void {
  expect(found.filter((each) => !breaches.includes(each))).to.deep.equal([])
}

const found = {
  homeless: files.filter((file) => !roomOf(file)).map((file) => `${file} is in no room`),
  up: files.flatMap((file) =>
    imports
      .get(file)!
      .filter(({ from }) => imports.has(from))
      .filter(({ from }) => order.indexOf(roomOf(from)!) < order.indexOf(roomOf(file)!))
      .map(({ from }) => `${file} imports ${from}, which is above it`),
  ),
  circles: files.filter((file) => reach(file).has(file)).map((file) => `${file} imports itself`),
  long: files
    .filter((file) => sources.get(file)!.text.trimEnd().split('\n').length > 300)
    .map((file) => `${file} has more than 300 lines`),
  large: files.flatMap((file) =>
    classesOf(file)
      .filter((each) => fieldsOf(each) > 16 || methodsOf(each) > 30)
      .map(
        (each) => `${each.name?.text} of ${file} has ${fieldsOf(each)} fields and ${methodsOf(each)} methods`,
      ),
  ),
}

describe('The architecture (docs/design/architecture.md)', () => {
  it('Every file is in a room', () => only(found.homeless))

  it(`A request passes ${order.join(' → ')}: no file imports one of a room above it, types included`, () =>
    only(found.up))

  it('No file imports itself, by whichever way, types included', () => only(found.circles))

  it('A file is read in one sitting: none has more than 300 lines', () => only(found.long))

  it('A class is held in the head: none has more than 16 fields, or 30 methods and accessors', () =>
    only(found.large))

  it('What is known to be wrong is still so: a breach that is mended is taken off the list', () => {
    const all = Object.values(found).flat()
    expect(breaches.filter((each) => !all.includes(each))).to.deep.equal([])
  })

  it('Only the endpoint meets Express: all others import its types at most', () => {
    const loading = files.filter((file) =>
      imports.get(file)!.some(({ from, isType }) => from === 'express' && !isType),
    )
    expect(loading).to.deep.equal(['endpoint'])
  })

  it('The front door has exports and no code', () => {
    const others = sources.get('index')!.statements.filter((each) => !ts.isExportDeclaration(each))
    expect(others.map((each) => each.getText())).to.deep.equal([])
  })

  it('A file is named for its question: none is an attic', () => {
    const attics = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|types?|constants?)(?:\/|$)/
    expect(files.filter((file) => attics.test(file))).to.deep.equal([])
  })
})
