// Builds the package: `dist/esm` for `import`, `dist/cjs` for `require()`. Each door is one file, and what several doors
// share another: to load a hundred small files would take longer than to run them. The types are those of `dist/cjs` for
// both builds, so that a value of one is accepted where the other's is expected.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { build, transform } from 'esbuild'

const { exports, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string
  exports: Record<string, string | { import: { default: string } }>
}
/** The files of `lib` that are import paths of the package, without their extension. */
const doors = Object.values(exports).flatMap((door) =>
  typeof door === 'string' ? [] : door.import.default.replace(/^\.\/dist\/esm\/(.+)\.js$/, '$1'),
)

rmSync('dist', { recursive: true, force: true })
const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

await build({
  entryPoints: doors.map((door) => `lib/${door}.ts`),
  outdir: 'dist/esm',
  outbase: 'lib',
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'es2023',
  define: { LARIAT_VERSION: JSON.stringify(version) },
})

writeFileSync('dist/cjs/package.json', `${JSON.stringify({ type: 'commonjs', sideEffects: false })}\n`)
for (const file of readdirSync('dist/esm', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js')) continue
  const source = readFileSync(`dist/esm/${file}`, 'utf8')
  const { code } = await transform(source, {
    format: 'cjs',
    platform: 'node',
    target: 'es2023',
    // a module of CommonJS knows its place by another name; in an ES module that it is bundled into, it is the program
    ...(source.includes('import.meta.url') && {
      define: { 'import.meta.url': 'moduleUrl' },
      banner:
        "const moduleUrl = require('node:url').pathToFileURL(typeof __filename === 'string' ? __filename : process.argv[1] || '.').href",
    }),
  })
  mkdirSync(dirname(`dist/cjs/${file}`), { recursive: true })
  writeFileSync(`dist/cjs/${file}`, code)
}
for (const door of doors) {
  const up = '../'.repeat(door.split('/').length)
  writeFileSync(`dist/esm/${door}.d.ts`, `export * from '${up}cjs/${door}.js'\n`)
}

// the inspector's page is served as it is; what it is checked by stays here
const isServed = (path: string) => !/\.\w+$/.test(path) || /\.(?:html|css|js|svg)$/.test(path)
for (const kind of ['esm', 'cjs'])
  cpSync('lib/inspector/page', `dist/${kind}/inspector/page`, { recursive: true, filter: isServed })
