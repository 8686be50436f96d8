import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { compilers, complaints } from '../support/compile.js'
import { needsRegistry } from '../support/packages.js'
import { apps, expected, Project, packed, root, same, says } from './project.js'

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
          ['index', 'redis'].flatMap((door) => [`dist/${kind}/${door}.js`, `dist/${kind}/${door}.d.ts`]),
        ),
      )
      const docs = files.filter((path) => /^docs\/.+\.(?:md|svg|png)$/.test(path))
      expect(docs).to.include('docs/README.md')
      const others = ['dist/cjs/package.json', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
      expect(files).to.have.members([...built, ...docs, ...others])
    })

    it('asks of the door to Redis nothing but Node’s own modules: the client is the user’s', () => {
      const asked = new Set<string>()
      const visit = (file: string) => {
        const code = readFileSync(join(root, 'dist/esm', file), 'utf8')
        for (const [, from] of code.matchAll(/^(?:import|export)[^;]*?["']([^"']+)["'];$/gm)) {
          if (from!.startsWith('./') && !asked.has(from!)) visit(from!)
          asked.add(from!)
        }
      }
      visit('redis.js')
      const foreign = [...asked].filter((name) => !/^(?:node:|\.\/)/.test(name))
      expect(asked).to.include('node:crypto')
      expect(foreign).to.deep.equal([])
    })

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
      }

      it('has types that do in a project of the user’s what they do here', async () => {
        for (const file of ['usage.ts', 'negative.ts', 'express5.json']) {
          const source = await readFile(join(root, 'spec/types', file), 'utf8')
          await project.write({
            [`types/${file}`]: source.replaceAll("'../../lib/index.js'", "'express-lariat'"),
          })
        }
        const compiler = compilers['TypeScript 7']
        expect(await complaints(compiler, join(project.folder, 'types/express5.json'))).to.equal('')
      })
    })
  }
})
