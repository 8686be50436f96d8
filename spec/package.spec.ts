import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { compilers, complaints } from './support/compile.js'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** A package for `npm install`, in the version that the repository has under `alias`. */
const same = (name: string, alias = name) => `${name}@${require(`${alias}/package.json`).version}`

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

const app = `
  const app = express()
  app.use(resources({
    '/book': { contentTypesProvided: { 'application/json': () => ({ title: 'Solaris' }) } },
    '/ticks': { contentTypesProvided: [sse()], subscribe: () => ['one', 'two'] },
  }))
  const server = app.listen(0, '127.0.0.1', async () => {
    const ask = async (path) => {
      const response = await fetch('http://127.0.0.1:' + server.address().port + path)
      const [type] = response.headers.get('content-type').split(';')
      return { status: response.status, type, body: await response.text() }
    }
    console.log(JSON.stringify([await ask('/book'), await ask('/ticks')]))
    process.exit()
  })`

const programs = {
  'import.mjs': `
    import express from 'express'
    import { resources, sse } from 'express-lariat'
    ${app}`,
  'require.cjs': `
    const express = require('express')
    const { resources, sse } = require('express-lariat')
    ${app}`,
}

describe('The tarball', function () {
  this.timeout(120_000)
  let folder: string
  let tarball: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'express-lariat-'))
    await run('npm', ['pack', '--pack-destination', folder], { cwd: root })
    const [packed] = await readdir(folder)
    tarball = join(folder, packed!)
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('holds the build, the readme, the changelog and the licence, and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball])
    const files = stdout
      .trim()
      .split('\n')
      .map((path) => path.replace('package/', ''))
    const built = files.filter((path) => /^dist\/.+(\.js|\.d\.ts)$/.test(path))
    expect(built).to.include.members(['dist/index.js', 'dist/index.d.ts'])
    expect(files).to.have.members([...built, 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  })

  for (const [neighbour, { packages, brings }] of Object.entries(neighbours)) {
    describe(`installed beside ${neighbour}`, () => {
      let project: string
      let alone: Set<string>
      let together: Set<string>

      const install = async (...names: string[]) => {
        const quiet = ['--prefer-offline', '--no-audit', '--no-fund']
        await run('npm', ['install', '--prefix', project, ...quiet, ...names], { cwd: project })
        const lock = await readFile(join(project, 'node_modules/.package-lock.json'), 'utf8')
        const installed = Object.entries<{ version: string }>(JSON.parse(lock).packages)
        return new Set(
          installed.map(([path, { version }]) => `${path.split('node_modules/').pop()}@${version}`),
        )
      }

      before(async () => {
        project = join(folder, neighbour)
        await mkdir(project)
        await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
        for (const [name, source] of Object.entries(programs)) await writeFile(join(project, name), source)
        alone = await install(...packages, same('@types/node'), same('expect-type'))
        together = await install(tarball)
      })

      it(`brings ${brings.join(', ')}, and nothing else`, () => {
        const brought = [...together].filter((each) => !alone.has(each))
        expect(brought.map((each) => each.slice(0, each.lastIndexOf('@'))).sort()).to.deep.equal(brings)
      })

      for (const program of Object.keys(programs)) {
        it(`answers and streams in a program that loads it by ${program.split('.')[0]}`, async () => {
          const { stdout } = await run(process.execPath, [program], { cwd: project })
          const [book, ticks] = JSON.parse(stdout)
          expect(book).to.deep.equal({ status: 200, type: 'application/json', body: '{"title":"Solaris"}' })
          expect(ticks).to.include({ status: 200, type: 'text/event-stream' })
          expect(ticks.body).to.match(/data: one\n\ndata: two\n\n$/)
        })
      }

      for (const [name, compiler] of Object.entries(compilers)) {
        it(`has types that do in a project of the user's what they do here, under ${name}`, async () => {
          await mkdir(join(project, 'types'), { recursive: true })
          for (const file of ['usage.ts', 'negative.ts', 'express5.json']) {
            const source = await readFile(join(root, 'spec/types', file), 'utf8')
            const theirs = source
              .replaceAll("'../../lib/index.js'", "'express-lariat'")
              .replaceAll("'../../lib/", "'../node_modules/express-lariat/dist/")
            await writeFile(join(project, 'types', file), theirs)
          }
          expect(await complaints(compiler, join(project, 'types/express5.json'))).to.equal('')
        })
      }
    })
  }
})
