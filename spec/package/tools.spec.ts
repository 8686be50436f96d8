import { join } from 'node:path'
import { expect } from 'chai'
import { build } from 'esbuild'
import { needsRegistry } from '../support/packages.js'
import { isFull } from '../support/runs.js'
import { apps, expected, Project, packed, root, same, says, tools } from './project.js'

/** Written as CommonJS and as an ES module, whatever the compiler makes of it. */
const typed = `
import express, { type RequestHandler } from 'express'
import { createHub, type Endpoint, type Event, event, LariatError, loop, ndjson, resource, resources, sse, stop, timeout } from 'express-lariat'
import { follow } from 'express-lariat/client'
import { metrics } from 'express-lariat/metrics'
import { type RedisClient, redisStreams } from 'express-lariat/redis'

export const shared = (client: RedisClient) =>
  loop({ format: sse(), subscribe: createHub(redisStreams({ client })).channel<{ price: number }>('prices').filter(({ price }) => price > 1) })
export const measured = () => metrics({ of: [endpoint], channels: ['prices'] })
export const prices = createHub().channel<{ price: number }>('prices', { history: 10 })
export const endpoint: Endpoint = resource({
  init: ({ req }) => ({ id: req.params.id }),
  forbidden: ({ state }) => state.id === 'none' && stop(404),
  contentTypesProvided: [sse(), ndjson()],
  subscribe: () => [event({ price: 1 }), event({ price: 2 })],
  info: (message: Event<{ price: number }>, { write }) => write(message.data),
})
const handler: RequestHandler = loop({ format: sse(), subscribe: prices, timeout: 5, info: (m) => (m === timeout ? stop() : undefined) })

export const numbers = resource({ contentTypesProvided: [sse()], subscribe: () => [1, 2] })
export const table = resources({
  '/prices': { contentTypesProvided: [sse(), ndjson()], subscribe: ({ req }) => prices.filter(({ price }) => price > Number(req.query.above)) },
  '/numbers': numbers,
})
export const above = async (url: string) => {
  for await (const { data } of follow<typeof table, '/prices'>(url)) return data.price.toFixed(2)
  for await (const { data } of follow<typeof numbers>(url)) return data.toFixed(2)
  return ''
}

const server = express().use(resources({ '/:id': endpoint })).use('/prices', handler).listen(0, '127.0.0.1', async () => {
  const { port } = Object(server.address()) as { port: number }
  const response = await fetch('http://127.0.0.1:' + port + '/one', { headers: { accept: 'application/x-ndjson' } })
  console.log(await response.text(), new LariatError('LARIAT_DOWN', 'x').code)
  server.close()
})
`

/** An ES module beside CommonJS: what the one has made, the other takes. */
const mixing = `
import { loop, resources, sse } from 'express-lariat'
import { endpoint, prices } from '../cjs/app.js'
export const table = resources({ '/a': endpoint, '/b': loop({ format: sse(), subscribe: prices }) })
`

