import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { compilers, complaints } from '../support/compile.js'
import { needsRegistry } from '../support/packages.js'
import { apps, expected, inspecting, Project, packed, root, same, says } from './project.js'

const run = promisify(execFile)

const neighbours = {
  'Express 5': {
    packages: [same('express'), same('@types/express')],
    brings: ['express-lariat'],
  },
  'Express 4': {
    packages: [same('express', 'express4'), same('@types/express', 'types-express4')],
    brings: ['content-type', 'express-lariat', 'iconv-lite', 'raw-body'],
  },
}

/** A server, whose types a page asks for; and the page, in a project without the types of Node. */
const server = `
import { createHub, resource, resources, sse } from 'express-lariat'
const prices = createHub().channel<{ symbol: string; at: Date }>('prices')
export const ticker = resource({ contentTypesProvided: [sse()], subscribe: prices })
export const table = resources({
  '/prices': { contentTypesProvided: [sse()], subscribe: () => prices.map(({ symbol }) => symbol) },
})
`
const page = `
import { follow } from 'express-lariat/client'
import type { table, ticker } from './server.js'
for await (const { data } of follow<typeof ticker>('/ticker')) document.title = data.symbol + data.at.slice(0, 10)
for await (const { data } of follow<typeof table, '/prices'>('/prices')) document.title = data.slice(0, 10)
// @ts-expect-error not sent
for await (const { data } of follow<typeof ticker>('/ticker')) document.title = data.price
`
const pages = JSON.stringify({
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    module: 'esnext',
    moduleResolution: 'bundler',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  },
  files: ['page.ts'],
})

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

