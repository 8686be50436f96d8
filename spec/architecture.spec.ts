import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect } from 'chai'
import ts from 'typescript5.4'
import { order, roomOf } from '../tools/rooms.js'

const lib = new URL('../lib/', import.meta.url)

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

const classes = files.flatMap(classesOf)

/** A class and those of lib that it extends. */
function lineOf(node: ts.ClassLikeDeclaration): readonly ts.ClassLikeDeclaration[] {
  const clause = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
  const name = clause?.types[0]?.expression.getText()
  const parent = classes.find((each) => each.name?.text === name)
  return parent ? [node, ...lineOf(parent)] : [node]
}

/** The names of members of a class and of those that it extends: one that is overridden counts once. */
function namesOf(
  node: ts.ClassLikeDeclaration,
  own: (node: ts.ClassLikeDeclaration) => readonly string[],
): number {
  const names = lineOf(node).flatMap((each) =>
    own(each).map((name) => (name.startsWith('#') ? `${each.name?.text}${name}` : name)),
  )
  return new Set(names).size
}

/** Fields, and those that a constructor's parameters declare. */
function fieldsOf(node: ts.ClassLikeDeclaration): readonly string[] {
  const declared = node.members
    .filter(ts.isPropertyDeclaration)
    .filter((member) => !has(member, ts.SyntaxKind.StaticKeyword, ts.SyntaxKind.AbstractKeyword))
  const made = node.members.find(ts.isConstructorDeclaration)
  const inline = made?.parameters.filter((each) => ts.isParameterPropertyDeclaration(each, made)) ?? []
  return [...declared, ...inline].map(({ name }) => name.getText())
}

function methodsOf(node: ts.ClassLikeDeclaration): readonly string[] {
  return node.members
    .filter((member) => ts.isMethodDeclaration(member) || ts.isAccessor(member))
    .map(({ name }) => name.getText())
}

function has(member: ts.PropertyDeclaration, ...kinds: readonly ts.SyntaxKind[]): boolean {
  return member.modifiers?.some(({ kind }) => kinds.includes(kind)) ?? false
}

interface Size {
  readonly fields: number
  readonly methods: number
}

const limit: Size = { fields: 16, methods: 30 }

/** Classes that are larger with what they inherit, why they are, and how large they may be. */
const larger: Readonly<Record<string, Size & { readonly reason: string }>> = {
  Writer: { fields: 16, methods: 31, reason: 'it is told of all that can become of a response' },
  LaneWriter: { fields: 16, methods: 43, reason: 'it is a writer, and counts for it' },
  Outlet: {
    fields: 19,
    methods: 73,
    reason: 'it is a writer, and its own alarm: one object for each stream, since each costs memory',
  },
}

function isLarge(node: ts.ClassLikeDeclaration): boolean {
  const { fields, methods } = larger[node.name?.text ?? ''] ?? limit
  return namesOf(node, fieldsOf) > fields || namesOf(node, methodsOf) > methods
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
  large: classes
    .filter(isLarge)
    .map(
      (each) =>
        `${each.name?.text} has ${namesOf(each, fieldsOf)} fields and ${namesOf(each, methodsOf)} methods`,
    ),
}

describe('The architecture (docs/design/architecture.md)', () => {
  it('Every file is in a room', () => expect(found.homeless).to.deep.equal([]))

  it(`A request passes ${order.join(' → ')}: no file imports one of a room above it, types included`, () =>
    expect(found.up).to.deep.equal([]))

  it('No file imports itself, by whichever way, types included', () =>
    expect(found.circles).to.deep.equal([]))

  it('A file is read in one sitting: none has more than 300 lines', () =>
    expect(found.long).to.deep.equal([]))

  it('A class is held in the head with what it inherits: 16 fields and 30 methods and accessors at most', () =>
    expect(found.large).to.deep.equal([]))

  it('A class may be larger for a reason, and only one that is', () => {
    const small = Object.keys(larger).filter((name) => {
      const node = classes.find((each) => each.name?.text === name)
      return !node || (namesOf(node, fieldsOf) <= limit.fields && namesOf(node, methodsOf) <= limit.methods)
    })
    expect(small).to.deep.equal([])
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