const commonOptions = {
  target: 'es2022',
  lib: ['es2023'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  esModuleInterop: true,
  // what is exported has types that can be named
  declaration: true,
}

interface Kind {
  readonly files: readonly string[]
  readonly options: (version: number) => object
}

const kinds: Readonly<Record<string, Kind>> = {
  // TypeScript 7 has no older way to find modules for it
  commonjs: {
    files: ['cjs/app.ts'],
    options: (version) => ({ module: 'commonjs', moduleResolution: version < 6 ? 'node10' : 'bundler' }),
  },
  node16: { files: ['cjs/app.ts', 'esm/app.ts', 'esm/mixing.ts'], options: () => ({ module: 'node16' }) },
  nodenext: { files: ['cjs/app.ts', 'esm/app.ts', 'esm/mixing.ts'], options: () => ({ module: 'nodenext' }) },
  bundler: { files: ['esm/app.ts'], options: () => ({ module: 'esnext', moduleResolution: 'bundler' }) },
}

describe('The tarball, in the hands of users’ tools', function () {
  this.timeout(600_000) // installs, on a busy machine
  const project = new Project()
  let toolbox: string

  needsRegistry(async () => {
    toolbox = await tools()
    await project.write({
      'package.json': '{ "private": true }',
      'cjs/package.json': '{ "type": "commonjs" }',
      'esm/package.json': '{ "type": "module" }',
      'cjs/app.ts': typed,
      'esm/app.ts': typed,
      'esm/mixing.ts': mixing,
      'app.mjs': `${apps.import}\n${says}`,
      'app.cjs': `${apps.require}\n${says}`,
    })
    await project.install(same('express'), same('@types/express'), same('@types/node'), await packed())
  })

  /** TypeScript 7 is a program, and no library. */
  const compilers = [
    ['5.4', () => join(root, 'node_modules/typescript5.4')],
    ['5.9', () => join(toolbox, 'node_modules/ts5')],
    ['6.0', () => join(toolbox, 'node_modules/ts6')],
    ['7', () => join(root, 'node_modules/typescript')],
  ] as const

  for (const [version, compiler] of compilers) {
    // the oldest and the newest, and in full those between
    if (/^(?:5\.9|6\.0)$/.test(version) && !isFull) continue
    const its = Object.entries(kinds)
    it(`TypeScript ${version} compiles it for CommonJS, node16, nodenext and a bundler, and it runs`, async () => {
      for (const [kind, { files, options }] of its) {
        const outDir = `out/${version}-${kind}`
        const compilerOptions = { ...commonOptions, ...options(Number(version)), rootDir: '.', outDir }
        await project.write({
          [`${version}-${kind}.json`]: JSON.stringify({ compilerOptions, files }),
          [`${outDir}/cjs/package.json`]: '{ "type": "commonjs" }',
          [`${outDir}/esm/package.json`]: '{ "type": "module" }',
        })
      }
      const configs = its.map(([kind]) => `${version}-${kind}.json`)
      if (Number(version) < 7) {
        const compile = join(root, 'spec/package/compile.cjs')
        expect(await project.run(compile, join(compiler(), 'lib/typescript.js'), ...configs)).to.equal('')
      } else {
        for (const config of configs) {
          expect(await project.run(join(compiler(), 'bin/tsc'), '-p', config), config).to.equal('')
        }
      }
      for (const [kind, { files }] of its) {
        for (const type of new Set(files.map((file) => file.split('/')[0]!))) {
          const said = await project.app(`out/${version}-${kind}/${type}/app.js`)
          expect(said, `${kind}, ${type}`).to.equal('{"price":1}\n{"price":2}\n LARIAT_DOWN\n')
        }
      }
    })
  }

  it('Jest runs it as CommonJS, without a configuration', async () => {
    await project.write({
      'jest/app.test.js': `${apps.require}
        test('answers', async () => expect(await answers).toEqual(${JSON.stringify(expected)}))`,
    })
    const said = await project.run(join(toolbox, 'node_modules/jest/bin/jest.js'), '--rootDir=jest', '--ci')
    expect(said).to.match(/1 passed/)
  })

  it('Vitest runs it', async () => {
    await project.write({
      'vitest/app.test.mjs': `${apps.import}
        test('answers', async () => expect(await answers).toEqual(${JSON.stringify(expected)}))`,
    })
    const vitest = join(toolbox, 'node_modules/vitest/vitest.mjs')
    expect(await project.run(vitest, 'run', '--root=vitest', '--globals')).to.match(/1 passed/)
  })

  it('esbuild bundles the client for a page, and it runs', async () => {
    await project.write({
      'page.mjs': `import { follow } from 'express-lariat/client'\nconst answer = new Response('data: 1\\n\\n', { headers: { 'Content-Type': 'text/event-stream' } })
        for await (const { data } of follow('http://localhost/', { fetch: async () => answer, over: 'complete' })) console.log(data)`,
    })
    const made = { outfile: 'page.bundle.mjs', bundle: true, platform: 'browser', format: 'esm' } as const
    await build({ absWorkingDir: project.folder, entryPoints: ['page.mjs'], ...made })
    expect(await project.app('page.bundle.mjs')).to.equal('1\n')
  })

  const toRequire = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`

  for (const [format, extension] of [
    ['esm', 'mjs'],
    ['cjs', 'cjs'],
  ] as const) {
    for (const source of ['app.mjs', 'app.cjs']) {
      it(`esbuild bundles ${source} as ${format}, and it runs`, async () => {
        const made = `esbuild-${source}.${extension}`
        await build({
          absWorkingDir: project.folder,
          entryPoints: [source],
          outfile: made,
          bundle: true,
          platform: 'node',
          format,
          ...(format === 'esm' && { banner: { js: toRequire } }),
        })
        expect(JSON.parse(await project.app(made))).to.deep.equal(expected)
      })
    }

    // esbuild makes both
    if (format === 'cjs' && !isFull) continue
    it(`Rollup bundles it as ${format}, and it runs`, async () => {
      const made = `rollup.${extension}`
      const plugins = ['node-resolve', 'commonjs', 'json'].flatMap((name) => [
        '-p',
        join(toolbox, 'node_modules/@rollup', `plugin-${name}`),
      ])
      const given = ['-i', 'app.mjs', '-o', made, '-f', format, '--external', 'express', '--silent']
      await project.run(join(toolbox, 'node_modules/rollup/dist/bin/rollup'), ...given, ...plugins)
      expect(JSON.parse(await project.app(made))).to.deep.equal(expected)
    })
  }
})