describe('The tarball', function () {
  this.timeout(600_000) // installs, on a busy machine

  describe('unpacked', () => {
    let files: string[]

    before(async () => {
      const { stdout } = await run('tar', ['-tzf', await packed()])
      files = stdout
        .trim()
        .split('\n')
        .map((path) => path.replace('package/', ''))
    })

    it('holds both builds, the documentation, the changelog and the licence, and nothing else', () => {
      const built = files.filter((path) => /^dist\/(?:esm|cjs)\/.+(\.js|\.d\.ts)$/.test(path))
      expect(built).to.include.members(
        ['esm', 'cjs'].flatMap((kind) =>
          ['index', 'client', 'inspector', 'metrics', 'redis', 'testing'].flatMap((door) => [
            `dist/${kind}/${door}.js`,
            `dist/${kind}/${door}.d.ts`,
          ]),
        ),
      )
      const page = files.filter((path) =>
        /^dist\/(?:esm|cjs)\/inspector\/page\/[\w-]+\.(?:html|css|js|svg)$/.test(path),
      )
      const source = readdirSync(join(root, 'lib/inspector/page')).filter((path) =>
        /\.(?:html|css|js|svg)$/.test(path),
      )
      expect(page).to.have.length(2 * source.length)
      expect(page).to.include.members([
        'dist/esm/inspector/page/index.html',
        'dist/cjs/inspector/page/graph.svg',
      ])
      const docs = files.filter((path) => /^docs\/.+\.(?:md|svg|png|yml|json)$/.test(path))
      expect(docs).to.include('docs/README.md')
      const others = ['dist/cjs/package.json', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
      expect(files).to.have.members([...new Set([...built, ...page]), ...docs, ...others])
    })

    /** What a file of a build imports, and what those files import that are of the build. */
    function askedBy(file: string, asked = new Set<string>()): ReadonlySet<string> {
      const path = join(root, 'dist', file)
      const code = readFileSync(path, 'utf8')
      const froms = code.matchAll(
        /(?:\bfrom|\bimport\(|\bimport|\brequire\(|<reference \w+=)\s*["']([^"']+)["']/g,
      )
      for (const [, from = ''] of froms) {
        const isNew = !asked.has(from)
        if (!from.startsWith('.')) asked.add(from)
        const target = relative(join(root, 'dist'), join(dirname(path), from))
        if (!from.startsWith('.') || asked.has(target)) continue
        if (isNew) asked.add(target)
        askedBy(file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target, asked)
      }
      return asked
    }
    const foreign = (asked: ReadonlySet<string>) => [...asked].filter((from) => !/^(?:esm|cjs)\//.test(from))

    it('asks of the door to Redis nothing but Node’s own modules: the client is the user’s', () => {
      const asked = foreign(askedBy('esm/redis.js'))
      expect(asked).to.include('node:crypto')
      expect(asked.filter((name) => !name.startsWith('node:'))).to.deep.equal([])
    })

    it('asks of the door to metrics nothing but Node’s own modules and Express, in its types too', () => {
      for (const build of ['esm/metrics.js', 'cjs/metrics.js', 'cjs/metrics.d.ts']) {
        const asked = foreign(askedBy(build)).filter((name) => !name.startsWith('node:'))
        expect(asked, build).to.include('express').and.not.include.members(['prom-client'])
        expect(
          asked.filter((name) => /prom-client|opentelemetry/.test(name)),
          build,
        ).to.deep.equal([])
      }
    })

    for (const build of ['esm/client.js', 'cjs/client.js', 'esm/client.d.ts', 'cjs/client.d.ts']) {
      it(`asks of ${build} nothing that a page does not have`, () => {
        expect(foreign(askedBy(build))).to.deep.equal([])
      })
    }

    it('has what its readme and the guide link to, or the repository has', () => {
      const pages = files.filter((path) => path === 'README.md' || path.startsWith('docs/guide/'))
      const broken = pages.flatMap((page) => {
        const text = readFileSync(join(root, page), 'utf8')
        const targets = [...text.matchAll(/\]\(([^)\s#]+)|(?:src|href)="([^"#]+)/g)].map(
          ([, one, other]) => one ?? other!,
        )
        return targets
          .filter((target) => !/^[a-z]+:/.test(target))
          .map((target) => join(page, '..', target))
          .filter((path) => !files.some((file) => file === path || file.startsWith(`${path}/`)))
          .filter(
            (path) =>
              !/^(?:demo|CONTRIBUTING|spec|tools|bench|lib)/.test(path) || !existsSync(join(root, path)),
          )
      })
      expect(broken).to.deep.equal([])
    })
  })

  for (const [neighbour, { packages, brings }] of Object.entries(neighbours)) {
    describe(`installed beside ${neighbour}`, () => {
      const project = new Project()
      let alone: ReadonlySet<string>
      let together: ReadonlySet<string>

      needsRegistry(async () => {
        await project.write({ 'package.json': '{ "private": true, "type": "module" }' })
        alone = await project.install(...packages, same('@types/node'), same('expect-type'))
        together = await project.install(await packed())
      })

      it(`brings ${brings.join(', ')}, and nothing else`, () => {
        const brought = [...together].filter((each) => !alone.has(each))
        expect(brought.map((each) => each.slice(0, each.lastIndexOf('@'))).sort()).to.deep.equal(brings)
      })

      for (const [way, extension] of [
        ['import', 'mjs'],
        ['require', 'cjs'],
      ] as const) {
        it(`answers and streams in a program that loads it by ${way}, without a warning`, async () => {
          await project.write({ [`${way}.${extension}`]: `${apps[way]}\n${says}` })
          const said = await project.app(`${way}.${extension}`)
          expect(JSON.parse(said)).to.deep.equal(expected)
        })

        it(`serves the inspector’s page and its data in a program that loads it by ${way}`, async () => {
          await project.write({ [`inspector.${extension}`]: inspecting[way] })
          expect(JSON.parse(await project.app(`inspector.${extension}`))).to.deep.equal([
            '200 text/html; charset=utf-8',
            '200 text/css; charset=utf-8',
            '200 image/svg+xml',
            '200 application/json',
            version,
          ])
        })
      }

      it('has types that do in a project of the user’s what they do here', async () => {
        for (const file of ['usage.ts', 'client.ts', 'negative.ts', 'express5.json']) await take(file)
        const compiler = compilers['TypeScript 7']
        expect(await complaints(compiler, join(project.folder, 'types/express5.json'))).to.equal('')
      })

      it('has types of the client that do in a page what they do here, and know an endpoint by its type', async () => {
        await take('browser/page.ts')
        await take('browser/tsconfig.json')
        await project.write({
          'pages/server.ts': server,
          'pages/page.ts': page,
          'pages/tsconfig.json': pages,
        })
        const compiler = compilers['TypeScript 7']
        for (const folder of ['types/browser', 'pages'])
          expect(await complaints(compiler, join(project.folder, folder))).to.equal('')
      })

      /** Of the type tests, as a user would have it. */
      async function take(file: string): Promise<void> {
        const source = await readFile(join(root, 'spec/types', file), 'utf8')
        const installed = source
          .replaceAll(/'(?:\.\.\/)+lib\/index\.js'/g, "'express-lariat'")
          .replaceAll(/'(?:\.\.\/)+lib\/(\w+)\.js'/g, "'express-lariat/$1'")
        await project.write({ [`types/${file}`]: installed })
      }
    })
  }
})
